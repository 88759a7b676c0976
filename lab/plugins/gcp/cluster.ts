import * as fs from "node:fs";
import type { LabEnvironment } from "../protocol/guard";
import { isProperties, type Properties } from "../protocol/values";
import { defaultZones } from "./locations";
import { masterVersion, inside, locationOf, projectOf, textOf, type Scope } from "./scope";

export const clusterType = "gcp:container/cluster:Cluster";

/** Inputs whose change makes the real provider replace a cluster. Source: its documentation. */
export const clusterForceNew = [
  ...[
    "name",
    "project",
    "location",
    "network",
    "subnetwork",
    "initialNodeCount",
    "clusterIpv4Cidr",
    "enableAutopilot",
  ],
  ...[
    "ipAllocationPolicy",
    "enableKubernetesAlpha",
    "enableTpu",
    "confidentialNodes",
    "networkingMode",
    "defaultMaxPodsPerNode",
  ],
  ...["datapathProvider", "privateClusterConfig.masterIpv4CidrBlock"],
];

export function clusterId(inputs: Properties, scope: Scope): string {
  return `projects/${projectOf(inputs, scope)}/locations/${locationOf(inputs, scope)}/clusters/${textOf(inputs["name"])}`;
}

/** Zones of a cluster's nodes. */
export function clusterZones(inputs: Properties, scope: Scope): string[] {
  const given = inputs["nodeLocations"];
  const location = locationOf(inputs, scope);
  if (!Array.isArray(given) || given.length === 0) return defaultZones(location);
  const zones = given.map((zone) => textOf(zone));
  return defaultZones(location).length > 1 ? zones : [location, ...zones.filter((zone) => zone !== location)];
}

/** What GKE would tell of a cluster: its endpoint and certificate are those of the lab's API server. */
export function clusterOutputs(inputs: Properties, scope: Scope, lab: LabEnvironment): Properties {
  const id = clusterId(inputs, scope);
  const project = projectOf(inputs, scope);
  const autopilot = inputs["enableAutopilot"] === true;
  return {
    project,
    location: locationOf(inputs, scope),
    nodeLocations: clusterZones(inputs, scope),
    selfLink: `https://container.googleapis.com/v1/${id}`,
    endpoint: new URL(lab.server).host,
    masterAuth: {
      clientCertificate: "",
      clientCertificateConfig: { issueClientCertificate: false },
      clientKey: "",
      clusterCaCertificate: fs.readFileSync(lab.caFile).toString("base64"),
    },
    masterVersion,
    nodeVersion: masterVersion,
    clusterIpv4Cidr: "10.100.0.0/14",
    servicesIpv4Cidr: "10.96.0.0/16",
    network: textOf(inputs["network"]) || `projects/${project}/global/networks/default`,
    networkingMode: "VPC_NATIVE",
    deletionProtection: true,
    labelFingerprint: "",
    operation: "",
    loggingService: "logging.googleapis.com/kubernetes",
    monitoringService: "monitoring.googleapis.com/kubernetes",
    releaseChannel: { channel: "REGULAR" },
    workloadIdentityConfig: autopilot ? { workloadPool: `${project}.svc.id.goog` } : {},
    instanceGroupUrls: [],
    nodePools: [],
  };
}

/** Whether a cluster starts with a pool that the program did not ask for, and how many nodes a zone that has. */
export function defaultPoolSize(inputs: Properties): number | undefined {
  if (inputs["enableAutopilot"] === true || inputs["removeDefaultNodePool"] === true) return undefined;
  if (Array.isArray(inputs["nodePools"]) && inputs["nodePools"].length > 0) return undefined;
  const count = inputs["initialNodeCount"];
  return typeof count === "number" ? count : 0;
}

/** Outputs of a cluster as the function getCluster gives them: single blocks are lists there. */
export function asDataSource(outputs: Properties): Properties {
  const lists: Properties = { ...outputs };
  for (const [single, plural] of blocks) {
    const value = outputs[single];
    if (!isProperties(value)) continue;
    lists[plural] = [value];
  }
  const auth = outputs["masterAuth"];
  if (isProperties(auth)) {
    const { clientCertificateConfig = {}, ...rest } = auth;
    lists["masterAuths"] = [{ ...rest, clientCertificateConfigs: [clientCertificateConfig] }];
  }
  return lists;
}

const blocks: readonly (readonly [string, string])[] = [
  ["addonsConfig", "addonsConfigs"],
  ["gatewayApiConfig", "gatewayApiConfigs"],
  ["ipAllocationPolicy", "ipAllocationPolicies"],
  ["releaseChannel", "releaseChannels"],
  ["workloadIdentityConfig", "workloadIdentityConfigs"],
  ["privateClusterConfig", "privateClusterConfigs"],
  ["nodeConfig", "nodeConfigs"],
];

/** @throws Error where the program has not allowed the cluster to be deleted. */
export function assertDeletable(outputs: Properties): void {
  if (inside(outputs, "deletionProtection") !== false)
    throw new Error(
      "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with cluster deletion.",
    );
}
