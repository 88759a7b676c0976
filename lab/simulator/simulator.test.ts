import assert from "node:assert/strict";
import * as net from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accepts } from "../processes/addresses";
import type { ServerEvent, ServerView, StartServer } from "./protocol";
import { eventsOf, post, TestSimulator, type TestServer } from "./test-simulator";

interface Completion {
  served_by: { pod: string; pool: string; adapter: string };
  system_fingerprint: string;
  choices: { text: string; message: { role: string }; finish_reason: string }[];
  usage: { completion_tokens: number };
}

describe("Simulator", () => {
  let simulator: TestSimulator;
  let control = "";
  before(async () => {
    simulator = await TestSimulator.start();
    control = simulator.control;
  });
  after(() => simulator.stop());

  const start = (args: readonly string[], extra: Partial<StartServer> = {}): Promise<TestServer> =>
    simulator.server(args, extra);
  const endOf = (id: string): Promise<ServerEvent & { event: "ended" }> => simulator.endOf(id);

  const complete = (url: string, body: object): Promise<Response> =>
    post(`${url}/v1/completions`, { model: "Qwen/Qwen3-8B", prompt: "hello", ...body });

  it("answers plainly and says who answered", async () => {
    const { url } = await start(["--model", "Qwen/Qwen3-8B", "--served-model-name", "qwen", "qwen-latest"]);
    const response = await complete(url, { model: "qwen-latest", max_tokens: 5 });
    assert.equal(response.status, 200);
    const served = ["pod", "namespace", "node", "pool"].map((what) =>
      response.headers.get(`x-served-by-${what}`),
    );
    assert.deepEqual(served, ["pod-1", "llm", "node-1", "llm-pool"]);
    assert.equal(response.headers.get("x-served-model"), "Qwen/Qwen3-8B");
    assert.equal(response.headers.get("x-served-adapter"), null);
    const body = (await response.json()) as Completion;
    assert.equal(body.usage.completion_tokens, 5);
    assert.equal(body.served_by.pod, "pod-1");
    assert.equal(body.system_fingerprint, "lab-llm-pod-1");
    const chat = await post(`${url}/v1/chat/completions`, { messages: [{ role: "user", content: "hi" }] });
    assert.equal(((await chat.json()) as Completion).choices[0]?.message.role, "assistant");
    assert.deepEqual(await models(url), [
      ["qwen", "Qwen/Qwen3-8B", null],
      ["qwen-latest", "Qwen/Qwen3-8B", null],
    ]);
  });

  it("streams one event for each token, who answered first, and the usage where asked for", async () => {
    const { url } = await start(["--model", "Qwen/Qwen3-8B"]);
    for (const chat of [false, true]) {
      const body = chat ? { messages: [{ role: "user", content: "hi" }] } : { prompt: "hi" };
      const options = { stream: true, max_tokens: 4, stream_options: { include_usage: true } };
      const response = await post(`${url}/v1/${chat ? "chat/" : ""}completions`, {
        model: "Qwen/Qwen3-8B",
        ...body,
        ...options,
      });
      assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
      const chunks = await eventsOf<Completion>(response);
      assert.equal(chunks.length, 4 + (chat ? 2 : 1));
      assert.equal(chunks[0]?.served_by.pool, "llm-pool");
      assert.equal(chunks.at(-1)?.usage.completion_tokens, 4);
      assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, "length");
    }
  });

  it("refuses in vLLM's words", async () => {
    const { url } = await start(["--model", "Qwen/Qwen3-8B", "--max-model-len", "100"]);
    const errorOf = async (body: unknown): Promise<unknown> => {
      const response = await post(`${url}/v1/completions`, body);
      const { error } = (await response.json()) as { error: { message: string; type: string; code: number } };
      return [response.status, error.type, error.code, error.message.slice(0, 50)];
    };
    assert.deepEqual(await errorOf({ model: "nobody", prompt: "x" }), [
      404,
      "NotFoundError",
      404,
      "The model `nobody` does not exist.",
    ]);
    assert.deepEqual(await errorOf({ model: "Qwen/Qwen3-8B" }), [
      400,
      "BadRequestError",
      400,
      "Field required",
    ]);
    assert.deepEqual(await errorOf({ prompt: "x", max_tokens: 0 }), [
      400,
      "BadRequestError",
      400,
      "max_tokens must be at least 1, got 0.",
    ]);
    assert.deepEqual(await errorOf({ prompt: "x", max_tokens: 100 }), [
      400,
      "BadRequestError",
      400,
      "This model's maximum context length is 100 tokens.",
    ]);
    assert.equal((await post(`${url}/v1/completions`, "{")).status, 400);
    assert.equal((await post(`${url}/v1/chat/completions`, { messages: [{ content: [null] }] })).status, 500);
    assert.equal((await fetch(`${url}/v1/completions`)).status, 405);
    assert.equal((await post(`${url}/v1/load_lora_adapter`, {})).status, 404);
  });

  it("closes an idle connection when the real one would", async () => {
    const closesWithin = async (env: Record<string, string>, seconds: number): Promise<boolean> => {
      const { host } = await start([], { env: { LAB_LOAD_SECONDS: "0", ...env } });
      const socket = net.connect(8000, host);
      socket.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
      const closed = new Promise<boolean>((resolve) => socket.resume().once("close", () => resolve(true)));
      const is = await Promise.race([closed, sleep(seconds * 1000, false)]);
      socket.destroy();
      return is;
    };
    const [short, long, usual] = await Promise.all([
      closesWithin({ VLLM_HTTP_TIMEOUT_KEEP_ALIVE: "1" }, 5),
      closesWithin({ VLLM_HTTP_TIMEOUT_KEEP_ALIVE: "620" }, 8),
      closesWithin({}, 12),
    ]);
    assert.deepEqual({ short, long, usual }, { short: true, long: false, usual: true });
  });

  it("loads and unloads adapters where that is allowed, and answers as them", async () => {
    const env = { VLLM_ALLOW_RUNTIME_LORA_UPDATING: "true", LAB_LOAD_SECONDS: "0" };
    const args = ["--model", "Qwen/Qwen3-8B", "--enable-lora", "--lora-modules", "food=org/food"];
    const { url } = await start(args, { env });
    const load = { lora_name: "sql", lora_path: "org/sql-v2" };
    const answer = await post(`${url}/v1/load_lora_adapter`, load);
    assert.deepEqual(
      [answer.status, await answer.text()],
      [200, "Success: LoRA adapter 'sql' added successfully."],
    );
    assert.equal((await post(`${url}/v1/load_lora_adapter`, load)).status, 400);
    assert.deepEqual(await models(url), [
      ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B", null],
      ["food", "org/food", "Qwen/Qwen3-8B"],
      ["sql", "org/sql-v2", "Qwen/Qwen3-8B"],
    ]);
    const response = await complete(url, { model: "sql", max_tokens: 1 });
    assert.equal(response.headers.get("x-served-adapter"), "sql=org/sql-v2");
    assert.equal(((await response.json()) as Completion).served_by.adapter, "sql=org/sql-v2");
    assert.equal((await post(`${url}/v1/unload_lora_adapter`, { lora_name: "sql" })).status, 200);
    assert.equal((await complete(url, { model: "sql" })).status, 404);
  });

  it("ends before it listens when an adapter on its command line cannot be loaded", async () => {
    const { id, host } = await start(["--enable-lora", "--lora-modules", "x=/adapters/x"]);
    assert.deepEqual(await endOf(id), {
      event: "ended",
      id,
      code: 1,
      message: "Loading lora x failed: No adapter found for /adapters/x",
    });
    assert.equal(await accepts(host, 8000), false);
  });

  it("has the metrics that the picker reads", async () => {
    const { url } = await start([
      "--model",
      "Qwen/Qwen3-8B",
      "--enable-lora",
      "--max-loras",
      "4",
      "--lora-modules",
      "a=org/a",
    ]);
    const streaming = await complete(url, { model: "a", stream: true, max_tokens: 2000 });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const line of [
      /^vllm:num_requests_running\{engine="0",model_name="Qwen\/Qwen3-8B"\} 1$/m,
      /^vllm:num_requests_waiting\{.*\} 0$/m,
      /^vllm:kv_cache_usage_perc\{.*\} 0\.\d+/m,
      /^vllm:cache_config_info\{block_size="16",engine="0",num_gpu_blocks="\d+"\} 1$/m,
      /^vllm:lora_requests_info\{max_lora="4",running_lora_adapters="a",waiting_lora_adapters=""\} \d+/m,
    ])
      assert.match(metrics, line);
    await streaming.body?.cancel();
    await sleep(50);
    assert.match(await (await fetch(`${url}/metrics`)).text(), /finished_reason="abort"\} 1$/m);
  });

  it("is SGLang where the image is: other paths, other metrics, and a model's name means nothing", async () => {
    const image = "lmsysorg/sglang:v0.5.5";
    const args = [
      "--model-path=Qwen/Qwen3-8B",
      "--port=8000",
      "--enable-metrics",
      "--lora-paths",
      "food=org/food",
    ];
    const { url } = await start(args, { image });
    assert.equal((await fetch(`${url}/health`)).status, 503, "it warms up");
    await sleep(600);
    for (const path of ["health", "health_generate"]) {
      const asked = performance.now();
      assert.equal((await fetch(`${url}/${path}`)).status, 200);
      const took = performance.now() - asked;
      assert.ok(took >= 990, `${path} answered after ${took} ms; the real one sleeps a second first`);
    }
    assert.match(
      await (await fetch(`${url}/metrics`)).text(),
      /^sglang:num_queue_reqs\{model_name="Qwen\/Qwen3-8B"\} 0$/m,
    );
    const adapterOf = async (model: string): Promise<string | null> =>
      (await complete(url, { model, max_tokens: 1 })).headers.get("x-served-adapter");
    assert.equal(await adapterOf("food"), null);
    assert.equal(await adapterOf("Qwen/Qwen3-8B:food"), "food=org/food");
    assert.equal((await complete(url, { model: "Qwen/Qwen3-8B:nobody" })).status, 400);
  });

  it("after SIGTERM finishes its streams where it is told how long it may take, and takes no connection", async () => {
    const { url, id, host } = await start(["--model", "Qwen/Qwen3-8B", "--shutdown-timeout", "30"]);
    // 1,000 tokens of 0.4 ms.
    const stream = await complete(url, { stream: true, max_tokens: 1000 });
    await post(`${control}/servers/${id}/terminate`, {});
    assert.equal(await accepts(host, 8000), false);
    const text = await stream.text();
    assert.ok(text.endsWith("data: [DONE]\n\n"));
    assert.equal((await endOf(id)).code, 0);
  });

  it("after SIGTERM cuts its streams when nothing, or too little, is said, as vLLM does", async () => {
    for (const flags of [[], ["--shutdown-timeout", "0.1"]]) {
      const { url, id } = await start(["--model", "Qwen/Qwen3-8B", ...flags]);
      const stream = await complete(url, { stream: true, max_tokens: 100_000 });
      await post(`${control}/servers/${id}/terminate`, {});
      await assert.rejects(stream.text());
      assert.equal((await endOf(id)).code, 0);
    }
  });

  it("cuts its streams when it is killed", async () => {
    const { url, id } = await start(["--model", "Qwen/Qwen3-8B"]);
    const stream = await complete(url, { stream: true, max_tokens: 100_000 });
    await post(`${control}/servers/${id}/kill`, {});
    await assert.rejects(stream.text());
    assert.equal((await endOf(id)).code, 137);
  });

  it("fails as it is told to", async () => {
    const { url, id } = await start(["--model", "Qwen/Qwen3-8B"], {
      env: { LAB_FAULT: "never-ready", LAB_LOAD_SECONDS: "0" },
    });
    const health = async (): Promise<number> => (await fetch(`${url}/health`)).status;
    const inject = async (fault: string): Promise<number> =>
      (await post(`${control}/servers/${id}/fault`, { fault })).status;
    assert.equal(await health(), 503);
    assert.equal(await inject("none"), 200);
    assert.equal(await health(), 200);
    assert.equal(await inject("nonsense"), 400);
    await inject("busy:300ms");
    await assert.rejects(fetch(`${url}/health`, { signal: AbortSignal.timeout(100) }));
    assert.equal(await health(), 200);
    await inject("hang");
    await sleep(20);
    await assert.rejects(fetch(`${url}/health`, { signal: AbortSignal.timeout(200) }));
    await inject("crash-after:10ms");
    assert.equal((await endOf(id)).code, 1);
  });

  it("answers to all of its names", async () => {
    const { url } = await start(["--model", "Qwen/Qwen3-8B", "--served-model-name", "Qwen/Qwen3-8B", "chat"]);
    for (const model of ["Qwen/Qwen3-8B", "chat"]) assert.equal((await complete(url, { model })).status, 200);
    assert.deepEqual(await models(url), [
      ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B", null],
      ["chat", "Qwen/Qwen3-8B", null],
    ]);
  });

  it("wants one of its keys for what vLLM guards", async () => {
    const { url } = await start(["--model", "Qwen/Qwen3-8B", "--api-key", "a", "b"]);
    const status = async (key?: string): Promise<number> => {
      const headers = key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } };
      return (await fetch(`${url}/v1/models`, headers)).status;
    };
    assert.deepEqual(
      await Promise.all([status(), status("c"), status("a"), status("b")]),
      [401, 401, 200, 200],
    );
    assert.equal((await fetch(`${url}/health`)).status, 200);
    assert.equal((await fetch(`${url}/metrics`)).status, 200);
  });

  it("moves to another pool without a restart", async () => {
    const { url, id } = await start(["--model", "Qwen/Qwen3-8B"]);
    await fetch(`${control}/servers/${id}`, { method: "PATCH", body: JSON.stringify({ pool: "llm-new" }) });
    assert.equal((await fetch(`${url}/health`)).headers.get("x-served-by-pool"), "llm-new");
    const views = (await (await fetch(`${control}/servers`)).json()) as ServerView[];
    assert.equal(views.find((view) => view.id === id)?.state, "serving");
  });

  async function models(url: string): Promise<unknown[]> {
    const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
      data: { id: string; root: string; parent: string | null }[];
    };
    return data.map(({ id, root, parent }) => [id, root, parent]);
  }
});
