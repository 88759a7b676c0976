import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readLaunch, type LaunchInput } from "../../../lab/simulator/launch";
import { post, TestSimulator } from "../../../lab/simulator/test-simulator";
import { judgeAnswer } from "../../../stacks/answers/judge";
import { StreamJudge } from "../../../stacks/answers/stream";
import { servedNames } from "../../../stacks/plan/served-names";

/*
 * The lab's model servers beside what the program makes of a server: its judge reads their answers, and both read the
 * same names from a command line. Were they to differ, a rehearsal would show what no rollout does.
 */

describe("the program's judge reads the lab's model servers", () => {
  let simulator: TestSimulator;
  before(async () => {
    simulator = await TestSimulator.start();
  });
  after(() => simulator.stop());

  const complete = (url: string, body: object): Promise<Response> =>
    post(`${url}/v1/completions`, { model: "Qwen/Qwen3-8B", prompt: "a", max_tokens: 4, ...body });

  it("and sees errors under status 200, and in streams, where a fault says so", async () => {
    const { url, id } = await simulator.server(["--model", "Qwen/Qwen3-8B"], {
      env: { LAB_LOAD_SECONDS: "0", LAB_FAULT: "error-200" },
    });
    const fault = `${simulator.control}/servers/${id}/fault`;
    const plain = await complete(url, { max_tokens: 2 });
    assert.equal(plain.status, 200);
    assert.match(
      judgeAnswer("completions", plain.status, await plain.text())?.text ?? "",
      /an error: EngineCore/,
    );
    await post(fault, { fault: "error-in-stream" });
    const text = await (await complete(url, { stream: true })).text();
    assert.match(text, /data: \{"error":[^\n]*\n\ndata: \[DONE\]\n\n$/);
    await post(fault, { fault: "none" });
    for (const [path, endpoint] of [
      ["completions", "completions"],
      ["chat/completions", "chat"],
    ] as const) {
      const body = { model: "Qwen/Qwen3-8B", prompt: "a", messages: [], max_tokens: 4 };
      const whole = await post(`${url}/v1/${path}`, body);
      assert.equal(judgeAnswer(endpoint, whole.status, await whole.text()), undefined);
      const streamed = await post(`${url}/v1/${path}`, {
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      });
      const judge = new StreamJudge(endpoint);
      judge.take(new Uint8Array(await streamed.arrayBuffer()));
      assert.equal(judge.end(streamed.status), undefined);
    }
  });

  it("and sees embeddings, and no tokens, of a model that makes embeddings", async () => {
    const model = "Qwen/Qwen3-Embedding-8B";
    const { url } = await simulator.server(["--model", model, "--runner", "pooling"]);
    const made = await post(`${url}/v1/embeddings`, { model, input: ["a", "b"] });
    assert.equal(judgeAnswer("embeddings", made.status, await made.text()), undefined);
    const refused = await complete(url, { model });
    assert.equal(judgeAnswer("completions", refused.status, await refused.text())?.kind, "endpoint");
  });
});

it("all of vLLM's names and the first of SGLang's are read alike from a command line", () => {
  const rest = { env: {} };
  const vllm = (args: readonly string[]): LaunchInput => ({
    ...{ image: "vllm/vllm-openai:v0.21.0", command: [], args: ["--model", "m", ...args] },
    ...rest,
  });
  const sglang = (args: readonly string[]): LaunchInput => ({
    ...{ image: "lmsysorg/sglang:v0.5.5", command: ["python3", "-m", "sglang.launch_server"] },
    ...{ args: ["--model-path", "m", ...args] },
    ...rest,
  });
  for (const args of [
    ["--served-model-name", "Qwen/Qwen3-8B", "chat"],
    ["--served_model_name=a", "--served-model-name", "b", "c"],
    ["--port", "8000", "--served-model-name=x"],
    [],
  ]) {
    assert.deepEqual(readLaunch(vllm(args)).names, servedNames("vllm", args, "m"));
    assert.deepEqual(readLaunch(sglang(args)).names, servedNames("sglang", args, "m"));
  }
});
