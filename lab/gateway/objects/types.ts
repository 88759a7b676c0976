/**
 * The parts of the API objects that the gateway reads, as the API server serves them. Optional is what the API
 * server may leave out; what its defaults always fill in is still optional where a hand-written test leaves it out.
 */

export interface Meta {
  name: string;
  /** Empty for cluster-wide objects. */
  namespace?: string;
  uid?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  resourceVersion?: string;
  labels?: Readonly<Record<string, string>>;
}

export interface ApiObject<Spec = unknown, Status = unknown> {
  apiVersion?: string;
  kind?: string;
  metadata: Meta;
  spec: Spec;
  status?: Status;
}

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  observedGeneration?: number;
  lastTransitionTime: string;
}

export interface ParentRef {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  sectionName?: string;
  port?: number;
}

export type GatewayClass = ApiObject<{ controllerName: string }, { conditions?: Condition[] }>;

export interface Listener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  tls?: { mode?: string; certificateRefs?: readonly ObjectRef[] };
  allowedRoutes?: {
    namespaces?: { from?: string; selector?: LabelSelector };
    kinds?: readonly { group?: string; kind: string }[];
  };
}

export interface ObjectRef {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
}

export interface LabelSelector {
  matchLabels?: Readonly<Record<string, string>>;
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}

export interface ListenerStatus {
  name: string;
  supportedKinds: { group: string; kind: string }[];
  attachedRoutes: number;
  conditions: Condition[];
}

export interface GatewayStatus {
  addresses?: { type?: string; value: string }[];
  conditions?: Condition[];
  listeners?: ListenerStatus[];
}

export interface GatewaySpec {
  gatewayClassName: string;
  listeners: readonly Listener[];
  addresses?: readonly { type?: string; value?: string }[];
  infrastructure?: { parametersRef?: ObjectRef };
  tls?: { frontend?: unknown; backend?: unknown };
}

export type Gateway = ApiObject<GatewaySpec, GatewayStatus>;

export interface StringMatch {
  type?: string;
  name: string;
  value: string;
}

export interface RouteMatch {
  path?: { type?: string; value?: string };
  headers?: readonly StringMatch[];
  queryParams?: readonly StringMatch[];
  method?: string;
}

export interface HeaderChange {
  set?: readonly { name: string; value: string }[];
  add?: readonly { name: string; value: string }[];
  remove?: readonly string[];
}

export interface Redirect {
  scheme?: string;
  hostname?: string;
  port?: number;
  statusCode?: number;
  path?: { type: string; replaceFullPath?: string; replacePrefixMatch?: string };
}

export interface RouteFilter {
  type: string;
  requestHeaderModifier?: HeaderChange;
  responseHeaderModifier?: HeaderChange;
  requestRedirect?: Redirect;
}

export interface BackendRef extends ObjectRef {
  port?: number;
  /** Absent is 1; only the ratio to the sum counts. */
  weight?: number;
  filters?: readonly RouteFilter[];
}

export interface RouteRule {
  name?: string;
  matches?: readonly RouteMatch[];
  filters?: readonly RouteFilter[];
  backendRefs?: readonly BackendRef[];
  timeouts?: { request?: string; backendRequest?: string };
  retry?: unknown;
  sessionPersistence?: unknown;
}

export interface ParentStatus {
  parentRef: ParentRef;
  controllerName?: string;
  conditions?: Condition[];
}

export type HTTPRoute = ApiObject<
  { parentRefs?: readonly ParentRef[]; hostnames?: readonly string[]; rules?: readonly RouteRule[] },
  { parents?: ParentStatus[] }
>;

export type InferencePool = ApiObject<
  {
    selector: { matchLabels: Readonly<Record<string, string>> };
    targetPorts: readonly { number: number }[];
    appProtocol?: string;
    endpointPickerRef?: {
      group?: string;
      kind?: string;
      name: string;
      port?: { number: number };
      failureMode?: string;
    };
  },
  { parents?: ParentStatus[] }
>;

export type ReferenceGrant = ApiObject<{
  from: readonly { group: string; kind: string; namespace: string }[];
  to: readonly { group: string; kind: string; name?: string }[];
}>;

export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  protocol?: string;
  appProtocol?: string;
}

export type Service = ApiObject<{
  selector?: Readonly<Record<string, string>>;
  ports?: readonly ServicePort[];
}>;

export interface Container {
  args?: readonly string[];
  command?: readonly string[];
  ports?: readonly { name?: string; containerPort: number }[];
}

export type Pod = ApiObject<
  { containers: readonly Container[] },
  { podIP?: string; conditions?: readonly { type: string; status: string }[] }
>;

export type Namespace = ApiObject;

export interface Secret {
  metadata: Meta;
  type?: string;
  data?: Readonly<Record<string, string>>;
}

export const gatewayGroup = "gateway.networking.k8s.io";
export const poolGroup = "inference.networking.k8s.io";

/** `namespace/name`: names an object within its kind. */
export function keyOf(object: { metadata: Meta }): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}
