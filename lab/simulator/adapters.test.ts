import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { Adapters } from "./adapters";
import { parseFaults } from "./faults";
import { readLaunch } from "./launch";
import type { Mount } from "./protocol";

describe("Adapters", () => {
  let folder = "";
  let mounts: Mount[] = [];
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-adapters-"));
    for (const [name, config] of Object.entries({
      food: { r: 8, base_model_name_or_path: "Qwen/Qwen3-8B" },
      wide: { r: 64 },
      other: { r: 8, base_model_name_or_path: "meta-llama/Llama-3.1-8B" },
    })) {
      fs.mkdirSync(path.join(folder, name));
      fs.writeFileSync(path.join(folder, name, "adapter_config.json"), JSON.stringify(config));
    }
    mounts = [
      { path: "/adapters", folder, complete: true },
      { path: "/bucket", folder: path.join(folder, "nothing"), complete: false },
    ];
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  const adapters = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Adapters => {
    const input = {
      image: "vllm/vllm-openai:v1",
      command: [],
      args: ["--model", "Qwen/Qwen3-8B", ...args],
      env,
    };
    const launch = readLaunch(input);
    return new Adapters(launch, mounts, () => parseFaults(env["LAB_FAULT"] ?? ""));
  };

  it("answers in vLLM's own words", () => {
    const some = adapters(["--enable-lora", "--max-lora-rank", "16"]);
    const says = (name: string, from: string): string => {
      const { status, message } = some.load(name, from);
      return `${status} ${message}`;
    };
    assert.equal(says("food", "/adapters/food"), "200 Success: LoRA adapter 'food' added successfully.");
    assert.match(says("food", "/adapters/food"), /^400 The lora adapter 'food' has already been loaded\./);
    assert.equal(says("x", "/adapters/x"), "404 Loading lora x failed: No adapter found for /adapters/x");
    assert.equal(says("x", "/no/mount"), "404 Loading lora x failed: No adapter found for /no/mount");
    const rank = "500 Call to add_lora method failed: LoRA rank 64 is greater than max_lora_rank 16.";
    assert.equal(says("wide", "/adapters/wide"), rank);
    assert.match(
      says("other", "/adapters/other"),
      /^500 Call to add_lora method failed: The size of tensor a/,
    );
    assert.match(says("", "/adapters/food"), /^400 Both 'lora_name' and 'lora_path' must be provided\./);
    assert.equal(some.unload("food").status, 200);
    assert.equal(some.unload("food").message, "The lora adapter 'food' cannot be found.");
  });

  it("believes in what it cannot look into, unless the pod says otherwise", () => {
    const known = JSON.stringify({ "/bucket/wide": { rank: 128 }, gone: { missing: true } });
    const some = adapters(["--enable-lora"], { LAB_ADAPTERS: known });
    assert.equal(some.load("a", "/bucket/a").status, 200);
    assert.equal(some.load("hub", "org/adapter").status, 200);
    assert.equal(some.load("wide", "/bucket/wide").status, 500);
    assert.equal(some.load("gone", "/bucket/gone").status, 404);
  });

  it("loads nothing without --enable-lora, and not what is to fail", () => {
    assert.match(adapters([]).load("food", "/adapters/food").message, /LoRA is not enabled/);
    const failing = adapters(["--enable-lora"], { LAB_FAULT: "fail-adapter:food" });
    assert.equal(failing.load("food", "/adapters/food").status, 500);
    assert.equal(failing.load("hub", "org/adapter").status, 200);
  });

  it("resolves a name by its folder where the resolver is on", () => {
    const env = {
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: "1",
      VLLM_PLUGINS: "lora_filesystem_resolver",
      VLLM_LORA_RESOLVER_CACHE_DIR: "/adapters",
    };
    const some = adapters(["--enable-lora"], env);
    assert.equal(some.resolve("food")?.status, 200);
    assert.equal(some.resolve("nobody"), undefined);
    assert.equal(some.resolve("other"), undefined, "trained on another model");
    assert.equal(some.resolve("../food"), undefined);
    assert.equal(some.resolve("wide")?.message, "LoRA adapter 'wide' was found but could not be loaded.");
    assert.equal(adapters(["--enable-lora"]).resolve("food"), undefined);
  });

  it("keeps the most recently used in memory", () => {
    const some = adapters(["--enable-lora", "--max-loras", "1", "--max-cpu-loras", "2"]);
    for (const name of ["a", "b", "c"]) some.load(name, `org/${name}`);
    assert.deepEqual(
      [some.use("c"), some.use("b"), some.use("a"), some.use("c")],
      [false, false, true, true],
    );
    assert.deepEqual(some.names, ["a", "b", "c"]);
  });
});
