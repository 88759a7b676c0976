import { objectKey, type OwnState, type StateObject } from "../plan/claims";
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

/**
 * @param deployed whether an update of this stack has succeeded.
 * @returns undefined where it cannot be known: before that, a preview has no state to ask for, and the engine would
 *   fail on the question (a nil pointer, with files and buckets). An update has one: its first resource is the stack.
 * @throws UserError where it should be known and cannot be read.
 */
export async function ownState(deployed: boolean): Promise<OwnState> {
  if (!deployed && pulumi.runtime.isDryRun()) return undefined;
  try {
    const found = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
      stackName: ownStackName(),
    })) as { outputs?: unknown };
    return objectsIn(opened(found.outputs) as Record<string, unknown>);
  } catch (error) {
    // Before the first success there is little to know. After it, a guess could delete what serves.
    if (!deployed) return undefined;
    throw new UserError(
      `Cannot read this stack's own state; nothing was changed: ${(error as Error).message}\nRun the update again. If the error persists, pulumi stack export shows it too.`,
    );
  }
}

/** Kubernetes objects among the resources of a state. Exported for tests. */
export function objectsIn(resources: Readonly<Record<string, unknown>>): Map<string, StateObject> {
  const objects = new Map<string, StateObject>();
  for (const value of Object.values(resources)) {
    const { type, outputs } = (opened(value) ?? {}) as StateResource;
    const token = kubernetesKind(String(opened(type)));
    const properties = (opened(outputs) ?? {}) as Record<string, unknown>;
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
