import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { rendered } from "../rendering";
import { eventually } from "../../lab/processes/patience";
import { ready, SmallCluster } from "../../lab/pods/small-cluster";
import type { Pod } from "../../lab/pods/objects";
import { resolveTool } from "../../lab/tools/resolve";
import { EndpointPicker } from "../../components/pool/endpoint-picker";
import { configKind } from "../../components/pool/picker-config";
import {
  flowControl,
  pickerFeatureGates,
  pickerFlags,
  pickerPlugins,
  pickerScorers,
  reservedFlags,
  mismatched,
  unusablePlugins,
  type PickerSettings,
} from "../../components/pool/picker-settings";
import { serviceConfig, ownedPool } from "../stacks/cases";

/* The real picker, with everything that can be set of it: it starts, or it is known not to. */

const namespace = "default";

const document = (plugins: readonly object[], more: object = {}): PickerSettings => ({
  config: {
    by: "document",
    document: {
      ...configKind,
      plugins,
      schedulingProfiles: [{ name: "default", plugins: [{ pluginRef: "queue-scorer", weight: 1 }] }],
      ...more,
    },
  },
});

/** What plugins take that start with nothing else. */
const parameters: Record<string, object> = {
  "request-attribute-reporter": {
    attributes: [{ key: { name: "tokens" }, expression: "usage.total_tokens" }],
  },
};

const flags = Object.fromEntries(Object.entries(pickerFlags).map(([name, { example }]) => [name, example]));

const cases: Record<string, { settings?: PickerSettings; engine?: string }> = {
  "as-it-is": {},
  "as-it-is-sglang": { engine: "sglang" },
  "all-weights": {
    settings: {
      config: {
        by: "weights",
        weights: Object.fromEntries(Object.keys(pickerScorers).map((name) => [name, 1])),
      },
    },
  },
  ...Object.fromEntries(
    Object.keys(pickerScorers).map((name) => [
      `only-${name}`,
      { settings: { config: { by: "weights", weights: { [name]: 0.5 } } } },
    ]),
  ),
  ...Object.fromEntries(
    pickerFeatureGates.map((gate) => [`gate-${gate.toLowerCase()}`, { settings: { featureGates: [gate] } }]),
  ),
  "gate-on-sglang": { engine: "sglang", settings: { featureGates: [flowControl] } },
  flags: { settings: { flags } },
  // Two of them do not go together.
  ...Object.fromEntries(
    mismatched.map((left) => [
      `every-plugin-but-${left}`,
      {
        settings: document(
          pickerPlugins
            .filter((type) => type !== left)
            .map((type) => ({ type, ...(type in parameters ? { parameters: parameters[type] } : {}) })),
        ),
      },
    ]),
  ),
  "document-sglang": { engine: "sglang", settings: document([{ type: "queue-scorer" }]) },
  "flow-control-document": {
    settings: document(
      [
        { type: "queue-scorer" },
        { type: "round-robin-fairness-policy" },
        { type: "utilization-detector", parameters: { queueDepthThreshold: 2, kvCacheUtilThreshold: 0.85 } },
      ],
      {
        featureGates: [flowControl],
        saturationDetector: { pluginRef: "utilization-detector" },
        flowControl: {
          maxBytes: "1Gi",
          defaultRequestTTL: "60s",
          priorityBands: [{ priority: 10, fairnessPolicyRef: "round-robin-fairness-policy" }],
        },
      },
    ),
  },
};

describe("the real picker", { concurrency: false }, () => {
  let cluster: SmallCluster;
  before(async () => {
    cluster = await SmallCluster.start();
    await cluster.nodes(0, 2);
  });
  after(() => cluster.stop());

  /** Everything that the component makes of a picker, and the pool that it follows. */
  const start = async (pool: string, settings: PickerSettings = {}, engine?: string): Promise<void> => {
    const resources = await rendered(
      () =>
        new EndpointPicker(pool, {
          ...{ service: "llm", pool, namespace, settings },
          engine: engine === undefined ? {} : { pickerEngine: engine },
        }),
    );
    const objects = resources.map(({ inputs }) => inputs).filter(({ kind }) => kind !== undefined);
    await cluster.apply(...objects.filter(({ kind }) => kind !== "Deployment"), {
      apiVersion: "inference.networking.k8s.io/v1",
      kind: "InferencePool",
      metadata: { name: pool, namespace },
      spec: {
        selector: { matchLabels: { app: pool } },
        targetPorts: [{ number: 8000 }],
        endpointPickerRef: { name: `${pool}-epp`, port: { number: 9002 } },
      },
    });
    await cluster.apply(...objects.filter(({ kind }) => kind === "Deployment"));
  };
  const pods = async (pool: string): Promise<Pod[]> =>
    (
      await cluster.api.get<{ items: Pod[] }>(
        `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${pool}-epp`,
      )
    ).items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const readyOnes = async (pool: string): Promise<string[]> =>
    (await pods(pool)).filter(ready).map(({ metadata }) => metadata?.name ?? "");
  const stop = (pool: string): Promise<unknown> =>
    cluster.api.delete(`/apis/apps/v1/namespaces/${namespace}/deployments/${pool}-epp`, {
      propagationPolicy: "Background",
    });

  const names = Object.keys(cases);
  for (let first = 0; first < names.length; first += 5) {
    const batch = names.slice(first, first + 5);
    it(`starts with ${batch.join(", ")}`, async () => {
      for (const name of batch) await start(name, cases[name]?.settings, cases[name]?.engine);
      for (const name of batch) {
        await eventually(`${name} is Ready`, async () => (await readyOnes(name)).length === 1, 40);
        const [pod] = await pods(name);
        assert.equal(pod?.status?.containerStatuses?.[0]?.restartCount, 0, name);
      }
      for (const name of batch) await stop(name);
    });
  }

  it("ends with a plugin that it does not have, and with one that takes what is not there", async () => {
    await start("unknown", document([{ type: "queue-scorer" }, { type: "no-such-scorer" }]));
    await eventually("it backs off", async () =>
      (await pods("unknown")).some(({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0),
    );
    assert.deepEqual(await readyOnes("unknown"), []);
    await stop("unknown");
  });

  it("elects one of two, which alone is ready; the other takes over", async () => {
    await start("pair", { replicas: 2 });
    const [leader = ""] = await eventually(
      "there is a leader",
      async () => {
        const found = await readyOnes("pair");
        return found.length === 1 && (await pods("pair")).length === 2 ? found : undefined;
      },
      60,
    );
    const restarts = async (): Promise<(number | undefined)[]> =>
      (await pods("pair")).map(({ status }) => status?.containerStatuses?.[0]?.restartCount);
    // Long enough for a probe of liveness that fails to have ended one.
    await new Promise((resolve) => setTimeout(resolve, 40_000));
    assert.deepEqual(await readyOnes("pair"), [leader]);
    assert.deepEqual(await restarts(), [0, 0]);
    const from = performance.now();
    await cluster.deletePod(leader);
    await eventually(
      "another leads",
      async () => (await readyOnes("pair")).some((name) => name !== leader),
      60,
    );
    console.log(
      `# a leader that was deleted was replaced after ${((performance.now() - from) / 1000).toFixed(1)} s`,
    );
    await stop("pair");
  });
});

describe("names of the real picker", () => {
  it("has the flags that are known, and no others", async () => {
    const { path } = await resolveTool("epp");
    const help = await new Promise<string>((resolve) =>
      execFile(path, ["--help"], (_error, stdout, stderr) => resolve(`${stdout}${stderr}`)),
    );
    const has = [...help.matchAll(/^\s+(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name).sort();
    assert.ok(has.length > 20, help);
    // Deprecated ones are not listed: they are known not to be set.
    const hidden = /^(model-server-metrics-|.*-metric$)/;
    const known = [...Object.keys(pickerFlags), ...Object.keys(reservedFlags)];
    assert.deepEqual(known.filter((name) => !hidden.test(name)).sort(), has);
  });

  it("no plugin is both usable and not", () => {
    assert.deepEqual(
      pickerPlugins.filter((type) => type in unusablePlugins),
      [],
    );
  });

  it("every value that is proposed for a flag is one", () => {
    for (const [name, { pattern, example }] of Object.entries(pickerFlags))
      assert.match(example, pattern, name);
    const raw = {
      model: "Qwen/Qwen3-8B",
      stable: "llm",
      pools: { llm: { accelerator: "nvidia-l4", replicas: 1, picker: { flags } } },
    };
    assert.deepEqual(ownedPool(serviceConfig(raw), "llm").picker?.flags, flags);
  });
});
