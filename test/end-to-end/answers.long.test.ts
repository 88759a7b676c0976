import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, describe, test } from "node:test";
import { runCommand } from "../../lab/tools/command";
import { Traffic } from "../../lab/traffic/traffic";
import { adoptingConfig, makeCluster, serve } from "./production/production";
import { podsOf } from "./servers";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * What a candidate answers, and for which names. The stable pool was made by somebody else and serves a name, `chat`,
 * that no config declares; the candidate's servers answer well, with errors under status 200, and with broken streams.
 */

const model = "Qwen/Qwen3-8B";
const key = "sk-a-key-that-is-nowhere-else-0123456789";

describe("answers of a candidate", minutes(20), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let address: string;
  const printed: string[] = [];
  before(async () => {
    lab = await StackLab.start({ speed: 8 });
    await makeCluster(lab, "us-central1");
    address = await serve(lab, (objects) => {
      const names = JSON.stringify(["--served-model-name", model, "chat"]).slice(1, -1);
      return JSON.parse(JSON.stringify(objects).replace('"args":[', `"args":[${names},`)) as typeof objects;
    });
    const pools = {
      llm: { existing: true },
      "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    stack = await lab.stack("answers", { model, pools, gate: { timeoutSeconds: 20 } }, adoptingConfig);
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
  }, minutes(8));
  after(async () => lab.stop());

  const up = async (weight: number): Promise<{ status: number | null; output: string }> => {
    const result = await stack.update({ weight: String(weight) });
    printed.push(result.output);
    return result;
  };

  /** A fault of every model server of the candidate. */
  async function inject(fault: string): Promise<void> {
    const servers = (await (await fetch(`${lab.lab.simulator.url}/servers`)).json()) as {
      id: string;
      pod: string;
    }[];
    const pods = (await podsOf(lab, "llm-new")).map(({ metadata }) => metadata?.name);
    const theirs = servers.filter(({ pod }) => pods.includes(pod));
    assert.equal(theirs.length, 2);
    for (const { id } of theirs) {
      const body = JSON.stringify({ fault });
      const response = await fetch(`${lab.lab.simulator.url}/servers/${id}/fault`, { method: "POST", body });
      assert.equal(response.status, 200, await response.text());
    }
  }

  test("a name that nobody declared closes the gate; the fix, typed as printed, opens it", async () => {
    const { status, output } = await up(50);
    assert.notEqual(status, 0);
    assert.match(output, /llm-new answered 404 for model chat: The model `chat` does not exist\./);
    assert.deepEqual(weightsOf(await lab.route()), { llm: 100 });
    const fix = /(pulumi config set --path 'aliases\[0\]' chat) && pulumi up/.exec(output)?.[1];
    assert.ok(fix !== undefined, output);
    const { folder, stack: name } = stack.workspace;
    const env = { ...stack.pulumi.environment, NO_COLOR: "1" };
    const typed = await runCommand("sh", ["-c", `pulumi stack select ${name} && ${fix}`], {
      cwd: folder,
      env,
    });
    assert.equal(typed.status, 0, typed.output);
    const again = await up(50);
    assert.equal(again.status, 0, again.output);
    for (const asked of [model, "chat"]) {
      const counts = await lab.ask(address, 100, { model: asked });
      assert.deepEqual(Object.keys(counts).sort(), ["llm", "llm-new"], JSON.stringify(counts));
    }
  });

  test("errors under status 200 close it, and going back asks for nothing", async () => {
    await inject("error-200");
    const { status, output } = await up(60);
    assert.notEqual(status, 0);
    assert.match(output, /llm-new answered 200 for model \S+: an error: EngineCore encountered an issue/);
    assert.deepEqual(weightsOf(await lab.route()), { llm: 50, "llm-new": 50 });
    const back = await up(0);
    assert.equal(back.status, 0, back.output);
    await inject("none");
  });

  test("a stream with an error before its end mark is a broken one", async () => {
    assert.equal((await up(50)).status, 0);
    await inject("error-in-stream");
    const traffic = Traffic.start(
      { host: address, port: await lab.lab.boundPort(address) },
      { requests: 5000, seconds: 120 },
    );
    traffic.setRates({ plain: 10, streams: 10, models: [model] });
    await traffic.until(
      () => traffic.outcomes.filter(({ kind }) => kind === "stream").length >= 60,
      "60 streams",
      100,
    );
    await traffic.drain(60);
    await inject("none");
    const streams = traffic.outcomes.filter(({ kind }) => kind === "stream");
    for (const { pool, failure } of streams) {
      const expected =
        pool === "llm-new" ? "an error in the stream: EngineCore encountered an issue" : undefined;
      assert.equal(failure, expected, pool);
    }
    assert.deepEqual(new Set(streams.map(({ pool }) => pool)), new Set(["llm", "llm-new"]));
    assert.deepEqual(
      traffic.outcomes.flatMap(({ kind, failure }) =>
        kind === "plain" && failure !== undefined ? [failure] : [],
      ),
      [],
    );
  });

  test("a key for the gate is a secret, and goes to the servers alone", async () => {
    const { folder } = stack.workspace;
    const env = { ...stack.pulumi.environment, NO_COLOR: "1", KEY: key };
    // As the message has it; the value comes from a pipe here, and from the keyboard where there is one.
    const command = `printf %s "$KEY" | pulumi config set --secret --path 'gate.apiKey'`;
    const typed = await runCommand("sh", ["-c", command], { cwd: folder, env });
    assert.equal(typed.status, 0, typed.output);
    assert.match(fs.readFileSync(stack.workspace.configFile, "utf8"), /apiKey:\n\s+secure:/);
    const raised = await up(60);
    assert.equal(raised.status, 0, raised.output);
    const verified = await stack.rollout("verify", "--traffic", "--requests", "20", "--seconds", "20");
    assert.equal(verified.status, 0, verified.output);
    const state = await stack.pulumi.run(["stack", "export"]);
    const outputs = await stack.pulumi.run(["stack", "output", "--json"]);
    for (const text of [...printed, typed.output, verified.output, state, outputs])
      assert.ok(!text.includes(key));
  });
});
