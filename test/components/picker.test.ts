import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rendered, type Registered } from "../rendering";
import * as yaml from "js-yaml";
import { EndpointPicker, type EndpointPickerArgs } from "../../components/pool/endpoint-picker";
import { pickerConfig } from "../../components/pool/picker-config";
import { pickerImage, type PickerSettings } from "../../components/pool/picker-settings";
import { ServingPool, type ServingPoolArgs } from "../../components/pool/serving-pool";
import { identityOf } from "../../stacks/plan/identity";
import { own, withEdits, type StackValues } from "../../rollout/steps/values";
import { resolveValues } from "../../rollout/steps/resolve-values";
import { editsIn } from "../../stacks/plan/config-edits";
import { nothingDeployed } from "../../stacks/plan/model";
import type { RawConfig } from "../../stacks/config/parse";
import { cloud, ownedPool, planFor, serviceConfig, sourceCase } from "../stacks/cases";
import { deployed, rulesOf } from "../stacks/plan/worlds";
import { renderService } from "../stacks/rendered-service";

const pool = { service: "llm", pool: "llm", namespace: "default" };
const picker = (more: Partial<EndpointPickerArgs> = {}): Promise<Registered[]> =>
  rendered(() => new EndpointPicker("llm", { ...pool, engine: {}, ...more }));
const budget = (resources: readonly Registered[]): Registered["inputs"] | undefined =>
  resources.find(({ name, inputs }) => name === "llm-epp" && inputs["kind"] === "PodDisruptionBudget")
    ?.inputs;

const wholeConfig = {
  plugins: [
    { type: "queue-scorer" },
    { type: "utilization-detector", parameters: { kvCacheUtilThreshold: 0.5 } },
  ],
};

describe("a picker", () => {
  it("on GKE is moved by nobody while it works: a budget, without a change of its pod", async () => {
    const [plain, kept] = [await picker(), await picker({ evictable: false })];
    const deployment = (all: readonly Registered[]): unknown =>
      all.find(({ inputs }) => inputs["kind"] === "Deployment")?.inputs;
    assert.deepEqual(deployment(kept), deployment(plain));
    assert.equal(budget(plain), undefined);
    assert.deepEqual(budget(kept)?.["spec"], {
      maxUnavailable: 0,
      selector: { matchLabels: { app: "llm-epp" } },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
  });

  it("has the budget only where the stack creates the nodes, so on GKE", async () => {
    const make = (more: Partial<ServingPoolArgs>): Promise<Registered[]> =>
      rendered(
        () =>
          new ServingPool("llm", {
            ...{ ...pool, replicas: 1, model: "Qwen/Qwen3-8B", hardware: { accelerator: "nvidia-l4" } },
            ...more,
          }),
      );
    assert.equal(budget(await make({})), undefined);
    assert.ok(budget(await make({ nodes: { cluster: "inference", location: "us-central1" } })) !== undefined);
  });

  it("of which nothing is set is as it always was", async () => {
    assert.equal(pickerConfig({}), defaultConfig(""));
    assert.equal(
      pickerConfig({ pickerEngine: "sglang" }),
      defaultConfig("\n  parameters:\n    defaultEngine: sglang"),
    );
    assert.deepEqual(await picker({ settings: {} }), await picker());
    assert.deepEqual(await picker({ settings: { replicas: 1 } }), await picker());
  });

  it("has weights by name, and fairness where requests wait in it", () => {
    const read = (settings: PickerSettings, pickerEngine?: string): Record<string, unknown> =>
      yaml.load(pickerConfig(pickerEngine === undefined ? {} : { pickerEngine }, settings)) as Record<
        string,
        unknown
      >;
    const weights = { "lora-affinity": 0.5, queue: 2, "prefix-cache": 0 };
    const config = read({ config: { by: "weights", weights }, featureGates: ["flowControl"] });
    assert.deepEqual(config["schedulingProfiles"], [
      {
        name: "default",
        plugins: [
          { pluginRef: "lora-affinity-scorer", weight: 0.5 },
          { pluginRef: "queue-scorer", weight: 2 },
        ],
      },
    ]);
    assert.deepEqual(config["featureGates"], ["flowControl"]);
    const { defaultPriorityBand } = config["flowControl"] as {
      defaultPriorityBand: { fairnessPolicyRef: string };
    };
    assert.ok(
      (config["plugins"] as { type: string }[]).some(
        ({ type }) => type === defaultPriorityBand.fairnessPolicyRef,
      ),
    );
    assert.equal(read({})["flowControl"], undefined);
  });

  it("has a whole config as it is, in YAML that says the same", () => {
    const document = {
      apiVersion: "inference.networking.x-k8s.io/v1alpha1",
      kind: "EndpointPickerConfig",
      plugins: [
        { type: "queue-scorer", name: "on" },
        {
          type: "utilization-detector",
          parameters: { kvCacheUtilThreshold: 0.5, odd: ["1", "a: b", "", {}, []] },
        },
      ],
      schedulingProfiles: [{ name: "default", plugins: [{ pluginRef: "on", weight: 1 }] }],
      flowControl: { priorityBands: [{ priority: -1, maxBytes: "1Gi" }], none: null, is: true },
    };
    const text = pickerConfig({}, { config: { by: "document", document } });
    assert.deepEqual(yaml.load(text), document);
  });

  it("reads the metrics of the pool's own engine, also with a config that was written for another", () => {
    const config = (plugins: object[], more = {}): PickerSettings => ({
      config: { by: "document", document: { plugins, ...more } },
    });
    const engineOf = (settings: PickerSettings): unknown => {
      const { plugins } = yaml.load(pickerConfig({ pickerEngine: "sglang" }, settings)) as {
        plugins: { type: string; parameters?: { defaultEngine?: string } }[];
      };
      return plugins.find(({ type }) => type === "core-metrics-extractor")?.parameters?.defaultEngine;
    };
    const extractor = { type: "core-metrics-extractor" };
    assert.equal(engineOf(config([])), "sglang");
    assert.equal(engineOf(config([extractor])), "sglang");
    assert.equal(engineOf(config([{ ...extractor, parameters: { defaultEngine: "own" } }])), "own");
    assert.equal(engineOf(config([], { dataLayer: { sources: [] } })), undefined);
  });

  it("has flags, resources and others that stand by where they are set", async () => {
    const settings: PickerSettings = {
      replicas: 3,
      resources: { cpu: "500m", memory: "2Gi" },
      flags: { v: "3", "refresh-metrics-interval": "100ms", "enable-pprof": "false" },
    };
    const all = await picker({ settings, evictable: false });
    const inputs = (kind: string): Record<string, unknown> | undefined =>
      all.find((one) => one.inputs["kind"] === kind)?.inputs;
    const deployment = inputs("Deployment") as {
      metadata: { annotations: Record<string, string> };
      spec: {
        replicas: number;
        strategy: unknown;
        template: { spec: { containers: [Record<string, unknown> & { args: string[] }] } };
      };
    };
    assert.equal(deployment.spec.replicas, 3);
    assert.deepEqual(deployment.spec.strategy, { type: "Recreate" });
    assert.deepEqual(deployment.metadata.annotations, {
      "pulumi.com/waitFor": "jsonpath={.status.readyReplicas}=1",
    });
    const [container] = deployment.spec.template.spec.containers;
    assert.deepEqual(container.args.slice(-5), [
      ...["3", "--tracing=false", "--ha-enable-leader-election"],
      ...["--enable-pprof=false", "--refresh-metrics-interval=100ms"],
    ]);
    assert.deepEqual(container["resources"], {
      requests: { cpu: "500m", memory: "2Gi" },
      limits: { memory: "4Gi" },
    });
    assert.match(JSON.stringify(container["readinessProbe"]), /"service":"readiness"/);
    assert.match(JSON.stringify(container["livenessProbe"]), /"service":"liveness"/);
    assert.match(JSON.stringify(inputs("Role")), /"leases"/);
    // Those that stand by are not ready, so they may go.
    assert.ok(budget(all) !== undefined);
  });

  it("has the image that the pool's config names, which is part of what the pool is", async () => {
    const image = "registry.example.com/epp:v1.5.2";
    const raw = {
      ...sourceCase,
      pools: { ...sourceCase.pools, "llm-new": { like: "llm", picker: { image } } },
    };
    const config = serviceConfig(raw);
    assert.equal(identityOf(ownedPool(config, "llm-new"))["picker.image"], image);
    assert.ok(!("picker.image" in identityOf(ownedPool(config, "llm"))));
    const images = (await renderService(raw))
      .filter(({ name, inputs }) => name.endsWith("-epp") && inputs["kind"] === "Deployment")
      .map(({ name, inputs }) => [name, /"image":"([^"]+)"/.exec(JSON.stringify(inputs))?.[1]]);
    assert.deepEqual(Object.fromEntries(images), { "llm-epp": pickerImage, "llm-new-epp": image });
  });

  it("that the config changes on a pool that exists is refused", () => {
    const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, picker: { image: "epp:v1.5.2" } } };
    const serving = { ...sourceCase, candidate: "", weight: 0 };
    assert.deepEqual(rulesOf({ ...serving, pools }, deployed(serving)), ["edited-in-place"]);
  });

  describe("of a pool that exists", () => {
    const serving = (settings?: object): RawConfig => ({
      ...sourceCase,
      candidate: "",
      weight: 0,
      pools: {
        ...sourceCase.pools,
        llm: { ...sourceCase.pools.llm, ...(settings === undefined ? {} : { picker: settings }) },
      },
    });
    const changes: [string, object | undefined, object | undefined][] = [
      ["image", undefined, { image: "epp:v1.5.2" }],
      ["version", { version: "v1.5.0" }, { version: "v1.5.1" }],
      ["from one to several", undefined, { replicas: 2 }],
      ["from several to one", { replicas: 2 }, { replicas: 1 }],
      ["resources", undefined, { resources: { cpu: "2" } }],
      ["weights", { config: { queue: 1 } }, { config: { queue: 2 } }],
      ["from a whole config to none", { config: wholeConfig }, undefined],
      ["flags", { flags: { v: 2 } }, { flags: { v: 3 } }],
      ["a feature gate", undefined, { featureGates: ["flowControl"] }],
      ["no feature gate", { featureGates: ["flowControl"] }, undefined],
    ];
    for (const [what, before, next] of changes) {
      it(`is another pool with another picker: ${what}`, () => {
        const world = deployed(serving(before));
        const { refusals } = planFor(serviceConfig(serving(next)), world);
        assert.deepEqual(
          refusals.map(({ rule, waiver }) => [rule, waiver]),
          [["edited-in-place", undefined]],
        );
        // The refusal's own commands put back what there was.
        const edits = refusals.flatMap(({ fix }) => editsIn(fix));
        const values = Object.entries(serving(next)).map(([key, value]) => [
          own(key),
          { secret: false, value },
        ]);
        const typedIn = { ...(Object.fromEntries(values) as StackValues), ...cloudValues };
        const edited = resolveValues(withEdits(typedIn, edits));
        assert.ok(edited.outcome === "resolved", JSON.stringify(edited));
        assert.deepEqual(planFor(edited.config.service, world).refusals, []);
      });
    }

    const same: [string, object | undefined, object | undefined][] = [
      ["more that stand by", { replicas: 2 }, { replicas: 3 }],
      ["the default in words", undefined, { replicas: 1 }],
      [
        "another order",
        { config: { queue: 1, "prefix-cache": 2 } },
        { config: { "prefix-cache": 2, queue: 1 } },
      ],
      ["a number as text", { config: { queue: 1 } }, { config: { queue: "1" } }],
      ["a flag as text", { flags: { v: 2 } }, { flags: { v: "2" } }],
    ];
    for (const [what, before, next] of same) {
      it(`is the same pool: ${what}`, () => {
        assert.deepEqual(rulesOf(serving(next), deployed(serving(before))), []);
      });
    }
  });

  describe("is a rollout of its own kind", () => {
    const kindOf = (candidate: object): string | undefined => {
      const pools = { llm: sourceCase.pools.llm, "llm-new": { like: "llm", ...candidate } };
      return planFor(serviceConfig({ ...sourceCase, weight: 0, pools }), nothingDeployed).kind;
    };
    it("where only the picker is another one", () => {
      assert.equal(kindOf({ picker: { featureGates: ["flowControl"] } }), "picker");
      assert.equal(kindOf({ picker: { replicas: 2 } }), "picker");
      assert.equal(kindOf({}), "node-update");
      assert.equal(kindOf({ picker: { replicas: 1 } }), "node-update");
    });
    it("and not where anything else is", () => {
      const picker = { version: "v1.5.0" };
      assert.equal(kindOf({ picker, accelerator: "nvidia-h100-80gb" }), "node-update");
      assert.equal(kindOf({ picker, diskGb: 300 }), "node-update");
      assert.equal(kindOf({ picker, server: { version: "v0.20.0" } }), "model-server");
      assert.equal(kindOf({ picker, model: "Qwen/Qwen3-14B" }), "base-model");
    });
    it("which the config may say", () => {
      const raw = (rollout: string, candidate: object): RawConfig => ({
        ...sourceCase,
        rollout,
        weight: 0,
        pools: { llm: sourceCase.pools.llm, "llm-new": { like: "llm", ...candidate } },
      });
      assert.deepEqual(rulesOf(raw("picker", { picker: { replicas: 2 } }), nothingDeployed), []);
      assert.deepEqual(rulesOf(raw("picker", {}), nothingDeployed), ["not-the-kind"]);
      assert.deepEqual(rulesOf(raw("node-update", { picker: { replicas: 2 } }), nothingDeployed), [
        "not-the-kind",
      ]);
    });
  });
});

const cloudValues: StackValues = {
  "gcp:project": { secret: false, value: cloud.project },
  "gcp:region": { secret: false, value: cloud.region },
};

/** What pools have had since before anything of a picker could be set. */
const defaultConfig = (extractor: string): string => `apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
- type: metrics-data-source
  parameters:
    scheme: http
    path: /metrics
    insecureSkipVerify: true
- type: core-metrics-extractor${extractor}
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
    weight: 2
  - pluginRef: kv-cache-utilization-scorer
    weight: 2
  - pluginRef: prefix-cache-scorer
    weight: 3
`;
