import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { Pulumi } from "../../../lab/pulumi";
import { resolveTool } from "../../../lab/tools/resolve";
import { layOutWorkspace, projectFolder } from "../../../lab/workspace";
import { readQuickly } from "../../../rollout/pulumi/quick-reading";
import { parseValues } from "../../../rollout/steps/values";

/* The same question to the files and to the real CLI: the same answer, or none from the files. */

describe("what is read from files instead of asking the CLI", () => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "quick-reading-")));
  const workspace = layOutWorkspace(path.join(folder, "workspace"), "dev");
  let pulumi: Pulumi;
  before(async () => {
    const tool = await resolveTool("pulumi");
    fs.mkdirSync(path.join(folder, "backend"));
    pulumi = new Pulumi(workspace, {
      ...process.env,
      PATH: `${path.dirname(tool.path)}:${process.env["PATH"] ?? ""}`,
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${path.join(folder, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "of a test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    await pulumi.initStack();
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  const quickly = (): ReturnType<typeof readQuickly> =>
    readQuickly(workspace.folder, undefined, pulumi.environment);
  const file = path.join(workspace.folder, "Pulumi.dev.yaml");

  /** @returns whether the files were enough. */
  async function compared(): Promise<boolean> {
    const read = await quickly();
    if (read === undefined) return false;
    assert.deepEqual(
      parseValues(JSON.parse(read.printed)),
      parseValues(JSON.parse(await pulumi.run(["config", "--json"]))),
    );
    return true;
  }

  it("is the stack that the CLI has selected", async () => {
    assert.equal((await quickly())?.stack, (await pulumi.run(["stack", "--show-name"])).trim());
    await pulumi.run(["stack", "init", "other"]);
    assert.equal((await quickly())?.stack, "other");
    await pulumi.run(["stack", "select", "dev"]);
    assert.equal((await quickly())?.stack, "dev");
  });

  const folderOfExamples = path.join(projectFolder, "examples");
  for (const example of fs.readdirSync(folderOfExamples).filter((name) => name.endsWith(".yaml"))) {
    it(`is the config of ${example}`, async () => {
      fs.copyFileSync(path.join(folderOfExamples, example), file);
      assert.ok(await compared());
    });
  }

  it("is a config as the CLI writes it, with secrets", async () => {
    fs.writeFileSync(file, "config: {}\n");
    for (const [key, value] of [
      ["weight", "60"],
      ["stable", "on"],
      ["model", "0777"],
      ["pools.llm.replicas", "6"],
      ["pools.llm.image", "1.30"],
      ["rolledBack.time", "2026-11-27T06:48:41Z"],
      ["rolledBack.reason", "a: #b\nc"],
      ["allow[0]", "frozen"],
      ["gate.retry", "true"],
      ["gate.part", "0.25"],
    ] as const) {
      await pulumi.run(["config", "set", "--path", key, value]);
    }
    await pulumi.run(["config", "set", "--secret", "token", "hush"]);
    await pulumi.run(["config", "set", "--secret", "--path", "pools.llm.env.KEY", "hush"]);
    assert.ok(await compared());
  });

  it("is what people write, or nothing", async () => {
    const scalars = [
      ...["60", "'60'", "on", "yes", "1_000", "0o17", "0777", "1.50", "1e3", ".5", "~", "''", "12:30", "+5"],
      ...["2026-11-27", "2026-11-27T06:48:41Z", "0x1F", "true", "True", "-0", "!!str 5", "|\n    text"],
    ];
    const understood: string[] = [];
    for (const scalar of scalars) {
      for (const text of [`a: ${scalar}`, `a: { b: ${scalar.startsWith("|") ? "text" : scalar} }`]) {
        fs.writeFileSync(file, `config:\n  inference-rollout:${text}\n`);
        if (
          await compared().catch((error: unknown) => Promise.reject(new Error(`${text}: ${String(error)}`)))
        )
          understood.push(text);
      }
    }
    for (const plain of ["60", "'60'", "on", "true", "''"])
      assert.ok(understood.includes(`a: ${plain}`), plain);
  });
});
