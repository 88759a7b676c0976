import type { GatewayConfig } from "../components/gateways/gateway";
import * as container from "@pulumi/gcp/container";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { gkeKubeconfig, InferenceCluster } from "../components/cluster/inference-cluster";
import { imageMirrors, mirrorHosts, type ImageMirrors } from "../components/cluster/mirrored-images";
import { ModelArmorAccess, modelArmorRoles } from "../components/cluster/model-armor-access";
import { UserError } from "./messages/user-error";
import { InferenceDefinitions, type DefinitionName } from "../components/definitions/inference-definitions";
import { InferenceGateway } from "../components/gateways/inference-gateway";
import type { NodeLocation } from "../components/pool/serving-pool";
import { completeGateway, type GivenGateway } from "../components/gateways/endpoint";
import { setCommand } from "./messages/edits";
import type { ClusterConfig, GuardedService } from "./config/cluster-keys";
import type { PlatformConfig } from "./config/resolve";
import type { GkePlace, WantedPlatform } from "./plan/standing";
import type { ServiceConfig } from "./plan/service-config";
import { clusterReader, kubeconfigText, type ClusterReader } from "./state/cluster-reader";
import type { KeptPlatform } from "./state/kept-outputs";
import type { ClusterPlace } from "./state/machine-zones";
import { ownerOf, type Belongs } from "./state/observe";
import { definitionsToInstall, readDefinitions } from "./state/served";
import { defaultRouteName, labels, managedBy } from "../components/names";
import { ClusterRights } from "../components/pool/cluster-rights";
import { MoveGuard } from "../components/route/move-guard";
import { ShapeGuard } from "../components/route/shape-guard";
import { TrafficGuard } from "../components/route/traffic-guard";
import { platformNamespaces, serviceNamespaces, type NamespaceOwners } from "./plan/namespaces";

/** Returns one promise; the first call starts the work. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** What a service needs to know of the platform it runs on: all of it can cross a stack boundary. */
export interface PlatformOutputs {
  kubeconfig: pulumi.Output<string>;
  gateway: GatewayConfig;
  /** Absent where the nodes were created outside this stack. */
  nodes?: NodeLocation;
  /** Where new pools get the images of registries that are mirrored; absent: none is. */
  imageMirrors?: ImageMirrors;
}

export interface Platform extends PlatformOutputs {
  provider: k8s.Provider;
  /** Namespaces that are made with it in this stack. */
  namespaces: readonly string[];
  /** What a service's resources wait for. */
  ready: pulumi.Resource[];
}

/**
 * A reader of the cluster as it is before this update; undefined where the cluster does not exist yet.
 * @throws ClusterUnreadable where it exists and cannot be read: what is deployed is then not known.
 */
async function readerBefore(cluster: ClusterConfig): Promise<ClusterReader | undefined> {
  if (cluster.mode === "kubeconfig") return clusterReader(cluster.kubeconfig);
  const found = await findCluster(cluster);
  if (found === undefined && cluster.authorizedNetworks.length === 0) {
    void pulumi.log.warn(
      `the control plane of cluster ${cluster.name} will be reachable only inside its network: run pulumi there, or add the networks in which pulumi runs (${setCommand("cluster.authorizedNetworks[0]", "203.0.113.7/32")})`,
    );
  }
  return found === undefined ? undefined : clusterReader(found);
}

type GkeCluster = Extract<ClusterConfig, { mode: "create" | "adopt" }>;

/** Kubeconfig of a GKE cluster that exists. */
async function findCluster({ name, location, project, mode }: GkeCluster): Promise<string | undefined> {
  try {
    const found = await container.getCluster({ name, location, project });
    return gkeKubeconfig(name, found.endpoint, found.masterAuths[0]?.clusterCaCertificate ?? "");
  } catch (error) {
    // The provider's data source has no other way to say that there is none.
    if (mode === "create" && /not found|404/i.test((error as Error).message)) return undefined;
    throw error;
  }
}

export interface PlatformOptions {
  /** Who made the namespaces that exist: those of others are used, not made. */
  owners: NamespaceOwners;
  /** Label value of this stack. */
  stack: string;
  /** CRDs of the inference extension that the cluster lacks; undefined: it is still to be made, and asked then. */
  definitions: readonly DefinitionName[] | undefined;
  /** Whether protection against deletion comes off: only for one update that was told so. */
  deletable: boolean;
  /** Whether what customers come through stays in the cluster when the stack goes. Default: false. */
  kept?: boolean;
}

/** Who made the namespaces that a platform needs. */
export async function namespaceOwners(
  reader: ClusterReader | undefined,
  config: PlatformConfig,
  belongs: Belongs,
): Promise<NamespaceOwners> {
  if (reader === undefined) return {};
  const names = [...new Set([config.namespace, config.gateway.namespace])];
  const found = await Promise.all(
    names.map(async (name) => [name, await ownerOf(reader, name, belongs)] as const),
  );
  return Object.fromEntries(
    found.filter((entry): entry is readonly [string, "owned" | "foreign"] => entry[1] !== undefined),
  );
}

/** What a service stands on: a platform that its own stack makes, or another stack's. */
export interface PlatformSource {
  gateway: GatewayConfig;
  /** Of another stack's platform: which, and its Gateway as all services have it. */
  shared?: Omit<KeptPlatform, "kubeconfig">;
  /** Whether this stack creates the cluster. */
  createsCluster: boolean;
  /** Where new pools get the images of registries that are mirrored. */
  imageMirrors: ImageMirrors;
  /** Where this stack would have those of the other registries; of another stack's platform nobody knows. */
  otherMirrors?: ImageMirrors;
  /** Where accelerator nodes are created for each pool; absent: they are created outside this stack. */
  nodesIn?: ClusterPlace;
  /** What the config says that the stack stands on. */
  wanted: Omit<WantedPlatform, "role">;
  /** Reads the cluster as it is before the update; undefined where it does not exist yet. */
  reader: () => Promise<ClusterReader | undefined>;
  /** Registers what there is to register of it. */
  build: (options: PlatformOptions) => Platform;
}

export function ownPlatform(config: PlatformConfig): PlatformSource {
  return {
    gateway: config.gateway,
    createsCluster: config.cluster.mode === "create",
    ...mirrorsOf(config.cluster),
    ...(config.cluster.mode === "kubeconfig" ? {} : { nodesIn: config.cluster }),
    wanted: wantedOf(config.cluster),
    reader: once(() => readerBefore(config.cluster)),
    build: (options) => buildPlatform(config, options),
  };
}

function wantedOf(cluster: ClusterConfig): PlatformSource["wanted"] {
  if (cluster.mode === "kubeconfig") return { mode: "kubeconfig" };
  const { mode, name, location, project, region } = cluster;
  return { mode, region, place: { name, location, project } };
}

function mirrorsOf(cluster: ClusterConfig): Pick<PlatformSource, "imageMirrors" | "otherMirrors"> {
  if (cluster.mode !== "create") return { imageMirrors: {} };
  const place = { ...cluster, cluster: cluster.name };
  const others = mirrorHosts.filter((source) => !cluster.imageMirrors.includes(source));
  return {
    imageMirrors: imageMirrors(place, cluster.imageMirrors),
    otherMirrors: imageMirrors(place, others),
  };
}

/**
 * @param service of which the namespace is made where there is none.
 * @throws UserError where the stack does not exist or is no platform.
 */
export async function sharedPlatform(
  stack: string,
  { namespace, clusterScoped }: Pick<ServiceConfig, "namespace" | "clusterScoped">,
): Promise<PlatformSource> {
  const reference = new pulumi.StackReference("platform", { name: stack });
  const [kubeconfig, given, nodes, mirrors] = await Promise.all(
    ["kubeconfig", "gateway", "nodes", "imageMirrors"].map(async (name) => {
      const details = await reference.getOutputDetails(name);
      return (details.secretValue ?? details.value) as unknown;
    }),
  );
  if (typeof kubeconfig !== "string" || given === undefined) {
    throw new UserError(
      `Stack ${stack} has no outputs kubeconfig and gateway: deploy it with role: platform first, or set the right stack (pulumi config set platform ORGANIZATION/PROJECT/STACK)`,
    );
  }
  const gateway = completeGateway(given as GivenGateway);
  // A platform of an older version knows of none.
  const known: ImageMirrors = mirrors ?? {};
  const place = nodes === undefined ? undefined : placeOf(nodes as PlatformNodes);
  return {
    gateway,
    shared: { stack, gateway },
    createsCluster: false,
    ...{ imageMirrors: known, otherMirrors: mirrorsOnceOf(nodes, known) },
    ...(place === undefined ? {} : { nodesIn: place }),
    wanted: { mode: "other", ...(place === undefined ? {} : { place }) },
    reader: once(() => clusterReader(kubeconfig)),
    build: (options) => {
      const text = reference.requireOutput("kubeconfig") as pulumi.Output<string>;
      const provider = new k8s.Provider("cluster", { kubeconfig: text, ...providerSettings(place) });
      const namespaces = serviceNamespaces({ namespace, clusterScoped }, options.owners);
      return {
        kubeconfig: text,
        gateway,
        ...(nodes === undefined ? {} : { nodes: nodes as NodeLocation }),
        provider,
        namespaces,
        ready: makeNamespaces(namespaces, options, { provider }),
      };
    },
  };
}

/** Mirrors that a platform may have had: pools that were made through one keep its name. */
function mirrorsOnceOf(nodes: unknown, present: ImageMirrors = {}): ImageMirrors {
  if (nodes === undefined) return {};
  const { cluster, location, project } = nodes as PlatformNodes;
  const region = location.replace(/-[a-z]$/, "");
  const others = mirrorHosts.filter((source) => present[source] === undefined);
  return project === undefined ? {} : imageMirrors({ cluster, project, region }, others);
}

/** A platform's output `nodes`: what NodeLocation is once it is known. */
interface PlatformNodes {
  cluster: string;
  location: string;
  project?: string;
}

const placeOf = ({ cluster, location, project }: PlatformNodes): ClusterPlace => ({
  ...{ name: cluster, location },
  ...(project === undefined ? {} : { project }),
});

/**
 * The provider would delete a ConfigMap and make it again for every change of its data. Model servers read their
 * list of adapters from one: it changes in place, under pods that run.
 *
 * It would also take a kubeconfig with another endpoint or CA for one of another cluster, and replace every object in
 * it. An endpoint changes with the first of `cluster.authorizedNetworks`, a CA when GKE rotates it: with an identifier,
 * only another identifier means another cluster. Of a kubeconfig alone nobody knows one.
 */
function providerSettings(
  place: GkePlace | undefined,
): Pick<k8s.ProviderArgs, "clusterIdentifier" | "enableConfigMapMutable"> {
  const settings = { enableConfigMapMutable: true };
  if (place?.project === undefined) return settings;
  const { project, location, name } = place;
  return { ...settings, clusterIdentifier: `projects/${project}/locations/${location}/clusters/${name}` };
}

export function buildPlatform(config: PlatformConfig, options: PlatformOptions): Platform {
  const { cluster, gateway } = config;
  const base = buildCluster(cluster, options);
  const provider = new k8s.Provider(
    "cluster",
    { kubeconfig: base.kubeconfig, ...providerSettings(wantedOf(cluster).place) },
    { dependsOn: base.ready },
  );
  const definitions = new InferenceDefinitions(
    "inference-extension",
    {
      install:
        options.definitions === undefined
          ? definitionsOfNew(base, options.stack)
          : Promise.resolve(options.definitions),
      stack: options.stack,
    },
    { provider, dependsOn: base.ready },
  );
  // Pickers look for the kinds they watch only once, when they start.
  const ready: pulumi.Resource[] = [...base.ready, definitions];
  const kept = keptBy(options);
  const namespaces = platformNamespaces(config.namespace, gateway, options.owners);
  ready.push(...makeNamespaces(namespaces, options, { provider, dependsOn: base.ready }));
  for (const one of config.guardedServices ?? []) guardService(one, { provider, dependsOn: [...ready] });
  if (!gateway.existing) {
    ready.push(...modelArmorAccess(config, base.ready));
    const args = { ...gateway, deletable: options.deletable || options.kept === true };
    ready.push(new InferenceGateway(gateway.name, args, { provider, dependsOn: [...ready], ...kept }));
  }
  const { imageMirrors: mirrors } = mirrorsOf(cluster);
  return {
    ...{ ...base, gateway, provider, namespaces, ready },
    ...(Object.keys(mirrors).length === 0 ? {} : { imageMirrors: mirrors }),
  };
}

const keptBy = ({ kept = false }: PlatformOptions): pulumi.ResourceOptions =>
  kept ? { retainOnDelete: true } : {};

function makeNamespaces(
  names: readonly string[],
  options: PlatformOptions,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const made = { [labels.managedBy]: managedBy, [labels.stack]: options.stack };
  return names.map(
    (name) =>
      new k8s.core.v1.Namespace(name, { metadata: { name, labels: made } }, { ...opts, ...keptBy(options) }),
  );
}

/** What belongs to no namespace, for a service whose own stack has rights in its namespaces only. */
function guardService(
  { service, namespace, route = defaultRouteName(service), poolNamespaces }: GuardedService,
  opts: pulumi.ComponentResourceOptions,
): void {
  const name = `${namespace}-${service}`;
  const namespaces = [...new Set([namespace, ...poolNamespaces])];
  new TrafficGuard(name, { service, namespace, route, routesIn: namespaces, grpc: false }, opts);
  new MoveGuard(name, { service, namespace, route }, opts);
  // Says nothing to a route that the service's stack created.
  new ShapeGuard(name, { service, namespace, route }, opts);
  new ClusterRights(name, { service, namespaces }, opts);
}

/** What a gateway with Model Armor waits for, where this stack sets the project up; elsewhere its owner does that. */
function modelArmorAccess(
  { cluster, gateway }: PlatformConfig,
  dependsOn: readonly pulumi.Resource[],
): pulumi.Resource[] {
  if (gateway.modelArmor === undefined) return [];
  if (cluster.mode === "create") {
    const { name, project } = cluster;
    return [new ModelArmorAccess(`${name}-model-armor`, { project }, { dependsOn: [...dependsOn] })];
  }
  void pulumi.log.info(
    `gateway.modelArmor: this stack does not set up the project of this cluster. Enable modelarmor.googleapis.com there, and grant ${modelArmorRoles.join(", ")} to service-PROJECT_NUMBER@gcp-sa-dep.iam.gserviceaccount.com; without them every completion fails (docs/permissions.md)`,
  );
  return [];
}

/** What a cluster lacks that this very update makes: known once it has its first nodes; a preview cannot know. */
async function definitionsOfNew(
  { kubeconfig, ready }: { kubeconfig: pulumi.Output<string>; ready: readonly pulumi.Resource[] },
  stack: string,
): Promise<DefinitionName[]> {
  if (pulumi.runtime.isDryRun()) return [];
  const made = pulumi.all([kubeconfig, ...ready.map(({ urn }) => urn)]);
  const text = await new Promise<string>((resolve) => made.apply(([found]) => resolve(found ?? "")));
  const live = await readDefinitions(await clusterReader(text));
  return definitionsToInstall(live, ({ metadata }) => metadata.labels?.[labels.stack] === stack, "new");
}

function buildCluster(
  cluster: ClusterConfig,
  { deletable }: PlatformOptions,
): { kubeconfig: pulumi.Output<string>; nodes?: NodeLocation; ready: pulumi.Resource[] } {
  if (cluster.mode === "kubeconfig") {
    return { kubeconfig: pulumi.secret(kubeconfigText(cluster.kubeconfig)), ready: [] };
  }
  const { name, project, location, region } = cluster;
  if (cluster.mode === "adopt") {
    const found = container.getClusterOutput({ name, location, project });
    return {
      kubeconfig: pulumi
        .all([found.endpoint, found.masterAuths])
        .apply(([endpoint, auths]) => gkeKubeconfig(name, endpoint, auths[0]?.clusterCaCertificate ?? "")),
      nodes: {
        cluster: name,
        location,
        project,
        ...(cluster.nodeServiceAccount === undefined ? {} : { serviceAccount: cluster.nodeServiceAccount }),
      },
      ready: [],
    };
  }
  const { channel, authorizedNetworks, systemNodes, imageMirrors: sources } = cluster;
  const made = new InferenceCluster(name, {
    ...{ name, project, location, region, channel, authorizedNetworks, systemNodes, deletable },
    imageMirrors: sources,
  });
  return {
    kubeconfig: pulumi
      .all([made.cluster.endpoint, made.cluster.masterAuth])
      .apply(([endpoint, auth]) => gkeKubeconfig(name, endpoint, auth.clusterCaCertificate)),
    nodes: {
      cluster: made.cluster.name,
      location,
      project,
      serviceAccount: made.nodeServiceAccount,
    },
    ready: made.ready,
  };
}
