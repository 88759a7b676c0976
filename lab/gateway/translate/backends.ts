import type { PoolPlan } from "./endpoints";
import { find, isGranted, type Snapshot } from "../objects/snapshot";
import {
  keyOf,
  poolGroup,
  type BackendRef,
  type HTTPRoute,
  type Service,
  type ServicePort,
} from "../objects/types";
import type { Problem } from "./listeners";

/** One backendRef, resolved. `weight` is as given, 1 where it is absent. */
export type Backend = { ref: BackendRef; weight: number } & (
  | { kind: "pool"; plan: PoolPlan; problem?: Problem }
  | { kind: "service"; service: Service; port: ServicePort; h2c: boolean }
  | { kind: "unresolved"; problem: Problem }
);

/** What a backendRef of `route` leads to. `poolPlan` plans a pool when a route first names it. */
export function resolveBackend(
  route: HTTPRoute,
  ref: BackendRef,
  snapshot: Snapshot,
  poolPlan: (pool: PoolPlan["pool"]) => PoolPlan,
): Backend {
  const base = { ref, weight: ref.weight ?? 1 };
  const unresolved = (reason: string, message: string): Backend => ({
    ...base,
    kind: "unresolved",
    problem: { reason, message },
  });
  const own = route.metadata.namespace ?? "";
  const to = {
    group: ref.group ?? "",
    kind: ref.kind ?? "Service",
    namespace: ref.namespace ?? own,
    name: ref.name,
  };
  const isPool = to.group === poolGroup && to.kind === "InferencePool";
  const isService = to.group === "" && to.kind === "Service";
  const called = `${to.kind} ${to.namespace}/${to.name}`;
  if (!isPool && !isService) {
    return unresolved(
      "InvalidKind",
      `a backend is a Service or an InferencePool of ${poolGroup}, not ${to.kind}`,
    );
  }
  if (!isGranted(snapshot, { kind: "HTTPRoute", namespace: own }, to)) {
    return unresolved(
      "RefNotPermitted",
      `no ReferenceGrant in ${to.namespace} allows HTTPRoutes from ${own} to use ${called}`,
    );
  }
  if (isPool) {
    const pool = find(snapshot.pools, to.namespace, to.name);
    if (pool === undefined) return unresolved("BackendNotFound", `${called} does not exist`);
    const plan = poolPlan(pool);
    // The share is still served as the pool's failureMode says; conformance wants the route to tell.
    return plan.problem === undefined
      ? { ...base, kind: "pool", plan }
      : {
          ...base,
          kind: "pool",
          plan,
          problem: { reason: "BackendNotFound", message: `InferencePool ${keyOf(pool)}: ${plan.problem}` },
        };
  }
  const service = find(snapshot.services, to.namespace, to.name);
  if (service === undefined) return unresolved("BackendNotFound", `${called} does not exist`);
  const port = service.spec.ports?.find((one) => one.port === ref.port);
  if (port === undefined)
    return unresolved("BackendNotFound", `${called} has no port ${ref.port ?? "(none given)"}`);
  if (Object.keys(service.spec.selector ?? {}).length === 0) {
    return unresolved("BackendNotFound", `${called} has no selector, and the lab has no EndpointSlices`);
  }
  const { appProtocol } = port;
  if (appProtocol !== undefined && !["http", "kubernetes.io/h2c", "kubernetes.io/ws"].includes(appProtocol)) {
    return unresolved("UnsupportedProtocol", `${called}: appProtocol ${appProtocol}`);
  }
  return { ...base, kind: "service", service, port, h2c: appProtocol === "kubernetes.io/h2c" };
}

/** Why a backend makes the route's ResolvedRefs false; undefined where it does not. */
export function problemOf(backend: Backend): Problem | undefined {
  return backend.kind === "service" ? undefined : backend.problem;
}
