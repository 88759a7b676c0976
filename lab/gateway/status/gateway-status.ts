import type { Outcome } from "../envoy/apply";
import { listenerName } from "../envoy/names";
import type { Condition, Gateway, GatewayClass, GatewayStatus, ListenerStatus } from "../objects/types";
import type { Placed } from "../placement";
import type { GatewayPlan } from "../translate/attachment";
import { isUsable, isValid, type ListenerPlan, type Problem } from "../translate/listeners";
import type { RoutePlan } from "../translate/plan";
import { conditions, type Verdict } from "./conditions";

export function classStatus(object: GatewayClass, now: string): { conditions: Condition[] } {
  const verdict = { type: "Accepted", good: "Accepted" };
  return {
    conditions: conditions([verdict], object.metadata.generation ?? 0, object.status?.conditions, now),
  };
}

export function gatewayStatus(
  { gateway, place, listeners }: GatewayPlan,
  routes: readonly RoutePlan[],
  outcome: Outcome,
  current: GatewayStatus | undefined,
  now: string,
): GatewayStatus {
  const generation = gateway.metadata.generation ?? 0;
  const bad = listeners.filter((plan) => !isValid(plan));
  const names = bad.map(({ listener }) => listener.name).join(", ");
  const failed = listeners.find((plan) => isUsable(plan) && notProgrammed(plan, outcome) !== undefined);
  const noneValid = bad.length === listeners.length;
  const refused = refusal(gateway, place) ?? (noneValid ? notValid(`not valid: ${names}`) : undefined);
  const accepted: Verdict = {
    type: "Accepted",
    // Gateway API keeps it true with this reason as long as one listener is valid.
    good: bad.length === 0 ? "Accepted" : "ListenersNotValid",
    problem: refused,
  };
  const programmed: Verdict = {
    type: "Programmed",
    good: "Programmed",
    problem:
      refused !== undefined
        ? { reason: "Invalid", message: `not accepted: ${refused.message}` }
        : "problem" in place
          ? { reason: "AddressNotUsable", message: place.problem.message }
          : failed && { reason: "Invalid", message: notProgrammed(failed, outcome)?.message ?? "" },
  };
  return {
    addresses: "address" in place ? [{ type: "IPAddress", value: place.address }] : [],
    conditions: conditions([accepted, programmed], generation, current?.conditions, now),
    listeners: listeners.map((plan) => {
      const before = current?.listeners?.find(({ name }) => name === plan.listener.name);
      return listenerStatus(plan, routes, outcome, generation, before, now);
    }),
  };
}

function notValid(message: string): Problem {
  return { reason: "ListenersNotValid", message };
}

/** Why the Gateway itself is not accepted, whatever its listeners. */
function refusal({ spec }: Gateway, place: Placed): Problem | undefined {
  if ("problem" in place && place.problem.kind === "unsupported")
    return { reason: "UnsupportedAddress", message: place.problem.message };
  return spec.infrastructure?.parametersRef === undefined
    ? undefined
    : {
        reason: "InvalidParameters",
        message: "spec.infrastructure.parametersRef: the lab's gateways support no parameters",
      };
}

function listenerStatus(
  plan: ListenerPlan,
  routes: readonly RoutePlan[],
  outcome: Outcome,
  generation: number,
  before: ListenerStatus | undefined,
  now: string,
): ListenerStatus {
  const verdicts: Verdict[] = [
    { type: "Accepted", good: "Accepted", problem: plan.refused },
    {
      type: "Programmed",
      good: "Programmed",
      problem: isUsable(plan)
        ? notProgrammed(plan, outcome)
        : { reason: "Invalid", message: plan.homeless?.message ?? "the listener is not valid" },
    },
    { type: "ResolvedRefs", good: "ResolvedRefs", problem: plan.unresolved },
  ];
  const all = conditions(verdicts, generation, before?.conditions, now);
  return {
    name: plan.listener.name,
    supportedKinds: plan.supportedKinds,
    attachedRoutes: routes.filter((route) => isAttached(route, plan)).length,
    conditions: all
      .filter(({ type }) => type !== "Conflicted")
      .concat(conflicted(plan, generation, before, now)),
  };
}

/** The one condition that is true when something is wrong. */
function conflicted(
  plan: ListenerPlan,
  generation: number,
  before: ListenerStatus | undefined,
  now: string,
): Condition {
  const status = plan.conflict === undefined ? "False" : "True";
  const earlier = before?.conditions.find(({ type }) => type === "Conflicted");
  return {
    type: "Conflicted",
    status,
    reason: plan.conflict?.reason ?? "NoConflicts",
    message: plan.conflict?.message ?? "",
    observedGeneration: generation,
    lastTransitionTime: earlier?.status === status ? earlier.lastTransitionTime : now,
  };
}

function notProgrammed({ gateway, listener }: ListenerPlan, outcome: Outcome): Problem | undefined {
  const message = outcome.listeners.get(listenerName(gateway, listener.port));
  return message === undefined ? undefined : { reason: "Invalid", message: `Envoy: ${message}` };
}

function isAttached({ unsupported, attachments }: RoutePlan, plan: ListenerPlan): boolean {
  return (
    unsupported === undefined &&
    attachments.some(({ listeners }) => listeners.some((one) => isSame(one.plan, plan)))
  );
}

function isSame(a: ListenerPlan, b: ListenerPlan): boolean {
  return a.listener.name === b.listener.name && uidOf(a.gateway) === uidOf(b.gateway);
}

function uidOf({ metadata }: Gateway): string {
  return metadata.uid ?? `${metadata.namespace ?? ""}/${metadata.name}`;
}
