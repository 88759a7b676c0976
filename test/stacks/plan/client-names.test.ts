import { adapterListFor, versionsToProve } from "../../../stacks/plan/adapter-versions";
import { rulesFor } from "../../../stacks/plan/client-names";
import { nothingDeployed } from "../../../stacks/plan/model";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { adapterCase, baseModelCase, v2 } from "../adapter-cases";
import { after, ownedPool, serviceConfig, planFor } from "../cases";

describe("model names", () => {
  it("are rewritten to each pool's own base model, and to the same adapters on both", () => {
    const config = serviceConfig(baseModelCase);
    const adapters = [
      { model: "food-review", targets: [{ model: "food-review-v1", weight: 100 }] },
      { model: "sql", targets: [{ model: "sql-v1", weight: 100 }] },
    ];
    assert.deepEqual(rulesFor(config, ownedPool(config, "llm-pool")), [
      { model: "chat", targets: [{ model: "Qwen/Qwen3-8B", weight: 100 }] },
      ...adapters,
    ]);
    // Who asks for the old model by its own name goes on being answered.
    assert.deepEqual(rulesFor(config, ownedPool(config, "llm-pool-version-2")), [
      { model: "chat", targets: [{ model: "Qwen/Qwen3-14B", weight: 100 }] },
      { model: "Qwen/Qwen3-8B", targets: [{ model: "Qwen/Qwen3-14B", weight: 100 }] },
      ...adapters,
    ]);
  });

  it("are not rewritten where the model server answers to them by itself", () => {
    const raw = { ...adapterCase({}), adapters: [], aliases: ["chat"] };
    for (const args of [["--served-model-name", "chat"], ["--served-model-name=chat"]]) {
      const config = serviceConfig({ ...raw, server: { args } });
      assert.deepEqual(rulesFor(config, ownedPool(config, "llm")), []);
    }
  });

  it("are split by weights that add up to 100, with no target of weight 0, which the API refuses", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (weight) => {
        const config = serviceConfig(adapterCase({ candidate: v2, weight }));
        const [{ targets } = { targets: [] }] = rulesFor(config, ownedPool(config, "llm"));
        const sum = targets.reduce((total, target) => total + target.weight, 0);
        assert.equal(sum, 100);
        for (const target of targets) assert.ok(target.weight >= 1 && target.weight <= 100);
        assert.equal(targets.find(({ model }) => model === "food-review-v2")?.weight ?? 0, weight);
      }),
    );
  });

  it("name nothing that is not loaded", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (weight) => {
        const config = serviceConfig(adapterCase({ candidate: v2, weight }));
        const pool = ownedPool(config, "llm");
        const loaded = adapterListFor(config, pool)?.adapters.map(({ name }) => name) ?? [];
        for (const { targets } of rulesFor(config, pool))
          for (const { model } of targets) assert.ok(loaded.includes(model));
        assert.deepEqual(loaded, ["food-review-v1", "food-review-v2"]);
      }),
    );
  });
});

describe("the list of adapters", () => {
  const revisionOf = (raw: object): string | undefined => {
    const config = serviceConfig({ ...adapterCase({}), ...raw });
    return adapterListFor(config, ownedPool(config, "llm"))?.revision;
  };

  it("has a revision that changes with what is loaded, and not with weights or order", () => {
    const one = { name: "a", source: "acme/a" };
    const two = { name: "b", source: "acme/b" };
    const first = revisionOf({ adapters: [one, two] });
    assert.equal(revisionOf({ adapters: [two, one] }), first);
    assert.notEqual(revisionOf({ adapters: [one] }), first);
    assert.notEqual(revisionOf({ adapters: [one, { ...two, source: "acme/c" }] }), first);
    const splits = [10, 90].map((weight) => revisionOf({ adapters: [{ ...one, candidate: v2, weight }] }));
    assert.equal(splits[0], splits[1]);
  });
});

describe("versions that have to be loaded before requests are rewritten to them", () => {
  const world = (...raws: object[]) =>
    raws.reduce<ReturnType<typeof after>>((observed, raw) => {
      const config = serviceConfig({ ...adapterCase({}), ...raw });
      return after(config, planFor(config, observed), observed);
    }, nothingDeployed);
  const proves = (raw: object, observed: ReturnType<typeof after>): string[] => {
    const config = serviceConfig({ ...adapterCase({}), ...raw });
    return versionsToProve(config, observed, ownedPool(config, "llm"));
  };
  const at = (weight: number): object => ({ ...adapterCase({ candidate: v2, weight }) });

  it("are those that rise", () => {
    assert.deepEqual(proves(at(10), world(at(0))), ["food-review-v2"]);
    assert.deepEqual(proves(at(30), world(at(0), at(10))), ["food-review-v2"]);
    assert.deepEqual(proves(adapterCase({}), nothingDeployed), ["food-review-v1"]);
  });

  it("are not those that requests go back to: going back never waits", () => {
    for (const from of [1, 10, 50, 99, 100]) {
      assert.deepEqual(proves(at(0), world(at(0), at(from))), [], `from ${from}`);
    }
    assert.deepEqual(proves(at(10), world(at(0), at(50))), []);
  });
});
