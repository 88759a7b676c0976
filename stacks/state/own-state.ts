import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../messages/user-error";
import type { OwnState } from "../plan/claims";
import { holdsNothing, type HeldPlatform } from "../plan/standing";
import { heldIn, objectsIn, opened } from "./state-resources";

/*
 * What this stack's own state holds. The engine passes no state to a program, but its built-in provider answers
 * for the resources of any stack, so also for those of the one that runs (pulumi/pulumi, resource/deploy/builtins.go:
 * readStackResourceOutputs; tried with 3.250.0).
 */

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
