import type { PodFacts, SecretFacts } from "./facts";
import {
  gatewayGroup,
  type Gateway,
  type GatewayClass,
  type HTTPRoute,
  type InferencePool,
  type Namespace,
  type ReferenceGrant,
  type Service,
} from "./types";

/** Everything the API server told us, at one moment. Translation depends on nothing else of the cluster. */
export interface Snapshot {
  controllerName: string;
  classes: readonly GatewayClass[];
  gateways: readonly Gateway[];
  routes: readonly HTTPRoute[];
  pools: readonly InferencePool[];
  grants: readonly ReferenceGrant[];
  services: readonly Service[];
  pods: readonly PodFacts[];
  secrets: readonly SecretFacts[];
  namespaces: readonly Namespace[];
}

/** Gateways whose class names our controller, the oldest first. */
export function ourGateways(snapshot: Snapshot): Gateway[] {
  const classes = new Set(
    snapshot.classes
      .filter(({ spec }) => spec.controllerName === snapshot.controllerName)
      .map(({ metadata }) => metadata.name),
  );
  return snapshot.gateways.filter(({ spec }) => classes.has(spec.gatewayClassName)).sort(byAge);
}

/** Oldest first, and by `namespace/name` among those of the same second. */
export function byAge(a: Aged, b: Aged): number {
  const created = (one: Aged): string => one.metadata.creationTimestamp ?? "";
  const name = (one: Aged): string => `${one.metadata.namespace ?? ""}/${one.metadata.name}`;
  return compare(created(a), created(b)) || compare(name(a), name(b));
}

type Aged = Pick<HTTPRoute, "metadata">;

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function find<T extends Aged>(objects: readonly T[], namespace: string, name: string): T | undefined {
  return objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
}

/** Whether `from` (a kind of Gateway API's group in a namespace) may refer to an object of another namespace. */
export function isGranted(
  snapshot: Snapshot,
  from: { kind: string; namespace: string },
  to: { group: string; kind: string; namespace: string; name: string },
): boolean {
  if (from.namespace === to.namespace) return true;
  return snapshot.grants.some(
    ({ metadata, spec }) =>
      metadata.namespace === to.namespace &&
      spec.from.some(
        (one) => one.group === gatewayGroup && one.kind === from.kind && one.namespace === from.namespace,
      ) &&
      spec.to.some(
        (one) =>
          one.group === to.group &&
          one.kind === to.kind &&
          (one.name === undefined || one.name === "" || one.name === to.name),
      ),
  );
}
