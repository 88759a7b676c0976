import type { PolicyKind } from "../../components/gateways/gateway";
import { gatewayKinds } from "../../components/gateways/gateway-kinds";
import { ownerOn, type OwnedObject } from "../plan/claims";
import { annotations, apis, labels, managedBy } from "../../components/names";
import { ClusterUnreadable, permitted, type ClusterReader, type LiveObject } from "./cluster-reader";

/*
 * Everything that this program has made in a cluster, for whichever stack: found by its label. Secrets are not listed,
 * because who may list them may read them: they are looked at one by one.
 */

interface Kind {
  group: string;
  version: string;
  plural: string;
  kind: string;
}

const kind = (group: string, version: string, plural: string, name: string): Kind => ({
  group,
  version,
  plural,
  kind: name,
});

/** A policy that a kind of gateway reads. */
function policyKind({ apiVersion, plural, kind: name }: PolicyKind): Kind {
  const [group = "", version = ""] = apiVersion.split("/");
  return kind(group, version, plural, name);
}

const namespaced: readonly Kind[] = [
  kind("", "v1", "services", "Service"),
  kind("", "v1", "configmaps", "ConfigMap"),
  kind("", "v1", "serviceaccounts", "ServiceAccount"),
  kind("apps", "v1", "deployments", "Deployment"),
  kind("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", "LeaderWorkerSet"),
  kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
  kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
  kind("rbac.authorization.k8s.io", "v1", "roles", "Role"),
  kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
  kind(apis.gateway, "v1", "gateways", "Gateway"),
  kind(apis.gateway, "v1", "httproutes", "HTTPRoute"),
  kind(apis.gateway, "v1beta1", "referencegrants", "ReferenceGrant"),
  kind(apis.pool, "v1", "inferencepools", "InferencePool"),
  kind(apis.extension, "v1alpha2", "inferenceobjectives", "InferenceObjective"),
  kind(apis.extension, "v1alpha2", "inferencemodelrewrites", "InferenceModelRewrite"),
  ...gatewayKinds.flatMap(({ policyKinds }) => policyKinds.map(policyKind)),
  kind("monitoring.googleapis.com", "v1", "podmonitorings", "PodMonitoring"),
];

const clusterWide: readonly Kind[] = [
  kind("", "v1", "namespaces", "Namespace"),
  kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole"),
  kind("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding"),
  kind("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
  kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
  ),
  kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"),
];

/** Group and kind of everything that is looked for. A test holds it to what the components render. */
export const inventoried: readonly Pick<Kind, "group" | "kind">[] = [
  ...namespaced,
  ...clusterWide,
  { group: "", kind: "Secret" },
];

const selector = `labelSelector=${encodeURIComponent(`${labels.managedBy}=${managedBy}`)}`;
/** A customers' route created outside this stack keeps its own word for who manages it. */
const routeSelector = `labelSelector=${encodeURIComponent(labels.service)}`;

const pathOf = ({ group, version, plural }: Kind, namespace?: string): string => {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${plural}`;
};

/**
 * Path of one object that the program makes, by its kind and its id in the state (NAMESPACE/NAME, or NAME).
 * @returns undefined for a kind that the program does not make.
 */
export function livePath(what: Pick<Kind, "group" | "kind">, id: string): string | undefined {
  const found = [...namespaced, ...clusterWide].find(
    ({ group, kind: name }) => group === what.group && name === what.kind,
  );
  const [first = "", second] = id.split("/");
  if (found === undefined) return undefined;
  return second === undefined ? `${pathOf(found)}/${first}` : `${pathOf(found, first)}/${second}`;
}

/** Where to look. */
export interface Places {
  namespaces: readonly string[];
  /** Whether to look into a namespace that this program made, too. Default: into none. */
  made?: (namespace: OwnedObject) => boolean;
  /** Secrets to look at, by what was found of all else. Default: none. */
  secrets?: (found: readonly OwnedObject[]) => readonly { namespace: string; name: string }[];
}

/**
 * @param unread told of a kind that could not be listed and that no update depends on: going back must not wait for
 * the conversion webhook of somebody's CRD. What this stack's state has lost of it is then not adopted.
 */
export async function inventory(
  reader: ClusterReader,
  { namespaces, made = () => false, secrets = () => [] }: Places,
  unread: (what: string) => void = () => undefined,
): Promise<OwnedObject[]> {
  const wide = (await Promise.all(clusterWide.map((one) => listed(reader, one, unread)))).flat();
  const own = wide.filter((object) => object.kind === "Namespace" && made(object)).map(({ name }) => name);
  const places = [...new Set([...namespaces, ...own])];
  const inside = await Promise.all(
    places.flatMap((namespace) => namespaced.map((one) => listed(reader, one, unread, namespace))),
  );
  const found = [...wide, ...inside.flat()];
  const named = secrets(found).map(({ namespace, name }) => secret(reader, namespace, name));
  return [...found, ...(await Promise.all(named)).flat()];
}

async function listed(
  reader: ClusterReader,
  what: Kind,
  unread: (what: string) => void,
  namespace?: string,
): Promise<OwnedObject[]> {
  let objects: LiveObject[] = [];
  try {
    objects = await permitted(
      () => reader.list(`${pathOf(what, namespace)}?${what.kind === "HTTPRoute" ? routeSelector : selector}`),
      [],
    );
  } catch (error) {
    if (!(error instanceof ClusterUnreadable) || essential.has(what.kind)) throw error;
    unread(`${what.kind}s cannot be listed (${error.message})`);
  }
  return objects.filter(isMarked).map((object) => ownedObject(object, what));
}

/** What carries traffic, and where it is. */
const essential: ReadonlySet<string> = new Set(["HTTPRoute", "InferencePool", "Namespace"]);

/** A Secret of ours says so by its service's label. */
async function secret(reader: ClusterReader, namespace: string, name: string): Promise<OwnedObject[]> {
  const found = await permitted(
    () => reader.get(`/api/v1/namespaces/${namespace}/secrets/${name}`),
    undefined,
  );
  return found?.metadata.labels?.[labels.service] === undefined
    ? []
    : [ownedObject(found, { group: "", kind: "Secret" })];
}

const isMarked = ({ metadata }: LiveObject): boolean =>
  (metadata.labels?.[labels.managedBy] === managedBy ||
    metadata.annotations?.[annotations.shape] !== undefined) &&
  metadata.deletionTimestamp === undefined;

export function ownedObject(
  { metadata }: LiveObject,
  { group, kind: name }: Pick<Kind, "group" | "kind">,
): OwnedObject {
  const { namespace, labels: tags = {} } = metadata;
  const owner = ownerOn(metadata);
  const [service, pool, stackLabel] = [tags[labels.service], tags[labels.pool], tags[labels.stack]];
  return {
    group,
    kind: name,
    ...(namespace === undefined ? {} : { namespace }),
    name: metadata.name,
    ...(service === undefined ? {} : { service }),
    ...(pool === undefined ? {} : { pool }),
    ...(stackLabel === undefined ? {} : { stackLabel }),
    ...(owner === undefined ? {} : { owner }),
    managers: appliersOf(metadata),
  };
}

/** The Kubernetes provider gives every resource a field manager of its own, by this beginning of its name. */
const providerPrefix = "pulumi-kubernetes-";

function appliersOf({ managedFields = [] }: LiveObject["metadata"]): string[] {
  const names = managedFields.map(({ manager }) => manager ?? "");
  return [...new Set(names.filter((manager) => manager.startsWith(providerPrefix)))];
}
