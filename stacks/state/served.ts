import type { GatewayKind, PolicyKind } from "../../components/gateways/gateway";
import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";
import { definitionNames, type DefinitionName } from "../../components/definitions/inference-definitions";
import { apis, labels, managedBy } from "../../components/names";
import { collectorNamespaces } from "../../components/pool/pool-monitoring";
import type { ClusterKinds } from "../../components/pool/serving-pool";
import type { ObservedCluster } from "../plan/observed";
import type { ClusterReader, LiveObject } from "./cluster-reader";

/** What the cluster's API server serves beyond Kubernetes itself, as far as this program has a use for it. */
export interface Served extends Required<ClusterKinds> {
  /** Extensions in the path of the traffic: GCPTrafficExtension (Model Armor). */
  trafficExtensions: boolean;
  /** LeaderWorkerSet, for replicas that are groups of pods. */
  groups: boolean;
  /** What the plan needs to know of it; absent: the cluster is still to be created. */
  cluster?: Required<Pick<ObservedCluster, "customMetrics">> & Pick<ObservedCluster, "version">;
}

/** A cluster that this stack is about to make: what GKE brings. */
export const newCluster: Served = {
  gatewayPolicies: true,
  trafficExtensions: true,
  podMonitoring: true,
  collectorNamespace: collectorNamespaces.standard,
  groups: false,
};

/** Asks the API server's discovery, which everybody who is known to the cluster may read. */
export async function readServed(
  reader: ClusterReader,
  gateway: Pick<GatewayKind, "policyKinds"> = defaultGatewayKind,
): Promise<Served> {
  const apis = [...new Set(gateway.policyKinds.map(({ apiVersion }) => apiVersion))];
  const [version, collectorNamespace, metrics, monitoring, groups, ...found] = await Promise.all([
    versionOf(reader),
    collectorIn(reader),
    reader.get("/apis/custom.metrics.k8s.io"),
    kindsOf(reader, "monitoring.googleapis.com/v1"),
    kindsOf(reader, "leaderworkerset.x-k8s.io/v1"),
    ...apis.map((api) => kindsOf(reader, api)),
  ]);
  const serves = (about: PolicyKind["about"]): boolean =>
    gateway.policyKinds
      .filter((policy) => policy.about === about)
      .every(({ apiVersion, kind }) => found[apis.indexOf(apiVersion)]?.has(kind) === true);
  return {
    gatewayPolicies: serves("pool"),
    trafficExtensions: serves("extension"),
    podMonitoring: monitoring.has("PodMonitoring"),
    collectorNamespace,
    groups: groups.has("LeaderWorkerSet"),
    cluster: {
      customMetrics: metrics !== undefined,
      ...(version === undefined ? {} : { version }),
    },
  };
}

/** As 1.34.1-gke.1829001; undefined if the cluster does not report it. */
async function versionOf(reader: ClusterReader): Promise<string | undefined> {
  const found = (await reader.get("/version").catch(() => undefined)) as
    (LiveObject & { gitVersion?: string }) | undefined;
  return found?.gitVersion?.replace(/^v/, "");
}

/** Autopilot has its collector elsewhere. Who may not read namespaces gets the usual one. */
async function collectorIn(reader: ClusterReader): Promise<string> {
  const { standard, autopilot } = collectorNamespaces;
  const found = await reader.get(`/api/v1/namespaces/${autopilot}`).catch(() => undefined);
  return found === undefined ? standard : autopilot;
}

async function kindsOf(reader: ClusterReader, groupVersion: string): Promise<ReadonlySet<string>> {
  const found = (await reader.get(`/apis/${groupVersion}`)) as
    (LiveObject & { resources?: { kind: string }[] }) | undefined;
  return new Set((found?.resources ?? []).map(({ kind }) => kind));
}

const definitionPath = (name: string): string =>
  `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;

/** The live CRDs of the inference extension, by name; undefined where the cluster has none. */
export async function readDefinitions(
  reader: ClusterReader,
): Promise<ReadonlyMap<DefinitionName, LiveObject | undefined>> {
  const found = await Promise.all(
    definitionNames.map(async (name) => [name, await reader.get(definitionPath(name))] as const),
  );
  return new Map(found);
}

/**
 * Which CRDs to install: those that the cluster lacks and those that this stack installed before; never one that GKE
 * or somebody else put there, because two owners would undo each other's version.
 * @param isOwn whether a live one that this program made is this stack's.
 * @param age of the cluster: into a new one GKE is about to put InferencePool by itself, if it has not yet.
 */
export function definitionsToInstall(
  live: ReadonlyMap<DefinitionName, LiveObject | undefined>,
  isOwn: (definition: LiveObject) => boolean,
  age: "new" | "existing",
): DefinitionName[] {
  return definitionNames
    .filter((name) => age === "existing" || !name.endsWith(`.${apis.pool}`))
    .filter((name) => {
      const found = live.get(name);
      return found === undefined || (found.metadata.labels?.[labels.managedBy] === managedBy && isOwn(found));
    });
}
