import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { Mistake } from "../../../stacks/messages/mistakes";
import type { RawConfig } from "../../../stacks/config/parse";
import {
  mismatched,
  pickerPlugins,
  reservedFlags,
  unusablePlugins,
} from "../../../components/pool/picker-settings";
import { cloud, ownedPool, serviceConfig } from "../cases";

const pools = (llm: object, more: object = {}): RawConfig => ({
  model: "Qwen/Qwen3-8B",
  stable: "llm",
  pools: { llm: { accelerator: "nvidia-l4", replicas: 2, ...llm }, ...more },
});
const mistakesOf = (raw: RawConfig): Mistake[] => resolveConfig(raw, cloud).mistakes;
const keysOf = (picker: object): string[] =>
  mistakesOf(pools({ picker })).map(({ key }) => key.replace("pools.llm.picker.", ""));
const custom = { image: "registry.example.com/acme/our-picker:7" };
const profile = (name: string): object => ({ name: "default", plugins: [{ pluginRef: name, weight: 1 }] });

describe("a pool's picker", () => {
  it("has nothing set by default", () => {
    assert.equal(ownedPool(serviceConfig(pools({})), "llm").picker, undefined);
  });

  it("has the image of a version, or another image, and not both", () => {
    const imageOf = (picker: object): string | undefined =>
      ownedPool(serviceConfig(pools({ picker })), "llm").picker?.image;
    assert.equal(
      imageOf({ version: "v1.5.2" }),
      "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.2",
    );
    assert.equal(imageOf(custom), custom.image);
    assert.deepEqual(keysOf({ ...custom, version: "v1.5.2" }), ["version"]);
    assert.deepEqual(keysOf({ version: "v1.6.0" }), ["version"]);
    assert.deepEqual(keysOf({ image: "epp:latest" }), ["image"]);
  });

  it("takes over each setting by itself from the pool that it is like", () => {
    const base = { version: "v1.5.0", flags: { v: 2 }, replicas: 2 };
    const own = (picker: object): unknown =>
      ownedPool(serviceConfig(pools({ picker: base }, { "llm-new": { like: "llm", picker } })), "llm-new")
        .picker;
    const image = "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0";
    assert.deepEqual(own({ replicas: 3 }), { image, flags: { v: "2" }, replicas: 3 });
    assert.deepEqual(own(custom), { ...custom, flags: { v: "2" }, replicas: 2 });
  });

  it("is not wrong twice where another pool is like it", () => {
    const raw = pools(
      { picker: { flags: { "no-such": 1 } } },
      { "llm-new": { like: "llm", picker: { replicas: 2 } } },
    );
    assert.deepEqual(
      mistakesOf(raw).map(({ key }) => key),
      ["pools.llm.picker.flags.no-such"],
    );
  });

  it("does not take over what only another image has", () => {
    const base = { ...custom, flags: { "our-flag": 1 }, config: { plugins: [{ type: "our-scorer" }] } };
    const wrong = (picker: object): string[] =>
      mistakesOf(pools({ picker: base }, { "llm-new": { like: "llm", picker } })).map(({ key }) => key);
    assert.deepEqual(wrong({ version: "v1.5.0" }), ["pools.llm-new.picker.version"]);
    assert.deepEqual(wrong({ replicas: 2 }), []);
    assert.deepEqual(wrong({ version: "v1.5.0", flags: { v: 1 }, config: { queue: 1 } }), []);
  });

  it("takes weights of scorers that there are", () => {
    assert.deepEqual(keysOf({ config: { "prefix-cache": 3, queue: "2", "kv-cache-utilization": 0.5 } }), []);
    const [mistake] = mistakesOf(pools({ picker: { config: { "prefix-cach": 3 } } }));
    assert.equal(
      fixText(mistake!.fix),
      "pulumi config rm --path 'pools.llm.picker.config.prefix-cach' && pulumi config set --path 'pools.llm.picker.config.prefix-cache' 3",
    );
    assert.deepEqual(keysOf({ config: { queue: -1 } }), ["config.queue"]);
    assert.deepEqual(keysOf({ config: { queue: 0 } }), ["config"]);
    assert.deepEqual(keysOf({ config: [1] }), ["config"]);
  });

  it("takes no flag that the rollout sets, and says why", () => {
    for (const [flag, reason] of Object.entries(reservedFlags)) {
      const [mistake, ...others] = mistakesOf(pools({ picker: { flags: { [flag]: "x" } } }));
      assert.deepEqual(others, []);
      assert.equal(mistake?.allowed, `nothing: ${reason}`);
      assert.deepEqual(keysOf({ ...custom, flags: { [flag]: "x" } }), [`flags.${flag}`]);
    }
  });

  it("takes no flag that there is not, unless another picker may have it", () => {
    assert.deepEqual(keysOf({ flags: { verbosity: 2 } }), ["flags.verbosity"]);
    assert.deepEqual(keysOf({ flags: { "--v": 2 } }), ["flags.--v"]);
    assert.deepEqual(keysOf({ flags: { v: 2, "enable-pprof": false } }), []);
    assert.deepEqual(keysOf({ flags: { "enable-pprof": "maybe" } }), ["flags.enable-pprof"]);
    // With older metrics every pod would count as full.
    assert.deepEqual(keysOf({ flags: { "refresh-metrics-interval": "1s" } }), [
      "flags.refresh-metrics-interval",
    ]);
    assert.deepEqual(keysOf({ ...custom, flags: { "our-flag": 1 } }), []);
  });

  it("takes feature gates that there are", () => {
    assert.deepEqual(keysOf({ featureGates: ["flowControl"] }), []);
    const [mistake] = mistakesOf(pools({ picker: { featureGates: ["flowcontrol"] } }));
    assert.equal(
      fixText(mistake!.fix),
      "pulumi config set --path 'pools.llm.picker.featureGates[0]' flowControl",
    );
    assert.deepEqual(keysOf({ ...custom, featureGates: ["ourGate"] }), []);
    const sglang = pools({ server: { engine: "sglang" }, picker: { featureGates: ["enableLegacyMetrics"] } });
    assert.deepEqual(
      mistakesOf(sglang).map(({ key }) => key),
      ["pools.llm.picker.featureGates"],
    );
  });

  describe("with a whole config", () => {
    const keysIn = (config: object, more: object = {}): string[] => keysOf({ config, ...more });
    it("takes plugins that the picker has", () => {
      for (const left of mismatched) {
        const others = pickerPlugins.filter((type) => type !== left);
        assert.deepEqual(keysIn({ plugins: others.map((type) => ({ type })) }), []);
      }
      assert.deepEqual(keysIn({ plugins: mismatched.map((type) => ({ type })) }), ["config.plugins[1].type"]);
      assert.deepEqual(keysIn({ plugins: [{ type: "queue-score" }] }), ["config.plugins[0].type"]);
      assert.deepEqual(keysIn({ plugins: [] }), ["config.plugins"]);
      assert.deepEqual(keysIn({ plugins: [{ name: "one" }] }), ["config.plugins[0].type"]);
      assert.deepEqual(keysIn({ plugins: [{ type: "our-scorer" }] }, custom), []);
      for (const type of Object.keys(unusablePlugins))
        assert.deepEqual(keysIn({ plugins: [{ type: "queue-scorer" }, { type }] }), [
          "config.plugins[1].type",
        ]);
    });

    it("takes each name once, and references to what is there", () => {
      const queue = { type: "queue-scorer" };
      assert.deepEqual(keysIn({ plugins: [queue, queue] }), ["config.plugins[1].name"]);
      assert.deepEqual(keysIn({ plugins: [queue], schedulingProfiles: [profile("queue-score")] }), [
        "config.schedulingProfiles[0].plugins[0].pluginRef",
      ]);
      assert.deepEqual(keysIn({ plugins: [queue], schedulingProfiles: [profile("fcfs-ordering-policy")] }), [
        "config.schedulingProfiles[0].plugins[0].pluginRef",
      ]);
      const flowControl = {
        defaultPriorityBand: { priority: 0, fairnessPolicyRef: "round-robin-fairness-policy" },
      };
      assert.deepEqual(keysIn({ plugins: [queue], flowControl }), [
        "config.flowControl.defaultPriorityBand.fairnessPolicyRef",
      ]);
      assert.deepEqual(
        keysIn({ plugins: [queue, { type: "round-robin-fairness-policy" }], flowControl }),
        [],
      );
      assert.deepEqual(
        keysIn({ plugins: [queue], saturationDetector: { pluginRef: "utilization-detector" } }),
        [],
      );
    });

    it("takes fields and gates that there are", () => {
      const plugins = [{ type: "queue-scorer" }];
      assert.deepEqual(keysIn({ plugins, flowcontrol: {} }), ["config.flowcontrol"]);
      assert.deepEqual(keysIn({ plugins, featureGates: ["flowControls"] }), ["config.featureGates[0]"]);
      assert.deepEqual(keysIn({ plugins, kind: "Pod" }), ["config.kind"]);
      assert.deepEqual(keysIn({ plugins }, { featureGates: ["flowControl"] }), ["featureGates"]);
    });

    it("has numbers where the CLI keeps text", () => {
      const config = {
        plugins: [
          {
            type: "utilization-detector",
            name: "1",
            parameters: { kvCacheUtilThreshold: "0.85", on: "true" },
          },
        ],
      };
      const { picker } = ownedPool(serviceConfig(pools({ picker: { config } })), "llm");
      assert.deepEqual(picker?.config?.by === "document" ? picker.config.document["plugins"] : undefined, [
        { type: "utilization-detector", name: "1", parameters: { kvCacheUtilThreshold: 0.85, on: true } },
      ]);
    });
  });
});
