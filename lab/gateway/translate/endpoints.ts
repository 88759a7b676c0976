import type { PodFacts } from "../objects/facts";
import { type Snapshot, find } from "../objects/snapshot";
import type { InferencePool, Service, ServicePort } from "../objects/types";

export interface Endpoint {
  address: string;
  port: number;
  /** Whether TLS is to be spoken; only pickers do. */
  tls: boolean;
}

/** Names an endpoint wherever endpoints are compared. */
export function endpointKey({ address, port, tls }: Endpoint): string {
  return `${address}:${port}${tls ? "/tls" : ""}`;
}

/** Pods with these labels that may get new requests. No labels select nothing. */
function servingPods(
  snapshot: Snapshot,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
): PodFacts[] {
  const desired = Object.entries(labels ?? {});
  if (desired.length === 0) return [];
  return snapshot.pods.filter(
    (pod) =>
      pod.serving &&
      pod.namespace === namespace &&
      desired.every(([key, value]) => pod.labels[key] === value),
  );
}

/** The pool's ready pods on its first target port: where requests go that no picker decides about. */
function poolEndpoints(pool: InferencePool, snapshot: Snapshot): Endpoint[] {
  const port = pool.spec.targetPorts[0]?.number;
  if (port === undefined) return [];
  const pods = servingPods(snapshot, pool.metadata.namespace ?? "", pool.spec.selector.matchLabels);
  return inOrder(pods.map((pod) => ({ address: pod.ip ?? "", port, tls: false })));
}

/** The ready pods behind one port of a Service: the lab has no EndpointSlices, so its selector is followed. */
export function serviceEndpoints(
  service: Service,
  servicePort: ServicePort,
  snapshot: Snapshot,
  speaksTls: (pod: PodFacts) => boolean = () => false,
): Endpoint[] {
  const target = servicePort.targetPort ?? servicePort.port;
  const pods = servingPods(snapshot, service.metadata.namespace ?? "", service.spec.selector);
  return inOrder(
    pods.flatMap((pod) => {
      const port = typeof target === "number" ? target : pod.ports[target];
      return port === undefined ? [] : [{ address: pod.ip ?? "", port, tls: speaksTls(pod) }];
    }),
  );
}

interface PickerRef {
  /** Why the pool's picker cannot be found; absent where it can, whether or not it runs. */
  problem?: string;
  endpoints: Endpoint[];
}

/** Where a pool's endpoint picker is: the ready pods of the Service that the pool names. */
function pickerOf(pool: InferencePool, snapshot: Snapshot): PickerRef {
  const ref = pool.spec.endpointPickerRef;
  const namespace = pool.metadata.namespace ?? "";
  if (ref === undefined) return { endpoints: [] };
  if ((ref.group ?? "") !== "" || (ref.kind ?? "Service") !== "Service") {
    return {
      problem: `endpointPickerRef refers to a ${ref.kind ?? ""}, but a picker must be a Service`,
      endpoints: [],
    };
  }
  const service = find(snapshot.services, namespace, ref.name);
  if (service === undefined) {
    return { problem: `the picker's Service ${namespace}/${ref.name} does not exist`, endpoints: [] };
  }
  const port = service.spec.ports?.find((one) => one.port === ref.port?.number);
  if (port === undefined) {
    return {
      problem: `Service ${namespace}/${ref.name} has no port ${ref.port?.number ?? ""}`,
      endpoints: [],
    };
  }
  return { endpoints: serviceEndpoints(service, port, snapshot, (pod) => pod.secureServing) };
}

function inOrder(endpoints: Endpoint[]): Endpoint[] {
  return endpoints.sort((a, b) => (endpointKey(a) < endpointKey(b) ? -1 : 1));
}

/**
 * How a pool's share of the traffic is served. `picker`: the picker chooses the pod. `direct`: round robin over
 * the ready pods, because the picker is away and the pool fails open. `closed`: errors, because it fails closed.
 */
export type PoolMode = "picker" | "direct" | "closed";

export interface PoolPlan {
  pool: InferencePool;
  /** Why the reference to the picker is not valid. */
  problem?: string;
  mode: PoolMode;
  /** Pickers that answer. */
  pickers: readonly Endpoint[];
  /** Pickers that are ready by their pod's status, whether or not they answer. */
  candidates: readonly Endpoint[];
  /** Ready pods of the pool. */
  pods: readonly Endpoint[];
}

/** `answers` tells whether something speaks HTTP/2 at a picker's endpoint now. */
export function planPool(
  pool: InferencePool,
  snapshot: Snapshot,
  answers: (endpoint: string) => boolean,
): PoolPlan {
  const { endpoints, problem } = pickerOf(pool, snapshot);
  const pickers = endpoints.filter((endpoint) => answers(endpointKey(endpoint)));
  const ref = pool.spec.endpointPickerRef;
  const whenAway = ref === undefined || ref.failureMode === "FailOpen" ? "direct" : "closed";
  return {
    pool,
    mode: pickers.length > 0 ? "picker" : whenAway,
    pickers,
    candidates: endpoints,
    pods: poolEndpoints(pool, snapshot),
    ...(problem !== undefined && { problem }),
  };
}
