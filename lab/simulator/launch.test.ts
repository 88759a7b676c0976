import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { adapterModules, LaunchRefused, readLaunch, type LaunchInput } from "./launch";

const vllm = (args: readonly string[], env: Readonly<Record<string, string>> = {}): LaunchInput => ({
  image: "vllm/vllm-openai:v0.21.0",
  command: [],
  args,
  env,
});

describe("vLLM's command line", () => {
  it("has vLLM's defaults", () => {
    const launch = readLaunch(vllm(["--model", "Qwen/Qwen3-8B"]));
    assert.equal(launch.engine, "vllm");
    assert.equal(launch.port, 8000);
    assert.equal(launch.maxSequences, 256);
    assert.deepEqual(launch.names, ["Qwen/Qwen3-8B"]);
    assert.equal(launch.version, "0.21.0");
    assert.equal(launch.adapters.enabled, false);
    assert.equal(launch.loadSeconds, 0.5);
  });

  it("finds the model however it is named", () => {
    const image = "vllm/vllm-openai:v0.21.0";
    const ways: LaunchInput[] = [
      vllm(["Qwen/Qwen3-8B", "--port", "8000"]),
      vllm(["--model=Qwen/Qwen3-8B"]),
      { image, command: ["vllm", "serve", "Qwen/Qwen3-8B"], args: ["--port", "8000"], env: {} },
      {
        image,
        command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
        args: ["--model", "Qwen/Qwen3-8B"],
        env: {},
      },
      { image, command: ["/bin/sh", "-c"], args: ["exec vllm serve Qwen/Qwen3-8B --port 8000"], env: {} },
    ];
    for (const way of ways) assert.equal(readLaunch(way).model, "Qwen/Qwen3-8B", JSON.stringify(way));
  });

  it("reads the manifest of the inference extension", () => {
    const { adapters, maxSequences, maxModelLength } = readLaunch(
      vllm(
        [
          ...[
            "--model",
            "Qwen/Qwen3-32B",
            "--port",
            "8000",
            "--max-num-seq",
            "1024",
            "--max-model-len",
            "16000",
          ],
          ...["--enable-lora", "--max-loras", "2", "--max-lora-rank", "8", "--max-cpu-loras", "12"],
        ],
        {
          VLLM_ALLOW_RUNTIME_LORA_UPDATING: "true",
          VLLM_PLUGINS: "lora_filesystem_resolver",
          VLLM_LORA_RESOLVER_CACHE_DIR: "/adapters",
        },
      ),
    );
    assert.equal(maxSequences, 1024);
    assert.equal(maxModelLength, 16_000);
    assert.deepEqual(
      [
        adapters.enabled,
        adapters.maxInBatch,
        adapters.maxInMemory,
        adapters.maxRank,
        adapters.resolverFolder,
      ],
      [true, 2, 12, 8, "/adapters"],
    );
  });

  it("reads adapters as pairs and as JSON", () => {
    assert.deepEqual(adapterModules(["a=/adapters/a", '{"name": "b", "path": "org/b"}', '[{"name": "c"}]']), [
      { name: "a", path: "/adapters/a" },
      { name: "b", path: "org/b" },
      { name: "c", path: "c" },
    ]);
  });

  it("refuses what vLLM refuses, and a fault that there is not", () => {
    const refused = (input: LaunchInput, message: RegExp): void =>
      assert.throws(
        () => readLaunch(input),
        (error) => error instanceof LaunchRefused && message.test(error.message),
      );
    refused(
      vllm(["--max-loras", "4", "--max-cpu-loras", "2"]),
      /max_cpu_loras \(2\) must be >= max_loras \(4\)/,
    );
    refused(vllm(["--port", "x"]), /invalid int value/);
    refused(vllm([], { LAB_FAULT: "explode" }), /unknown fault "explode" \(known faults: crash/);
  });
});

describe("SGLang's command line", () => {
  const sglang = (args: readonly string[]): LaunchInput => ({
    image: "lmsysorg/sglang:v0.5.5",
    command: ["python3", "-m", "sglang.launch_server"],
    args,
    env: {},
  });

  it("has SGLang's flags and defaults", () => {
    const launch = readLaunch(
      sglang(["--model-path=Qwen/Qwen3-32B", "--served-model-name", "qwen", "--lora-paths", "a=/a"]),
    );
    assert.deepEqual(
      [launch.engine, launch.port, launch.model, launch.names, launch.metrics, launch.adapters.enabled],
      ["sglang", 30_000, "Qwen/Qwen3-32B", ["qwen"], false, true],
    );
    assert.equal(readLaunch(sglang(["--model-path", "m", "--port=8000", "--enable-metrics"])).metrics, true);
  });

  it("needs a model", () => {
    assert.throws(() => readLaunch(sglang(["--port=8000"])), /required: --model-path/);
  });
});

describe("keys of a command line", () => {
  const sglang = (args: readonly string[]): LaunchInput => ({
    image: "lmsysorg/sglang:v0.5.5",
    command: ["python3", "-m", "sglang.launch_server", "--model-path", "m"],
    args,
    env: {},
  });

  it("have every key that a request may bring", () => {
    assert.deepEqual(readLaunch(vllm(["--api-key", "a", "b"])).apiKeys, ["a", "b"]);
    assert.deepEqual(readLaunch(vllm([], { VLLM_API_KEY: "c" })).apiKeys, ["c"]);
    assert.deepEqual(readLaunch(sglang(["--api-key=a"])).apiKeys, ["a"]);
    assert.deepEqual(readLaunch(vllm([])).apiKeys, []);
  });

  it("say that a model makes embeddings", () => {
    for (const args of [["--runner", "pooling"], ["--task", "embed"], ["--convert=embed"]]) {
      assert.equal(readLaunch(vllm(args)).embeds, true, args.join(" "));
    }
    assert.equal(readLaunch(sglang(["--is-embedding"])).embeds, true);
    assert.equal(readLaunch(vllm([])).embeds, false);
  });
});
