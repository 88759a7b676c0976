import type { ObservedPart } from "../plan/observed";
import { permitted, type ClusterReader, type LiveObject } from "./cluster-reader";
import { selectorOf, selectsPodsOf, type Labels } from "./selectors";

/*
 * What a pool of others cannot serve without: its model servers' workloads, its picker with what the picker's pods
 * name, and what tells the load balancer how to check and wait for it. Found as Kubernetes finds it: through the pool's
 * selector, its endpointPickerRef, and the policies' targetRef. Names only: no Secret is read.
 */

interface PickerRef {
  group?: string;
  kind?: string;
  name: string;
}

interface PodSpec {
  serviceAccountName?: string;
  volumes?: {
    configMap?: { name?: string };
    secret?: { secretName?: string };
    projected?: { sources?: { configMap?: { name?: string }; secret?: { name?: string } }[] };
  }[];
  containers?: Container[];
  initContainers?: Container[];
}

interface Container {
  env?: { valueFrom?: { configMapKeyRef?: { name?: string }; secretKeyRef?: { name?: string } } }[];
  envFrom?: { configMapRef?: { name?: string }; secretRef?: { name?: string } }[];
}

interface Binding {
  roleRef?: { kind?: string; name?: string };
  subjects?: { kind?: string; name?: string; namespace?: string }[];
}

const resources: Readonly<Record<string, string>> = {
  Deployment: "deployments",
  StatefulSet: "statefulsets",
  LeaderWorkerSet: "leaderworkersets",
};

/** @param workloads everything in the pool's namespace that makes pods, with its kind. */
export async function partsBehind(
  reader: ClusterReader,
  pool: LiveObject,
  namespace: string,
  workloads: readonly LiveObject[],
): Promise<ObservedPart[]> {
  const servers = workloads.filter((workload) => selectsPodsOf(selectorOf(pool), workload));
  const [picker, policies] = await Promise.all([
    pickerParts(reader, pool, namespace, workloads),
    policiesOf(reader, pool, namespace),
  ]);
  const parts = [...servers.map(partOf(namespace)), ...picker, ...policies];
  // In one order and each once: they become part of a policy, which must not change by itself.
  const byKey = new Map(parts.map((part) => [`${part.resource}/${part.namespace ?? ""}/${part.name}`, part]));
  return [...byKey].sort(([a], [b]) => a.localeCompare(b)).map(([, part]) => part);
}

const partOf =
  (namespace: string) =>
  ({ kind = "", metadata }: LiveObject): ObservedPart => ({
    resource: resources[kind] ?? kind,
    namespace,
    name: metadata.name,
  });

/**
 * Policies of GKE's load balancer that target the pool. Without its HealthCheckPolicy the load balancer asks a path that
 * a model server does not have, and takes every pod out; without its GCPBackendPolicy it cuts answers after 30 s.
 */
async function policiesOf(
  reader: ClusterReader,
  { metadata }: LiveObject,
  namespace: string,
): Promise<ObservedPart[]> {
  const found = await Promise.all(
    ["healthcheckpolicies", "gcpbackendpolicies"].map(async (resource) => {
      const path = `/apis/${gkePolicies}/v1/namespaces/${namespace}/${resource}`;
      const policies = await permitted(() => reader.list(path), []);
      return policies
        .filter(targets(metadata.name))
        .map((policy) => ({ resource, namespace, name: policy.metadata.name }));
    }),
  );
  return found.flat();
}

const gkePolicies = "networking.gke.io";

/** A policy targets what is in its own namespace. */
const targets =
  (pool: string) =>
  (policy: LiveObject): boolean => {
    const { targetRef } = (policy["spec"] ?? {}) as { targetRef?: { kind?: string; name?: string } };
    return targetRef?.kind === "InferencePool" && targetRef.name === pool;
  };

async function pickerParts(
  reader: ClusterReader,
  pool: LiveObject,
  namespace: string,
  workloads: readonly LiveObject[],
): Promise<ObservedPart[]> {
  const ref = (pool["spec"] as { endpointPickerRef?: PickerRef } | undefined)?.endpointPickerRef;
  if (ref === undefined || (ref.kind ?? "Service") !== "Service" || (ref.group ?? "") !== "") return [];
  const service = await permitted(
    () => reader.get(`/api/v1/namespaces/${namespace}/services/${ref.name}`),
    undefined,
  );
  if (service === undefined) return [];
  const selector = (service["spec"] as { selector?: Labels } | undefined)?.selector ?? {};
  const pickers = workloads.filter((workload) => selectsPodsOf(selector, workload));
  const accounts = [...new Set(pickers.map((picker) => podSpecOf(picker).serviceAccountName ?? "default"))];
  return [
    { resource: "services", namespace, name: ref.name },
    ...pickers.map(partOf(namespace)),
    ...pickers.flatMap((picker) => namedIn(podSpecOf(picker), namespace)),
    ...(accounts.length === 0 ? [] : await rightsOf(reader, namespace, accounts)),
  ];
}

const podSpecOf = (workload: LiveObject): PodSpec =>
  (workload["spec"] as { template?: { spec?: PodSpec } } | undefined)?.template?.spec ?? {};

/** What pods name and cannot start without. The account "default" is made by the cluster itself. */
function namedIn({ serviceAccountName, volumes = [], ...spec }: PodSpec, namespace: string): ObservedPart[] {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const env = containers.flatMap((container) => container.env ?? []).map(({ valueFrom }) => valueFrom);
  const envFrom = containers.flatMap((container) => container.envFrom ?? []);
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? []);
  const configMaps = [
    ...volumes.map(({ configMap }) => configMap?.name),
    ...sources.map(({ configMap }) => configMap?.name),
    ...env.map((from) => from?.configMapKeyRef?.name),
    ...envFrom.map(({ configMapRef }) => configMapRef?.name),
  ];
  const secrets = [
    ...volumes.map(({ secret }) => secret?.secretName),
    ...sources.map(({ secret }) => secret?.name),
    ...env.map((from) => from?.secretKeyRef?.name),
    ...envFrom.map(({ secretRef }) => secretRef?.name),
  ];
  const named = (resource: string, names: readonly (string | undefined)[]): ObservedPart[] =>
    names.flatMap((name) => (name === undefined ? [] : [{ resource, namespace, name }]));
  return [
    ...named("serviceaccounts", [serviceAccountName === "default" ? undefined : serviceAccountName]),
    ...named("configmaps", configMaps),
    ...named("secrets", secrets),
  ];
}

/** Roles and bindings by which the pickers' accounts read pods and pools. */
async function rightsOf(
  reader: ClusterReader,
  namespace: string,
  accounts: readonly string[],
): Promise<ObservedPart[]> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const [inside, wide] = await Promise.all([
    permitted(() => reader.list(`${rbac}/namespaces/${namespace}/rolebindings`), []),
    permitted(() => reader.list(`${rbac}/clusterrolebindings`), []),
  ]);
  const binds = (object: LiveObject): boolean =>
    ((object as Binding & LiveObject).subjects ?? []).some(
      (subject) =>
        subject.kind === "ServiceAccount" &&
        (subject.namespace ?? namespace) === namespace &&
        accounts.includes(subject.name ?? ""),
    );
  const roleOf = (object: LiveObject): ObservedPart[] => {
    const { kind, name } = (object as Binding & LiveObject).roleRef ?? {};
    // Roles that come with the cluster are nobody's to delete.
    if (name === undefined || name.startsWith("system:") || builtIn.has(name)) return [];
    return kind === "ClusterRole"
      ? [{ resource: "clusterroles", name }]
      : [{ resource: "roles", namespace, name }];
  };
  return [
    ...inside
      .filter(binds)
      .flatMap((one) => [{ resource: "rolebindings", namespace, name: one.metadata.name }, ...roleOf(one)]),
    ...wide
      .filter(binds)
      .flatMap((one) => [{ resource: "clusterrolebindings", name: one.metadata.name }, ...roleOf(one)]),
  ];
}

const builtIn: ReadonlySet<string> = new Set(["cluster-admin", "admin", "edit", "view"]);
