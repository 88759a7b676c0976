import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { dump } from "js-yaml";
import { fixText, removeCommand, setCommand } from "../../../stacks/messages/edits";
import type { RawConfig } from "../../../stacks/config/parse";
import { runCommand } from "../../../lab/tools/command";
import { resolveTool } from "../../../lab/tools/resolve";
import { prefix, prefixed, readConfigFile } from "../../../lab/rehearsal/config-file";
import { runConfig } from "./cli-model";
import { fixesOf, isTold, mistakesOf } from "./mistakes";
import { crossCases, orderCases, shapeCases } from "./mistake-cases";
import { refusalCommands } from "./refusals";

/* The same commands as in fixes.test.ts, typed into a shell for the real CLI with a file backend. */

const secret = "a-secret-of-a-test";
/** Shells at a time. */
const hands = 4;

/** A folder that is a project, with one stack. */
class Desk {
  private constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async make(folder: string, pulumi: string): Promise<Desk> {
    fs.mkdirSync(path.join(folder, "state"), { recursive: true });
    const project = path.join(__dirname, "..", "..", "..", "Pulumi.yaml");
    fs.copyFileSync(project, path.join(folder, "Pulumi.yaml"));
    const desk = new Desk(folder, {
      ...process.env,
      PATH: `${path.dirname(pulumi)}:${process.env["PATH"] ?? ""}`,
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "passphrase",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    const { status, output } = await desk.type("pulumi stack init t");
    assert.equal(status, 0, output);
    return desk;
  }

  /** A line as a person types it; what the CLI asks for is answered with the secret. */
  type(line: string): Promise<{ status: number | null; output: string }> {
    const script = path.join(this.folder, "line.sh");
    fs.writeFileSync(
      script,
      `${line.replaceAll(/(--secret '[^']*'|--secret \S+)(?= &&|$)/g, `$1 <<< ${secret}`)}\n`,
    );
    return runCommand("bash", [script], { cwd: this.folder, env: this.env, timeoutSeconds: 60 });
  }

  private get file(): string {
    return path.join(this.folder, "Pulumi.t.yaml");
  }

  /** The config after some commands, as the CLI wrote it; secrets as what they are. */
  async after(config: RawConfig, commands: readonly string[]): Promise<RawConfig> {
    const salt = /^encryptionsalt: .*$/m.exec(
      fs.existsSync(this.file) ? fs.readFileSync(this.file, "utf8") : "",
    );
    fs.writeFileSync(this.file, `${salt?.[0] ?? ""}\n${dump({ config: prefixed(config) })}`);
    const { status, output } = await this.type(commands.join(" && "));
    assert.equal(status, 0, `${commands.join(" && ")}\n${output}`);
    return Object.fromEntries(
      Object.entries(readConfigFile(this.file)).map(([key, value]) => [
        key.startsWith(prefix) ? key.slice(prefix.length) : key,
        opened(value),
      ]),
    );
  }
}

function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") return secret;
  return Object.fromEntries(entries.map(([key, inner]) => [key, opened(inner)]));
}

/** As a file has it: a scalar of the top level is text once the CLI has written the file. */
function plain(config: RawConfig): unknown {
  const entries = Object.entries(JSON.parse(JSON.stringify(config)) as Record<string, unknown>);
  const written = (value: unknown): unknown =>
    typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  return Object.fromEntries(entries.map(([key, value]) => [key, written(value)]));
}

describe("the commands that messages print, with the real CLI", { timeout: 30 * 60_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fixes-"));
  let desks: Desk[];
  before(async () => {
    const { path: pulumi } = await resolveTool("pulumi");
    desks = await Promise.all(
      Array.from({ length: hands }, (_, i) => Desk.make(path.join(folder, `desk-${i}`), pulumi)),
    );
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** Everybody takes the next piece of work. @returns what went wrong. */
  async function share<T>(
    work: readonly T[],
    one: (desk: Desk, piece: T) => Promise<string | undefined>,
  ): Promise<string[]> {
    const wrong: string[] = [];
    let next = 0;
    await Promise.all(
      desks.map(async (desk) => {
        for (let i = next++; i < work.length; i = next++) {
          const found = await one(desk, work[i] as T).catch((error: unknown) => (error as Error).message);
          if (found !== undefined) wrong.push(found);
        }
      }),
    );
    return wrong;
  }

  it("end every mistake, and do what the model says that they do", async (t) => {
    const { fixes } = fixesOf([...crossCases, ...orderCases, ...shapeCases()]);
    t.diagnostic(`${fixes.length} fixes`);
    const wrong = await share(fixes, async (desk, { config, mistake, commands }) => {
      const found = await desk.after(config, commands);
      const modelled = commands.reduce((at, command) => runConfig(at, command, { secret }), config);
      assert.deepEqual(found, plain(modelled), commands.join(" && "));
      return !orderCases.includes(config) && isTold(mistakesOf(found), mistake)
        ? `still told: ${mistake.key}: ${fixText(mistake.fix)}`
        : undefined;
    });
    assert.deepEqual(wrong, []);
  });

  it("do what the model says that they do for every refusal", async (t) => {
    const chains = refusalCommands();
    t.diagnostic(`${chains.length} chains of commands`);
    const wrong = await share(chains, async (desk, { config, commands }) => {
      const found = await desk.after(config, commands);
      const modelled = commands.reduce((at, command) => runConfig(at, command, { secret }), config);
      assert.deepEqual(found, plain(modelled), commands.join(" && "));
      return undefined;
    });
    assert.deepEqual(wrong, []);
  });

  it("name odd keys and store odd values as the model says", async () => {
    const names = ["a.b", 'q"', "[0]", "it's", "a b", "ä", "-x", "pass"];
    const values = [
      "8192",
      "-1",
      "007",
      "true",
      "--flag",
      "it's",
      "a b",
      "",
      "$HOME",
      "`x`",
      5,
      false,
      "+5",
      "1e3",
      "0.5",
    ];
    const work = [
      ...names.map((name) => ({ commands: [setCommand(["k", name], "v")], config: {} })),
      ...names.map((name) => ({
        commands: [removeCommand(["k", name])],
        config: { k: { [name]: 1, other: 2 } },
      })),
      ...values.flatMap((value) => [
        { commands: [setCommand(["k", "a", 0], value)], config: {} },
        { commands: [setCommand(["k"], value)], config: {} },
      ]),
      {
        commands: [
          "pulumi config set --path 'k.a' 007",
          "pulumi config set --path 'k.b' 8192",
          "pulumi config set --path k.c -- -0",
        ],
        config: {},
      },
      {
        commands: ["pulumi config rm --path 'pools.llama-3.1-8b'"],
        config: { pools: { "llama-3.1-8b": 1 } },
      },
    ];
    const wrong = await share(work, async (desk, { config, commands }) => {
      const found = await desk.after(config, commands);
      assert.deepEqual(
        found,
        plain(commands.reduce<RawConfig>((at, command) => runConfig(at, command), config)),
        commands.join(" && "),
      );
      return undefined;
    });
    assert.deepEqual(wrong, []);
  });
});
