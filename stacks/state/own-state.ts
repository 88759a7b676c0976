import { apis } from "../../components/names";
import { objectKey, type OwnState, type StateObject } from "../plan/claims";
import { holdsNothing, type GkePlace, type HeldObject, type HeldPlatform } from "../plan/standing";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../messages/user-error";

/*
 * What this stack's own state holds. The engine passes no state to a program, but its built-in provider answers
 * for the resources of any stack, so also for those of the one that runs (pulumi/pulumi, resource/deploy/builtins.go:
 * readStackResourceOutputs; tried with 3.250.0).
 */

/** One resource as that function returns it. */
interface StateResource {
  type?: unknown;
  outputs?: unknown;
}

/** Organisation, project and name of the stack that runs. */
export const ownStackName = (): string =>
  `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;

/** What of the state the program needs. */
export interface StackState {
  /** Kubernetes objects; undefined: not known. */
  objects: OwnState;
  /** What the stack stands on; nothing where it is not known. */
  held: HeldPlatform;
}

const unknown: StackState = { objects: undefined, held: holdsNothing };

/**
 * @param deployed whether an update of this stack has succeeded.
 * @returns nothing where it cannot be known: before that, a preview has no state to ask for, and the engine would
 *   fail on the question (a nil pointer, with files and buckets). An update has one: its first resource is the stack.
 * @throws UserError where it should be known and cannot be read.
 */
export async function ownState(deployed: boolean): Promise<StackState> {
  if (!deployed && pulumi.runtime.isDryRun()) return unknown;
  try {
    const found = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
      stackName: ownStackName(),
    })) as { outputs?: unknown };
    const resources = opened(found.outputs) as Record<string, unknown>;
    return { objects: objectsIn(resources), held: heldIn(resources) };
  } catch (error) {
    // Before the first success there is little to know. After it, a guess could delete what serves.
    if (!deployed) return unknown;
    throw new UserError(
      `Cannot read this stack's own state; nothing was changed: ${(error as Error).message}\nRun the update again. If the error persists, pulumi stack export shows it too.`,
    );
  }
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
