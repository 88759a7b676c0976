import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { annotations, labels, managedBy, poolLabels, podSelector } from "../../../components/names";
import type { RawConfig } from "../../../stacks/config/parse";
import { adaptedPods } from "../../../stacks/plan/copied-pools";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { observedCopies } from "../../../stacks/state/copies";
import { observe } from "../../../stacks/state/observe";
import { planFor, serviceConfig, type Planned } from "../cases";

/*
 * A pool created outside this stack was rolled out of, and its owner removed it: what its first copy keeps is enough for
 * every later one.
 */

const image = "vllm/vllm-openai:v0.21.0";
const template = {
  metadata: { labels: { app: "vllm", team: "search" } },
  spec: {
    containers: [
      { name: "vllm", image, args: ["--port", "8000"], resources: { limits: { "nvidia.com/gpu": "1" } } },
    ],
  },
};

interface Kept {
  like: string;
  /** Whether its Deployment still has the note of what was copied. Default: it has. */
  noted?: boolean;
  namespace?: string;
}

/** A cluster whose pools are all of this stack; none of them the original. */
function cluster(pools: Readonly<Record<string, Kept>>): ClusterReader {
  const of = (kind: (name: string, kept: Kept) => LiveObject): Record<string, LiveObject[]> => {
    const found: Record<string, LiveObject[]> = {};
    for (const [name, kept] of Object.entries(pools))
      (found[kept.namespace ?? "default"] ??= []).push(kind(name, kept));
    return found;
  };
  const live = of((name, { like, namespace = "default" }) => ({
    metadata: {
      ...{ name, namespace, labels: { ...poolLabels("llm", name), [labels.managedBy]: managedBy } },
      annotations: {
        [annotations.identity]: JSON.stringify({
          ...{ accelerator: "nvidia-h100-80gb", acceleratorsPerReplica: "1", provisioning: "on-demand" },
          ...{ driver: "latest", "server.engine": "vllm", "server.port": "8000" },
          ...{ machineType: "a3-highgpu-8g", like },
        }),
      },
    },
    spec: { selector: { matchLabels: podSelector(name) }, targetPorts: [{ number: 8000 }] },
  }));
  const servers = of((name, { noted = true, namespace = "default" }) => ({
    metadata: {
      ...{ name, namespace },
      annotations: noted
        ? {
            [annotations.template]: JSON.stringify(template),
            [annotations.copied]: JSON.stringify({ from: "Deployment vllm", selector: { app: "vllm" } }),
          }
        : {},
    },
    spec: { replicas: 2, template: { metadata: { labels: podSelector(name) } } },
    status: { readyReplicas: 2 },
  }));
  const poolsAt = /^\/apis\/inference\.networking\.k8s\.io\/v1\/namespaces\/([^/]+)\/inferencepools$/;
  const serversAt = /^\/apis\/apps\/v1\/namespaces\/([^/]+)\/deployments$/;
  const list = (path: string): LiveObject[] =>
    live[poolsAt.exec(path)?.[1] ?? ""] ?? servers[serversAt.exec(path)?.[1] ?? ""] ?? [];
  return {
    get: (path) => {
      if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path))
        return Promise.resolve({ metadata: { name: path.split("/").at(-1) ?? "" } });
      const [, folder = "", name] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
      return Promise.resolve(list(folder).find(({ metadata }) => metadata.name === name));
    },
    list: (path) => Promise.resolve(list(path)),
  };
}

async function planOf(reader: ClusterReader, raw: RawConfig): Promise<Planned & { runs?: string }> {
  const service = serviceConfig(raw);
  const observed = await observe(reader, service, undefined, () => true);
  const copies = await observedCopies(reader, service, observed, true);
  const pool = service.pools[service.candidate ?? ""];
  const adapted = pool?.existing === false ? adaptedPods(service, pool, copies[pool.name]) : undefined;
  const runs = adapted?.template.spec.containers as { image: string }[] | undefined;
  return {
    ...planFor(service, { ...observed, copies }),
    ...(runs?.[0] === undefined ? {} : { runs: runs[0].image }),
  };
}

const h100 = { accelerator: "nvidia-h100-80gb", replicas: 2 };
const original = { existing: true };
const first = { like: "llm", ...h100 };
const llmNew: Kept = { like: "default/llm" };

describe("after the original is gone", () => {
  const cases: readonly [string, RawConfig, Record<string, Kept>][] = [
    [
      "like the copy, the original still declared",
      { pools: { llm: original, "llm-new": first, "llm-3": { ...h100, like: "llm-new" } } },
      { "llm-new": llmNew },
    ],
    [
      "like the copy, the original no longer declared",
      { pools: { "llm-new": first, "llm-3": { ...h100, like: "llm-new" } } },
      { "llm-new": llmNew },
    ],
    [
      "like the original itself",
      { pools: { llm: original, "llm-new": first, "llm-3": { ...h100, like: "llm" } } },
      { "llm-new": llmNew },
    ],
    [
      "like the original itself, which is no longer declared",
      { pools: { "llm-new": first, "llm-3": { ...h100, like: "llm" } } },
      { "llm-new": llmNew },
    ],
    [
      "in another namespace than the original was",
      {
        pools: {
          "llm-new": { ...first, namespace: "serving" },
          "llm-3": { ...h100, like: "llm-new", namespace: "serving" },
        },
      },
      { "llm-new": { like: "prod/llm", namespace: "serving" } },
    ],
  ];
  for (const [what, raw, live] of cases) {
    it(`a second generation is made: ${what}`, async () => {
      const done = await planOf(cluster(live), { stable: "llm-new", candidate: "llm-3", ...raw });
      assert.deepEqual(done.refusals, []);
      assert.equal(done.runs, image);
      assert.equal(done.kind, "node-update");
      const [, planned] = done.pools;
      assert.equal(planned?.copied?.from, "Deployment vllm");
      // What it is a copy of stays the same name, through all generations.
      assert.equal(planned.identity["like"], live["llm-new"]?.like);
    });
  }

  it("a third and a tenth generation are made of what the one before keeps", async () => {
    for (const generation of [4, 10]) {
      const [before, next] = [`llm-${generation - 1}`, `llm-${generation}`];
      const pools = {
        [before]: { ...h100, like: `llm-${generation - 2}` },
        [next]: { ...h100, like: before },
      };
      const done = await planOf(cluster({ [before]: llmNew }), { stable: before, candidate: next, pools });
      assert.deepEqual(done.refusals, [], next);
      assert.equal(done.runs, image);
      assert.equal(done.pools[1]?.identity["like"], "default/llm");
    }
  });

  it("the stable pool alone has nothing to do", async () => {
    for (const pools of [{ llm: original, "llm-new": first }, { "llm-new": first }]) {
      const done = await planOf(cluster({ "llm-new": llmNew }), { stable: "llm-new", candidate: "", pools });
      assert.deepEqual(done.refusals, []);
      assert.equal(done.pools[0]?.identity["like"], "default/llm");
    }
  });

  it("a pool that would copy nothing is refused, whether its original is declared or not", async () => {
    for (const pools of [
      { llm: original, "llm-new": { ...h100, model: "m" }, "llm-3": { ...h100, like: "llm" } },
      { "llm-new": { ...h100, model: "m" }, "llm-3": { ...h100, like: "lmm" } },
    ]) {
      const done = await planOf(cluster({}), { stable: "llm-new", candidate: "llm-3", pools });
      assert.deepEqual(
        done.refusals.map(({ rule }) => rule),
        ["existing-pool-missing"],
      );
      assert.match(done.refusals[0]?.found ?? "", /llm-3 copies the pods of (llm|lmm), but/);
    }
  });

  it("a pool whose copy was lost is not made anew with a server of its own", async () => {
    const pools = { llm: original, "llm-new": first };
    const reader = cluster({ "llm-new": { ...llmNew, noted: false } });
    const { refusals } = await planOf(reader, { stable: "llm-new", candidate: "", pools });
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["existing-pool-missing"],
    );
    assert.match(refusals[0]?.found ?? "", /no Deployment that keeps the copy/);
  });
});
