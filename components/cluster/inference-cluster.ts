import { createHash } from "node:crypto";
import * as container from "@pulumi/gcp/container";
import * as projects from "@pulumi/gcp/projects";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import type { container as inputs } from "@pulumi/gcp/types/input";
import * as pulumi from "@pulumi/pulumi";
import { ImageRepositories } from "./image-repositories";
import type { MirrorSource } from "./mirrored-images";
import { Network } from "./network";

export interface InferenceClusterArgs {
  /** Name of the GKE cluster; its network and service account are named after the component. */
  name: string;
  /** Region of the network. */
  region: string;
  /** Region or zone of the cluster: a region for a control plane that survives the failure of a zone. */
  location: string;
  /** Project that everything is made in. */
  project: string;
  /** Release channel: how soon the control plane gets new versions. */
  channel: "rapid" | "regular" | "stable";
  /**
   * Networks from which the control plane may be reached, as CIDRs. Empty: it has no public endpoint, and is reached
   * from inside the cluster's network only.
   */
  authorizedNetworks: readonly string[];
  /** The most system nodes; each has room for one picker. */
  systemNodes: number;
  /** Registries whose images come through Artifact Registry. Default: none. */
  imageMirrors?: readonly MirrorSource[];
  /**
   * Whether the cluster may be deleted. If not, GKE's deletion protection is on, and the engine refuses an update that
   * would delete or replace it, its system nodes or its network before the first step: GKE refuses only once everything in
   * the cluster is gone.
   */
  deletable: boolean;
}

/**
 * What nodes may do in the project. The first role is the least that GKE's nodes need (logs, metrics, their own
 * metadata); the second lets them pull images from Artifact Registry.
 */
const nodeRoles = ["roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"];

/**
 * A GKE cluster that can do what the inference gateway needs. Its system node pool is made before any accelerator
 * pool, so that the cluster's own pods have a place that costs little.
 */
export class InferenceCluster extends pulumi.ComponentResource {
  readonly cluster: container.Cluster;
  readonly nodeServiceAccount: pulumi.Output<string>;
  /** What everything in the cluster waits for. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: InferenceClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceCluster", name, {}, opts);
    const apis = new ProjectApis(name, { project: args.project }, { parent: this });
    const child = { parent: this, dependsOn: apis.resources };
    const network = new Network(name, { region: args.region, deletable: args.deletable }, child);
    const account = new serviceaccount.Account(
      `${name}-nodes`,
      { accountId: nodeAccountId(name), displayName: `Nodes of the cluster ${args.name}` },
      { ...child, protect: !args.deletable },
    );
    const rights = nodeRoles.map(
      (role) =>
        new projects.IAMMember(
          `${name}-${role.split("/")[1] ?? role}`,
          { project: args.project, role, member: pulumi.interpolate`serviceAccount:${account.email}` },
          child,
        ),
    );
    this.cluster = this.makeCluster(name, args, network, apis.resources);
    const system = new container.NodePool(
      `${name}-system`,
      {
        name: "system",
        cluster: this.cluster.name,
        location: args.location,
        project: args.project,
        autoscaling: {
          totalMinNodeCount: 1,
          totalMaxNodeCount: args.systemNodes,
          locationPolicy: "BALANCED",
        },
        management: { autoRepair: true, autoUpgrade: true },
        // Pickers run here, in the path of every response: a new node is there before an old one goes.
        upgradeSettings: { strategy: "SURGE", maxSurge: 1, maxUnavailable: 0 },
        nodeConfig: {
          // Pickers ask for four processors each; beside the system's own pods one fits on a node.
          machineType: "e2-standard-8",
          serviceAccount: account.email,
          oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
          workloadMetadataConfig: { mode: "GKE_METADATA" },
          shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
          gcfsConfig: { enabled: true },
        },
      },
      // Nodes without their rights never become ready.
      { parent: this, dependsOn: rights, protect: !args.deletable },
    );
    this.nodeServiceAccount = account.email;
    this.ready = [system, ...this.makeRepositories(name, args, apis.resources)];
    this.registerOutputs();
  }

  private makeRepositories(
    name: string,
    { imageMirrors = [], name: cluster, project, region, deletable }: InferenceClusterArgs,
    dependsOn: pulumi.Resource[],
  ): pulumi.Resource[] {
    if (imageMirrors.length === 0) return [];
    const args = { cluster, project, region, sources: imageMirrors, deletable };
    return new ImageRepositories(`${name}-images`, args, { parent: this, dependsOn }).repositories;
  }

  private makeCluster(
    name: string,
    args: InferenceClusterArgs,
    network: Network,
    apis: readonly pulumi.Resource[],
  ): container.Cluster {
    const isPrivate = args.authorizedNetworks.length === 0;
    return new container.Cluster(
      name,
      {
        name: args.name,
        location: args.location,
        project: args.project,
        network: network.network.id,
        subnetwork: network.subnetwork.id,
        ipAllocationPolicy: {
          clusterSecondaryRangeName: Network.ranges.pods,
          servicesSecondaryRangeName: Network.ranges.services,
        },
        // Dataplane V2: GKE sets up networks of accelerators by itself only on it.
        datapathProvider: "ADVANCED_DATAPATH",
        releaseChannel: { channel: args.channel.toUpperCase() },
        // A cluster cannot be created without a first pool; it is deleted for the system pool below.
        removeDefaultNodePool: true,
        initialNodeCount: 1,
        gatewayApiConfig: { channel: "CHANNEL_STANDARD" },
        addonsConfig: { httpLoadBalancing: { disabled: false }, gcsFuseCsiDriverConfig: { enabled: true } },
        monitoringConfig: {
          enableComponents: ["SYSTEM_COMPONENTS"],
          managedPrometheus: { enabled: true },
        },
        workloadIdentityConfig: { workloadPool: `${args.project}.svc.id.goog` },
        privateClusterConfig: { enablePrivateNodes: true, enablePrivateEndpoint: isPrivate },
        masterAuthorizedNetworksConfig: {
          gcpPublicCidrsAccessEnabled: false,
          cidrBlocks: args.authorizedNetworks.map((cidrBlock) => ({ cidrBlock })),
        },
        maintenancePolicy: heldUpgrades,
        // A cluster with customers on it is not deleted by accident: `allow: [destroy]` comes first.
        deletionProtection: !args.deletable,
      },
      {
        parent: this,
        dependsOn: [network, ...apis],
        protect: !args.deletable,
        customTimeouts: { create: "60m", update: "60m", delete: "60m" },
      },
    );
  }
}

/**
 * No node is upgraded by GKE, and no minor version comes to the control plane, while the version is supported: either would
 * take nodes away in the middle of a rollout. Nodes get a newer version as a pool of their own (nodeVersion).
 * Patches of the control plane come at night.
 */
const heldUpgrades: inputs.ClusterMaintenancePolicy = {
  dailyMaintenanceWindow: { startTime: "03:00" },
  maintenanceExclusions: [
    {
      // The name stays as it was first written: another one would update every cluster that exists.
      exclusionName: "nodes-change-by-roll-out",
      // Fixed: a time that moved would change the cluster with every update.
      startTime: "2026-01-01T00:00:00Z",
      exclusionOptions: { scope: "NO_MINOR_OR_NODE_UPGRADES", endTimeBehavior: "UNTIL_END_OF_SUPPORT" },
    },
  ],
};

/** Service accounts have names of 6 to 30 characters; longer ones end in a hash. */
export function nodeAccountId(cluster: string): string {
  const plain = `${cluster}-nodes`;
  if (plain.length <= 30) return plain;
  const digest = createHash("sha256").update(cluster).digest("hex").slice(0, 6);
  return `${cluster.slice(0, 17)}-${digest}-nodes`;
}

/**
 * Kubeconfig of a GKE cluster: names the program that fetches a short-lived token, and holds none itself.
 * @param endpoint address of the API server; port 443 unless it names one.
 * @param ca the cluster's certificate, base64.
 */
export function gkeKubeconfig(name: string, endpoint: string, ca: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: `https://${endpoint}`, "certificate-authority-data": ca } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "gke-gcloud-auth-plugin",
            installHint: "Install gke-gcloud-auth-plugin: gcloud components install gke-gcloud-auth-plugin",
            provideClusterInfo: true,
            interactiveMode: "Never",
          },
        },
      },
    ],
  });
}

export interface ProjectApisArgs {
  /** Project whose APIs are switched on. */
  project: string;
}

/** Google Cloud APIs that a cluster with an inference gateway needs, and what for. */
export const neededApis = {
  "artifactregistry.googleapis.com": "nodes pull images",
  // The provider reads projects through it, before it enables anything: a new project needs it first (docs/gke.md).
  "cloudresourcemanager.googleapis.com": "the project and its IAM policy",
  "compute.googleapis.com": "network, VMs, load balancer",
  "container.googleapis.com": "cluster and node pools",
  "containerfilesystem.googleapis.com": "image streaming: containers start before their image is there",
  "iam.googleapis.com": "service account of the nodes",
  "iamcredentials.googleapis.com": "model servers read buckets without keys",
  "logging.googleapis.com": "logs of nodes and load balancer",
  "monitoring.googleapis.com": "managed Prometheus",
  "networkservices.googleapis.com": "the gateway's service extensions: calls to pickers",
} as const;

/** Switches the project's APIs on. They stay on when the stack is destroyed: other stacks may use them. */
export class ProjectApis extends pulumi.ComponentResource {
  readonly resources: pulumi.Resource[];

  constructor(name: string, { project }: ProjectApisArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ProjectApis", name, {}, opts);
    this.resources = Object.keys(neededApis).map(
      (service) =>
        new projects.Service(
          `${name}-${service.split(".")[0] ?? service}`,
          { project, service, disableOnDestroy: false },
          { parent: this },
        ),
    );
    this.registerOutputs();
  }
}
