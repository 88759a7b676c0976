import { apis } from "../../components/names";
import { objectKey, type StateObject } from "../plan/claims";
import type { GkePlace, HeldObject, HeldPlatform } from "../plan/standing";

/*
 * What the resources of a state say. Nothing of Pulumi's SDK here: the rollout commands read an exported state with it,
 * and a rollback has no time to load the SDK.
 */

/** One resource, as the engine's built-in provider returns it. */
interface StateResource {
  type?: unknown;
  outputs?: unknown;
}

/** Resources of a state with their outputs. */
function resourcesIn(
  resources: Readonly<Record<string, unknown>>,
): { urn: string; type: string; properties: Record<string, unknown> }[] {
  return Object.entries(resources).map(([urn, value]) => {
    const { type, outputs } = (opened(value) ?? {}) as StateResource;
    return {
      urn,
      type: String(opened(type)),
      properties: (opened(outputs) ?? {}) as Record<string, unknown>,
    };
  });
}

/** Kubernetes objects among the resources of a state. Exported for tests. */
export function objectsIn(resources: Readonly<Record<string, unknown>>): Map<string, StateObject> {
  const objects = new Map<string, StateObject>();
  for (const { type, properties } of resourcesIn(resources)) {
    const token = kubernetesKind(type);
    const metadata = opened(properties["metadata"]) as { name?: unknown; namespace?: unknown } | undefined;
    const [name, namespace] = [opened(metadata?.name), opened(metadata?.namespace)];
    if (token === undefined || typeof name !== "string") continue;
    const manager = opened(properties["__fieldManager"]);
    objects.set(objectKey({ ...token, name, ...(typeof namespace === "string" ? { namespace } : {}) }), {
      ...(typeof manager === "string" ? { manager } : {}),
    });
  }
  return objects;
}

/** What a stack stands on, among the resources of its state. Exported for tests. */
export function heldIn(resources: Readonly<Record<string, unknown>>): HeldPlatform {
  const all = resourcesIn(resources);
  const of = (type: string): Record<string, unknown>[] =>
    all.filter((one) => one.type === type).map(({ properties }) => properties);
  const [cluster] = of("gcp:container/cluster:Cluster");
  const named = (group: string, kind: string): HeldObject[] =>
    all
      .filter(({ type }) => {
        const found = kubernetesKind(type);
        return found?.group === group && found.kind === kind;
      })
      .map(({ urn, properties }) => {
        const { name, namespace } = (opened(properties["metadata"]) ?? {}) as Record<string, unknown>;
        return { namespace: textOf(namespace), name: textOf(name), urn };
      });
  return {
    ...(cluster === undefined ? {} : { cluster: placeOf(cluster, textOf(cluster["name"])) }),
    nodePools: of("gcp:container/nodePool:NodePool").map((pool) => ({
      name: textOf(pool["name"]),
      in: placeOf(pool, textOf(pool["cluster"]).replace(/^.*\//, "")),
    })),
    regions: of("gcp:compute/subnetwork:Subnetwork").map(({ region }) => textOf(region).replace(/^.*\//, "")),
    repositories: of("gcp:artifactregistry/repository:Repository").map((one) => textOf(one["repositoryId"])),
    pools: named(apis.pool, "InferencePool").map(({ name }) => name),
    gateways: named(apis.gateway, "Gateway"),
  };
}

const textOf = (value: unknown): string => {
  const text = opened(value);
  return typeof text === "string" ? text : "";
};

function placeOf({ location, project }: Record<string, unknown>, name: string): GkePlace {
  const [of, where] = [textOf(project), textOf(location)];
  return { name, location: where, ...(of === "" ? {} : { project: of }) };
}

/** Group and kind of a resource type of the Kubernetes provider, as `kubernetes:apps/v1:Deployment`. */
export function kubernetesKind(type: string): { group: string; kind: string } | undefined {
  const [, api = "", kind = ""] = /^kubernetes:([^:]+):([^:]+)$/.exec(type) ?? [];
  if (kind === "" || !api.includes("/")) return undefined;
  const group = api.split("/")[0] ?? "";
  return { group: group === "core" ? "" : group, kind };
}

/** A value that arrives as a secret, opened: nothing of it is kept but names. */
export function opened(value: unknown): unknown {
  return typeof value === "object" &&
    value !== null &&
    "4dabf18193072939515e22adb298388d" in value &&
    "value" in value
    ? value.value
    : value;
}
