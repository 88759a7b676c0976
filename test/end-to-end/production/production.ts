import * as fs from "node:fs";
import * as path from "node:path";
import { loadAllYaml, type KubernetesObject } from "@kubernetes/client-node";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { gatewayAddress } from "../../../stacks/gates/programmed";
import { apply } from "../../../lab/cluster/objects";
import { Program } from "../../../lab/plugins/testing/program";
import { Traffic } from "../../../lab/traffic/traffic";
import { projectFolder } from "../../../lab/workspace";
import { eventually, type StackLab } from "../stack-lab";

/** The stack that adopts what is made here. */
export const adoptingConfig = path.join(projectFolder, "examples", "Pulumi.adopted-cluster.yaml");

const model = "Qwen/Qwen3-8B";

/** The cluster that the examples of adopted clusters name, as another team made it with a program of its own. */
const cluster = (location: string): string => `import * as gcp from "@pulumi/gcp";
const place = { project: "acme-ml", location: ${JSON.stringify(location)} };
const cluster = new gcp.container.Cluster("production", {
  ...place,
  name: "production",
  removeDefaultNodePool: true,
  initialNodeCount: 1,
  gatewayApiConfig: { channel: "CHANNEL_STANDARD" },
  deletionProtection: false,
});
for (const [name, nodeCount, nodeConfig] of [
  ["system", 1, { machineType: "e2-standard-16" }],
  ["l4", 2, {
    machineType: "g2-standard-8",
    guestAccelerators: [{ type: "nvidia-l4", count: 1 }],
  }],
] as const) {
  new gcp.container.NodePool(name, {
    ...place,
    name,
    cluster: cluster.name,
    nodeCount,
    nodeConfig: nodeConfig as gcp.types.input.container.NodePoolNodeConfig,
  });
}
`;

/** Makes the cluster, and nothing in it. */
export async function makeCluster(lab: StackLab, location: string): Promise<void> {
  const program = await Program.make(lab.lab, `production-${location}`, cluster(location), {
    "gcp:project": "acme-ml",
  });
  await program.mustUp();
}

type Objects = (KubernetesObject & Record<string, unknown>)[];

/** For {@link serve}: the customers' route has this name. */
export const withRoute =
  (name: string) =>
  (objects: Objects): Objects => {
    for (const { kind, metadata } of objects) {
      if (kind === "HTTPRoute" && metadata !== undefined) metadata.name = name;
    }
    return objects;
  };

/**
 * Serves a model in it, without this project: waits until customers are answered.
 * @param change makes another team's manifests of serving.yaml. Default: as they are.
 */
export async function serve(
  lab: StackLab,
  change: (objects: Objects) => Objects = (objects) => objects,
): Promise<string> {
  const text = fs.readFileSync(path.join(__dirname, "serving.yaml"), "utf8");
  await apply(lab.lab.controlPlane.kubeconfig, change(loadAllYaml(text) as Objects));
  let address = "";
  await eventually("the Gateway has an address", async () => {
    const gateway = await lab.get<LiveObject>(
      "gateway.networking.k8s.io/v1",
      "Gateway",
      "default",
      "my-inference-gateway",
    );
    address = gatewayAddress(gateway) ?? "";
    return address !== "";
  });
  await eventually("customers are answered", async () => {
    const counts = await lab.ask(address, 5, { model });
    return counts["llm"] === 5;
  });
  return address;
}

/** Its customers: so many requests and streams begun each second, until they are drained. */
export async function customers(
  lab: StackLab,
  address: string,
  {
    seconds,
    requests = 400_000,
    ...rates
  }: { plain: number; streams: number; seconds: number; requests?: number },
): Promise<Traffic> {
  const target = { host: address, port: await lab.lab.boundPort(address) };
  const traffic = Traffic.start(target, { requests, seconds });
  traffic.setRates({ ...rates, models: [model] });
  return traffic;
}
