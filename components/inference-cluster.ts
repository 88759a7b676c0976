import * as container from "@pulumi/gcp/container";
import * as projects from "@pulumi/gcp/projects";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { Network } from "./network";

export interface InferenceClusterArgs {
  name: string;
  /** Region of the network; also the cluster's location unless a zone is given. */
  region: string;
  location: string;
  project: string;
  /** Whether the cluster may be deleted. */
  deletable: boolean;
}

/** What nodes may do in the project: write logs and metrics, pull images. */
const nodeRoles = [
  "roles/container.defaultNodeServiceAccount",
  "roles/artifactregistry.reader",
  "roles/storage.objectViewer",
];

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
    const child = { parent: this };
    const network = new Network(name, { region: args.region }, child);
    const account = new serviceaccount.Account(
      `${name}-nodes`,
      { accountId: `${name}-nodes`, displayName: `Nodes of the cluster ${args.name}` },
      child,
    );
    for (const role of nodeRoles) {
      new projects.IAMMember(
        `${name}-${role.split("/")[1] ?? role}`,
        { project: args.project, role, member: pulumi.interpolate`serviceAccount:${account.email}` },
        child,
      );
    }
    this.cluster = new container.Cluster(
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
        releaseChannel: { channel: "REGULAR" },
        // A cluster cannot be made without a first pool; it is dropped for the system pool below.
        removeDefaultNodePool: true,
        initialNodeCount: 1,
        gatewayApiConfig: { channel: "CHANNEL_STANDARD" },
        addonsConfig: { httpLoadBalancing: { disabled: false }, gcsFuseCsiDriverConfig: { enabled: true } },
        monitoringConfig: {
          enableComponents: ["SYSTEM_COMPONENTS"],
          managedPrometheus: { enabled: true },
        },
        workloadIdentityConfig: { workloadPool: `${args.project}.svc.id.goog` },
        privateClusterConfig: { enablePrivateNodes: true },
        // A cluster with customers on it is not deleted by accident: `allow: [destroy]` comes first.
        deletionProtection: !args.deletable,
      },
      { ...child, dependsOn: [network], customTimeouts: { create: "60m", update: "60m", delete: "60m" } },
    );
    const system = new container.NodePool(
      `${name}-system`,
      {
        name: "system",
        cluster: this.cluster.name,
        location: args.location,
        project: args.project,
        autoscaling: { totalMinNodeCount: 1, totalMaxNodeCount: 6, locationPolicy: "BALANCED" },
        management: { autoRepair: true, autoUpgrade: true },
        nodeConfig: {
          // Pickers ask for four processors each.
          machineType: "e2-standard-8",
          serviceAccount: account.email,
          oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
          workloadMetadataConfig: { mode: "GKE_METADATA" },
          gcfsConfig: { enabled: true },
        },
      },
      child,
    );
    this.nodeServiceAccount = account.email;
    this.ready = [system];
    this.registerOutputs();
  }
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
