import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { RawConfig } from "../../../stacks/config/parse";
import type { Mistake } from "../../../stacks/messages/mistakes";
import { cloud, ownedPool, serviceConfig } from "../cases";

/* `like` as an object: which pool, and what is changed of the pods that are copied. */

const copy = { accelerator: "nvidia-h100-80gb", replicas: 2 };
const config = (like: unknown, more: object = {}): RawConfig => ({
  stable: "llm",
  candidate: "llm-new",
  pools: { llm: { existing: true }, "llm-new": { ...copy, like }, ...more },
});
const mistakesOf = (raw: RawConfig): readonly Mistake[] => resolveConfig(raw, cloud).mistakes;
const keysOf = (overrides: unknown): string[] =>
  mistakesOf(config({ pool: "llm", overrides })).map(({ key }) =>
    key.replace(/^pools\.llm-new\.like\.overrides\.?/, ""),
  );
const changed = (spec: object): string[] => keysOf({ spec }).map((key) => key.replace(/^spec\.?/, ""));

describe("like", () => {
  it("is a name, or an object with the name in it: the same pool", () => {
    const [short, long] = ["llm", { pool: "llm" }].map((like) =>
      ownedPool(serviceConfig(config(like)), "llm-new"),
    );
    assert.deepEqual(long, short);
  });

  it("has the overrides of the pool itself, and apart from them those of pools between", () => {
    const overrides = { spec: { schedulerName: "batch" } };
    const next = { metadata: { labels: { team: "search" } } };
    const service = serviceConfig(
      config(
        { pool: "llm", overrides },
        { "llm-3": { ...copy, like: { pool: "llm-new", overrides: next } } },
      ),
    );
    assert.deepEqual(ownedPool(service, "llm-new").templateOf?.overrides, overrides);
    const third = ownedPool(service, "llm-3").templateOf;
    assert.deepEqual([third?.overrides, third?.overridesBetween], [next, { "llm-new": overrides }]);
  });

  it("is wrong with the path of what is wrong in it", () => {
    const cases: [unknown, string, RegExp][] = [
      [7, "pools.llm-new.like", /the name of a pool, or an object/],
      [{}, "pools.llm-new.like.pool", /a name/],
      [{ pool: "llm", override: {} }, "pools.llm-new.like.override", /did you mean overrides/],
      [{ pool: "llm", overrides: { specs: {} } }, "pools.llm-new.like.overrides.specs", /did you mean spec/],
    ];
    for (const [like, key, allowed] of cases) {
      const found = mistakesOf(config(like));
      assert.deepEqual(
        [found[0]?.key, allowed.test(found[0]?.allowed ?? "")],
        [key, true],
        JSON.stringify(found),
      );
    }
    const misspelt = mistakesOf(config({ pool: "llm", override: {} }))[0];
    assert.equal(misspelt?.fix, "pulumi config rm --path 'pools.llm-new.like.override'");
  });

  it("refuses what the rollout depends on, with the path and the reason", () => {
    const refused: [object, string][] = [
      [{ nodeSelector: { tier: "gpu" } }, "nodeSelector"],
      [{ nodeName: "n" }, "nodeName"],
      [{ affinity: { nodeAffinity: {} } }, "affinity.nodeAffinity"],
      [{ restartPolicy: "Never" }, "restartPolicy"],
      [{ activeDeadlineSeconds: 1 }, "activeDeadlineSeconds"],
      [{ $patch: "replace" }, '["$patch"]'],
      [{ containers: null }, "containers"],
      [{ containers: [{ $patch: "replace" }] }, "containers[0]"],
      [{ containers: [{ image: "x:1" }] }, "containers[0]"],
      [{ containers: [{ name: "vllm", readinessProbe: null }] }, "containers[0].readinessProbe"],
      [{ containers: [{ name: "vllm", lifecycle: { preStop: null } }] }, "containers[0].lifecycle"],
      [
        { containers: [{ name: "vllm", resources: { limits: { "nvidia.com/gpu": 2 } } }] },
        'containers[0].resources.limits["nvidia.com/gpu"]',
      ],
    ];
    for (const [spec, key] of refused) assert.deepEqual(changed(spec), [key], JSON.stringify(spec));
    assert.deepEqual(keysOf({ metadata: { labels: { app: "other" } } }), ["metadata.labels.app"]);
    assert.deepEqual(keysOf({ metadata: { name: "other" } }), ["metadata.name"]);
  });

  it("allows the rest", () => {
    for (const spec of [
      { tolerations: [{ key: "team", operator: "Exists" }] },
      { affinity: { podAffinity: null } },
      { affinity: null },
      { volumes: [{ name: "weights", persistentVolumeClaim: { claimName: "read-many" } }] },
      { terminationGracePeriodSeconds: 300 },
      { priorityClassName: "serving" },
      { containers: [{ name: "vllm", args: ["--port", "8000"], resources: { requests: { cpu: "8" } } }] },
      { containers: [{ name: "vllm", startupProbe: { failureThreshold: 900 } }] },
    ])
      assert.deepEqual(changed(spec), [], JSON.stringify(spec));
  });

  it("has no overrides of a pool that is no copy: it has its own settings", () => {
    const raw = {
      model: "Qwen/Qwen3-8B",
      ...config({ pool: "llm", overrides: { spec: {} } }),
      pools: {
        llm: { accelerator: "nvidia-l4", replicas: 2 },
        "llm-new": { ...copy, like: { pool: "llm", overrides: { spec: { hostIPC: true } } } },
      },
    };
    const [found] = mistakesOf(raw);
    assert.equal(found?.key, "pools.llm-new.like.overrides");
    assert.match(found.allowed, /use server\.podPatch/);
    assert.equal(found.fix, "pulumi config rm --path 'pools.llm-new.like.overrides'");
  });

  it("keeps no secret: a pod template is read by whoever reads the cluster", () => {
    const overrides = {
      spec: { containers: [{ name: "vllm", env: [{ name: "KEY", value: "hidden-word" }] }] },
    };
    const key = "pools.llm-new.like.overrides.spec.containers[0].env[0].value";
    const { mistakes } = resolveConfig(config({ pool: "llm", overrides }), cloud, new Set([key]));
    assert.ok(
      mistakes.some((mistake) => mistake.key === key),
      JSON.stringify(mistakes),
    );
    assert.doesNotMatch(JSON.stringify(mistakes), /hidden-word/);
  });
});
