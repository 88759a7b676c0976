import type { ServiceConfig } from "../../../stacks/plan/service-config";
import { describeMistakes, type Mistake } from "../../../stacks/messages/mistakes";
import { fixText, keyText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { RawConfig } from "../../../stacks/config/parse";
import { cloud, sourceCase } from "../cases";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

function service(raw: RawConfig): ServiceConfig {
  const { config, mistakes } = resolveConfig(raw, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(config !== undefined && config.role !== "platform");
  return config.service;
}

function mistakesOf(raw: RawConfig, secrets: ReadonlySet<string> = new Set()): Mistake[] {
  const { mistakes } = resolveConfig(raw, cloud, secrets);
  return mistakes;
}

function keysOf(raw: RawConfig): string[] {
  return mistakesOf(raw).map(({ key }) => key);
}

describe("a stack's config", () => {
  it("takes the source's case as it stands", () => {
    const config = service(sourceCase);
    assert.equal(config.weight, 10);
    assert.equal(config.stable, "llm");
    assert.equal(config.candidate, "llm-new");
    const pool = config.pools["llm-new"]!;
    assert.ok(!pool.existing);
    assert.deepEqual(pool.hardware, {
      accelerator: "nvidia-h100-80gb",
      acceleratorsPerReplica: 1,
      provisioning: "on-demand",
      driver: "latest",
      nodeImage: "cos",
    });
    assert.equal(pool.server.image, "vllm/vllm-openai:v0.21.0");
    assert.equal(pool.namespace, "default");
  });

  it("takes a weight as the string that `pulumi config set` stores, and 0 as a weight", () => {
    assert.equal(service({ ...sourceCase, weight: "30" }).weight, 30);
    assert.equal(service({ ...sourceCase, weight: "0" }).weight, 0);
    assert.equal(service({ ...sourceCase, weight: 0 }).weight, 0);
  });

  for (const weight of ["-1", "101", "12.5", "abc", "", " ", "1e2", -1, 101, 12.5, null, true, [10]]) {
    it(`refuses the weight ${JSON.stringify(weight)}`, () => {
      const mistakes = mistakesOf({ ...sourceCase, weight });
      assert.deepEqual(
        mistakes.map(({ key }) => key),
        ["weight"],
      );
      assert.match(mistakes[0]!.allowed, /whole number from 0 to 100/);
      assert.match(fixText(mistakes[0]!.fix), /^pulumi config set weight \d+$/);
    });
  }

  it("tells all mistakes of a config at once, each with key, finding, what is allowed and a command", () => {
    const raw = {
      ...sourceCase,
      weight: "101",
      candidate: "llm",
      wieght: "30",
      pools: {
        llm: { accelerator: "nvidia-l5", replicas: 0, colour: "red" },
        Bad_Name: { accelerator: "nvidia-l4", replicas: 1 },
        "llm-new": { accelerator: "nvidia-h100-80gb" },
      },
    };
    const mistakes = mistakesOf(raw);
    assert.deepEqual(mistakes.map(({ key }) => key).sort(), [
      "candidate",
      "pools.Bad_Name",
      "pools.llm-new.replicas",
      "pools.llm.accelerator",
      "pools.llm.colour",
      "pools.llm.replicas",
      "weight",
      "wieght",
    ]);
    for (const mistake of mistakes) {
      assert.notEqual(mistake.found, "", mistake.key);
      assert.notEqual(mistake.allowed, "", mistake.key);
      assert.match(fixText(mistake.fix), /^pulumi config (set|rm) /, mistake.key);
    }
    const text = describeMistakes(mistakes);
    assert.match(text, /8 mistakes; nothing was changed/);
    assert.match(text, /did you mean weight\?/);
  });

  it("refuses a candidate that is the stable pool", () => {
    assert.deepEqual(keysOf({ ...sourceCase, candidate: "llm" }), ["candidate"]);
  });

  it("refuses a weight without a candidate", () => {
    assert.deepEqual(keysOf({ ...sourceCase, candidate: "" }), ["weight"]);
    assert.deepEqual(keysOf({ ...sourceCase, candidate: "", weight: 0 }), []);
  });

  it("refuses a pool that no entry declares, and names the nearest", () => {
    const [mistake] = mistakesOf({ ...sourceCase, stable: "lmm" });
    assert.equal(fixText(mistake!.fix), "pulumi config set stable llm");
  });

  for (const name of ["-llm", "llm-", "LLM", "llm_new", "llm.new", "9llm", "x".repeat(41)]) {
    it(`refuses the pool name ${name}`, () => {
      const pools = { ...sourceCase.pools, [name]: { accelerator: "nvidia-l4", replicas: 1 } };
      assert.deepEqual(keysOf({ ...sourceCase, pools }), [keyText(["pools", name])]);
    });
  }

  it("takes a pool that was created outside the stack under the name that it has", () => {
    for (const name of ["vllm-meta-llama-3-1-8b-instruct-inference-pool-of-search", "70b-chat"]) {
      const pools = { [name]: { existing: true }, "llm-new": { ...sourceCase.pools["llm-new"], like: name } };
      assert.deepEqual(keysOf({ ...sourceCase, stable: name, pools }), []);
      assert.deepEqual(keysOf({ ...sourceCase, stable: "llm-new", candidate: name, pools }), []);
    }
  });

  for (const replicas of [0, -1, 1.5, "many", null]) {
    it(`refuses ${JSON.stringify(replicas)} replicas`, () => {
      const pools = { ...sourceCase.pools, "llm-new": { accelerator: "nvidia-l4", replicas } };
      assert.deepEqual(keysOf({ ...sourceCase, pools }), ["pools.llm-new.replicas"]);
    });
  }

  it("refuses an empty config with everything that is missing", () => {
    assert.deepEqual(
      resolveConfig({}).mistakes.map(({ key }) => key),
      ["gcp:project", "gcp:region", "pools", "stable"],
    );
  });

  it("does not show secrets, also where they were not marked as such", () => {
    const secrets = new Set(["pools"]);
    const found = mistakesOf(
      { ...sourceCase, pools: "hunter2", huggingFaceToken: { a: "hunter3" } },
      secrets,
    );
    assert.ok(found.length >= 2);
    assert.doesNotMatch(JSON.stringify(found), /hunter/);
  });

  it("takes settings over from the pool that `like` names", () => {
    const pools = {
      llm: { accelerator: "nvidia-l4", replicas: 6, server: { version: "v0.20.0" } },
      "llm-new": { like: "llm", driver: "latest" },
    };
    const pool = service({ ...sourceCase, pools }).pools["llm-new"]!;
    assert.ok(!pool.existing);
    assert.equal(pool.replicas, 6);
    assert.equal(pool.hardware.accelerator, "nvidia-l4");
    assert.equal(pool.hardware.driver, "latest");
    assert.equal(pool.server.image, "vllm/vllm-openai:v0.20.0");
  });

  it("takes over the pod template of an existing pool, without needing its model", () => {
    const pools = {
      llm: { existing: true, namespace: "serving" },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    const config = service({ ...sourceCase, model: undefined, pools });
    const pool = config.pools["llm-new"]!;
    assert.ok(!pool.existing);
    assert.deepEqual(pool.templateOf, { name: "llm", namespace: "serving", through: [] });
    // Beside the pods that it copies, where what they name is.
    assert.equal(pool.namespace, "serving");
  });

  it("knows the pools between a copy and its original, and the engine where the config says it", () => {
    const copy = { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 };
    const pools = {
      llm: { existing: true },
      "llm-new": copy,
      "llm-3": { ...copy, like: "llm-new", server: { engine: "sglang", loadingMinutes: 20 } },
    };
    const pool = service({ ...sourceCase, pools, candidate: "llm-3" }).pools["llm-3"]!;
    assert.ok(!pool.existing);
    assert.deepEqual(pool.templateOf, {
      name: "llm",
      namespace: "default",
      through: ["llm-new"],
      engine: "sglang",
    });
  });

  it("refuses what a copied pod's own template says, instead of ignoring it", () => {
    const server = { version: "v0.21.0", image: "a/b:1", args: ["--a"], port: 8080, engine: "vllm" };
    const weights = { from: "gcs", bucket: "models" };
    const copy = { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2, server, weights };
    const keys = keysOf({ ...sourceCase, pools: { llm: { existing: true }, "llm-new": copy } });
    assert.deepEqual(
      keys,
      ["server.version", "server.image", "server.args", "server.port", "weights"].map(
        (key) => `pools.llm-new.${key}`,
      ),
    );
  });

  it("honours the replicas of an existing pool", () => {
    const pools = { ...sourceCase.pools, llm: { existing: true, replicas: "3" } };
    assert.deepEqual(service({ ...sourceCase, pools }).pools["llm"], {
      name: "llm",
      namespace: "default",
      existing: true,
      model: "Qwen/Qwen3-8B",
      replicas: 3,
    });
  });

  for (const pools of [
    { llm: { like: "llm-new" }, "llm-new": { like: "llm" } },
    { llm: { accelerator: "nvidia-l4", replicas: 1 }, "llm-new": { like: "llm-new" } },
    { llm: { accelerator: "nvidia-l4", replicas: 1 }, "llm-new": { like: "nowhere" } },
  ]) {
    it(`refuses ${JSON.stringify(pools)}`, () => {
      assert.ok(keysOf({ ...sourceCase, pools }).some((key) => key.endsWith(".like")));
    });
  }

  it("gives each pool a namespace of its own when there are objectives", () => {
    const config = service({ ...sourceCase, objectives: [{ name: "batch", priority: -10 }] });
    assert.equal(config.pools["llm"]?.namespace, "llm-llm");
    assert.equal(config.pools["llm-new"]?.namespace, "llm-llm-new");
    const one = service({
      ...sourceCase,
      objectives: [{ name: "batch", priority: -10 }],
      objectivesIn: "one-namespace",
    });
    assert.deepEqual([one.pools["llm"]?.namespace, one.pools["llm-new"]?.namespace], ["default", "default"]);
  });

  it("takes labels of nodes only where somebody else makes the nodes", () => {
    const labelled = (nodeLabels: string[]): Record<string, unknown> => ({
      ...sourceCase,
      pools: { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, nodeLabels } },
    });
    const { config } = resolveConfig({ ...labelled(["tier=old"]), cluster: { kubeconfig: "{}" } }, {});
    assert.ok(config?.role === "all");
    assert.deepEqual(keysOf(labelled(["tier=old"])), ["pools.llm.nodeLabels"]);
    assert.deepEqual(keysOf({ ...labelled(["tier"]), cluster: { kubeconfig: "{}" } }), [
      "pools.llm.nodeLabels[0]",
    ]);
  });

  it("refuses an external gateway without a name and a certificate", () => {
    assert.deepEqual(keysOf({ ...sourceCase, gateway: { exposure: "external" } }), [
      "gateway.hostname",
      "gateway.tlsSecret",
    ]);
  });

  it("refuses images that move by themselves", () => {
    for (const server of [
      { image: "vllm/vllm-openai:latest" },
      { image: "vllm/vllm-openai" },
      { version: "latest" },
    ]) {
      assert.equal(keysOf({ ...sourceCase, server }).length, 1, JSON.stringify(server));
    }
  });

  it("refuses hardware that does not exist and says what does", () => {
    const pools = {
      ...sourceCase.pools,
      "llm-new": { accelerator: "nvidia-l4", replicas: 1, acceleratorsPerReplica: 9 },
    };
    const [mistake] = mistakesOf({ ...sourceCase, pools });
    assert.ok(mistake !== undefined);
    assert.equal(mistake.key, "pools.llm-new.acceleratorsPerReplica");
    assert.match(mistake.allowed, /1, 2, 4, 8/);
  });

  it("needs nothing of a service in a platform stack, and no cloud in a service stack", () => {
    assert.deepEqual(resolveConfig({ role: "platform" }, cloud).mistakes, []);
    assert.deepEqual(resolveConfig({ ...sourceCase, role: "service", platform: "o/p/s" }).mistakes, []);
    assert.deepEqual(
      resolveConfig({ ...sourceCase, role: "service" }).mistakes.map(({ key }) => key),
      ["platform"],
    );
  });
});

describe("the name of the customers' route", () => {
  it("is routes-to-<service> unless the config says otherwise", () => {
    assert.equal(service(sourceCase).route, "routes-to-llm");
    assert.equal(service({ ...sourceCase, service: "shop" }).route, "routes-to-shop");
    assert.equal(service({ ...sourceCase, service: "shop", route: "llm-route" }).route, "llm-route");
    assert.equal(service({ ...sourceCase, route: "" }).route, "routes-to-llm");
    assert.equal(service({ ...sourceCase, route: "7b.chat-route" }).route, "7b.chat-route");
  });

  for (const route of ["Llm", "-r", "a_b", "x".repeat(254), 7, "preview-of-llm", "closed-paths-of-llm"]) {
    it(`is not ${JSON.stringify(route).slice(0, 30)}`, () =>
      assert.deepEqual(keysOf({ ...sourceCase, route }), ["route"]));
  }
});
