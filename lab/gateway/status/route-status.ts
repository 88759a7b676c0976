import type { Outcome } from "../envoy/apply";
import { listenerName } from "../envoy/names";
import type { HTTPRoute, ParentRef, ParentStatus } from "../objects/types";
import type { Attachment } from "../translate/attachment";
import type { Problem } from "../translate/listeners";
import { configsOf, type RoutePlan } from "../translate/plan";
import { conditions } from "./conditions";

/** The route's entry for each parent of ours; entries of other controllers stay as they are. */
export function routeParents(
  route: HTTPRoute,
  plan: RoutePlan | undefined,
  outcome: Outcome,
  controllerName: string,
  now: string,
): ParentStatus[] {
  const current = route.status?.parents ?? [];
  const generation = route.metadata.generation ?? 0;
  const own = (plan?.attachments ?? []).map((attachment): ParentStatus => {
    const before = current.find(
      (one) => one.controllerName === controllerName && sameParent(one.parentRef, attachment.parentRef),
    );
    const verdicts = [
      { type: "Accepted", good: "Accepted", problem: plan?.unsupported ?? attachment.refused },
      { type: "ResolvedRefs", good: "ResolvedRefs", problem: plan?.unresolved },
      // What GKE writes once its load balancer serves the route; Gateway API has no condition for it.
      {
        type: "Reconciled",
        good: "ReconciliationSucceeded",
        problem: notReconciled(attachment, plan?.unsupported, outcome),
      },
    ];
    return {
      parentRef: attachment.parentRef,
      controllerName,
      conditions: conditions(verdicts, generation, before?.conditions, now),
    };
  });
  return [...current.filter((one) => one.controllerName !== controllerName), ...own];
}

/** Why Envoy does not serve the route for this parent; undefined where its admin shows that it does. */
export function notReconciled(
  attachment: Attachment,
  unsupported: Problem | undefined,
  outcome: Outcome,
): Problem | undefined {
  const failed = (message: string): Problem => ({ reason: "ReconciliationFailed", message });
  const refused = unsupported ?? attachment.refused;
  if (refused !== undefined) return failed(refused.message);
  const configs = configsOf(attachment);
  if (configs.length === 0) {
    const homeless = attachment.listeners.find(({ plan }) => plan.homeless !== undefined)?.plan.homeless;
    return failed(homeless?.message ?? "none of its listeners is valid");
  }
  const sockets = attachment.listeners.map(({ plan }) => listenerName(plan.gateway, plan.listener.port));
  const message =
    configs.map((name) => outcome.routes.get(name)?.message).find((text) => text !== undefined) ??
    sockets.map((name) => outcome.listeners.get(name)).find((text) => text !== undefined);
  return message === undefined ? undefined : failed(`Envoy: ${message}`);
}

function sameParent(a: ParentRef, b: ParentRef): boolean {
  return (
    a.name === b.name && a.namespace === b.namespace && a.sectionName === b.sectionName && a.port === b.port
  );
}
