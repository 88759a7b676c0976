import { adaptedPods } from "../../../stacks/plan/copied-pools";
import type { RawConfig } from "../../../stacks/config/parse";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "../../../stacks/state/cluster-reader";
import { observedCopies } from "../../../stacks/state/copies";
import { observe } from "../../../stacks/state/observe";
import { serviceConfig, planFor, type Planned } from "../cases";
import type { Manifest } from "./manifests";
import assert from "node:assert/strict";

/* A cluster with a pool that was created outside the stack, and what is planned of one that is like it. */

export type Objects = Record<string, LiveObject | "forbidden">;

export const named = (name: string, more: object = {}): LiveObject => ({ metadata: { name }, ...more });
export const core = (kind: string, name: string, namespace = "default"): string =>
  `/api/v1/namespaces/${namespace}/${kind}/${name}`;

/** A cluster with a pool `llm`, what stands behind it, and single objects by path. */
export function cluster(
  manifests: readonly Manifest[],
  objects: Objects = {},
  lists: Record<string, LiveObject[]> = {},
): ClusterReader {
  const [first] = manifests;
  const pool = named("llm", {
    spec: {
      selector: { matchLabels: first?.selector ?? { app: "llm" } },
      targetPorts: (first?.ports ?? [8000]).map((number) => ({ number })),
    },
  });
  const all: Objects = {
    "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools/llm": pool,
    "/api/v1/namespaces/default": named("default"),
    ...objects,
  };
  const known: Record<string, LiveObject[]> = {
    "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools": [pool],
    ...Object.fromEntries(
      (["deployments", "statefulsets", "leaderworkersets"] as const).map((kind) => [
        `/apis/${kind === "leaderworkersets" ? "leaderworkerset.x-k8s.io" : "apps"}/v1/namespaces/default/${kind}`,
        manifests.filter((one) => one.kind === kind).map(({ object }) => object),
      ]),
    ),
    ...lists,
  };
  return {
    get: (path) => {
      const found = all[path];
      if (found === "forbidden") return Promise.reject(new ClusterUnreadable("forbidden", path));
      return Promise.resolve(found);
    },
    list: (path) => Promise.resolve(known[path] ?? []),
  };
}

export const candidate = { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 };
export const config = (more: object = {}, rest: RawConfig = {}): RawConfig => ({
  stable: "llm",
  candidate: "llm-new",
  pools: { llm: { existing: true }, "llm-new": { ...candidate, ...more } },
  ...rest,
});

export async function planOf(
  reader: ClusterReader,
  raw: RawConfig = config(),
  ownNodes = true,
): Promise<Planned> {
  const service = serviceConfig(raw);
  const observed = await observe(reader, service, undefined, () => true);
  const copies = await observedCopies(reader, service, observed, ownNodes);
  return planFor(service, { ...observed, copies });
}

/** Pods of the candidate as they would be rendered. */
export async function podsOf(reader: ClusterReader, raw: RawConfig = config(), ownNodes = true) {
  const service = serviceConfig(raw);
  const observed = await observe(reader, service, undefined, () => true);
  const copies = await observedCopies(reader, service, observed, ownNodes);
  const pool = service.pools["llm-new"];
  assert.ok(pool?.existing === false);
  const adapted = adaptedPods(service, pool, copies["llm-new"]);
  assert.ok(adapted !== undefined);
  return adapted;
}

export const token = { [core("secrets", "hf-token")]: named("hf-token", { data: { token: "x" } }) };
export const adapters = { [core("configmaps", "vllm-qwen3-32b-adapters")]: named("vllm-qwen3-32b-adapters") };
export const weights = (...accessModes: string[]): Objects => ({
  [core("persistentvolumeclaims", "weights")]: named("weights", { spec: { accessModes } }),
  [core("serviceaccounts", "ms-llm-d-modelservice")]: named("ms-llm-d-modelservice"),
});
export const two = { acceleratorsPerReplica: 2 };

/** Another pod spec in a manifest's place. */
export function withPod(manifest: Manifest, change: object, container: object = {}): Manifest {
  const copy = structuredClone(manifest);
  const { template } = copy.object["spec"] as { template: { spec: { containers: object[] } } };
  Object.assign(template.spec, change);
  Object.assign(template.spec.containers[0] ?? {}, container);
  return copy;
}
