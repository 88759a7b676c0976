import { annotation, apiVersionOf, at, kindOf, listAt, nameOf, textAt, type KubeObject } from "./api/objects";
import type { Propagation } from "./api/client";
import { StatusError } from "./api/status";
import { NotReady } from "./await/errors";
import { skipsAwait } from "./await/ready";
import { waitUntilGone, type Look, type WaitContext } from "./await/wait";

/** Deletes an object and waits until it is gone. That it is gone already is no error. @throws NotReady in time */
export async function removeObject(
  context: WaitContext,
  inputs: KubeObject,
  live: KubeObject,
  name: string,
): Promise<void> {
  try {
    await context.client.delete(live, name, propagation(inputs));
  } catch (error) {
    if (error instanceof StatusError && error.isNotFound) return;
    throw error;
  }
  if (skipsAwait(inputs) && skippable.has(`${apiVersionOf(inputs)}/${kindOf(inputs)}`)) return;
  const { object, end } = await waitUntilGone(context, live, leftovers);
  if (end === "done") return;
  const finalizers = listAt(object, "metadata", "finalizers")
    .map((one) => textAt(one))
    .join(", ");
  await context.log(`finalizers might be preventing deletion (${finalizers})`, "warning");
  throw new NotReady(end === "timeout" ? "timed out waiting for the condition" : "context canceled", object);
}

/** Foreground, so that what an object owns is gone before it; an annotation may say otherwise. */
export function propagation(inputs: KubeObject): Propagation {
  switch (annotation(inputs, "pulumi.com/deletionPropagationPolicy").toLowerCase()) {
    case "orphan":
      return "Orphan";
    case "background":
      return "Background";
    default:
      return "Foreground";
  }
}

/** Kinds whose deletion skipAwait does not wait for either; for all others it does. */
const skippable = new Set([
  ...["v1/Namespace", "v1/Pod", "v1/ReplicationController"],
  ...["apps/v1/DaemonSet", "apps/v1/Deployment", "apps/v1/StatefulSet", "batch/v1/Job"],
]);

function leftovers(object: KubeObject): Look {
  if (at(object, "metadata", "deletionTimestamp") === undefined) return { done: false };
  const conditions = listAt(object, "status", "conditions")
    .filter((one) => textAt(one, "status") === "True")
    .map((one) => textAt(one, "message"))
    .filter((message) => message !== "");
  // A namespace says there what it still has to get rid of.
  const left = kindOf(object) === "Namespace" ? conditions.slice(0, 1) : [];
  return {
    done: false,
    message: left[0] ?? `Waiting for ${kindOf(object)} "${nameOf(object)}" to be deleted`,
  };
}
