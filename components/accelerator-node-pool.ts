import * as container from "@pulumi/gcp/container";
import type { container as inputs } from "@pulumi/gcp/types/input";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { labels, maxNodePoolName, nodeLabel } from "../stacks/names";
import { resourceName } from "./accelerators/catalogue";
import type { Placement } from "./accelerators/placement";

export interface AcceleratorNodePoolArgs {
  /** The inference service the pool belongs to. */
  service: string;
  /** The pool whose model servers run here. */
  pool: string;
  /** GKE cluster: its name or id. */
  cluster: pulumi.Input<string>;
  /** Region or zone of the cluster. */
  location: pulumi.Input<string>;
  /** Project of the cluster. Default: the provider's. */
  project?: pulumi.Input<string>;
  placement: Placement;
  /** Machines, over all zones: so many are always there. */
  nodes: number;
  /** Machines at the most. Default: as many as there are at least. */
  maxNodes?: number;
  /** Default: the cluster's zones. */
  zones?: readonly string[];
  provisioning: "on-demand" | "spot";
  /** GPUs only; TPU machines bring their own. */
  driver: "default" | "latest" | "disabled";
  /** Service account of the nodes. Default: the project's default one. */
  serviceAccount?: pulumi.Input<string>;
}

const drivers = { default: "DEFAULT", latest: "LATEST", disabled: "INSTALLATION_DISABLED" } as const;

/**
 * The machines of one pool. Its name ends in random characters that change when the hardware does, so that Pulumi
 * can make the new machines before the old ones go.
 */
export class AcceleratorNodePool extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: AcceleratorNodePoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:AcceleratorNodePool", name, {}, opts);
    const { placement } = args;
    const suffix = new random.RandomId(
      `${name}-nodes`,
      {
        byteLength: 3,
        keepers: {
          machineType: placement.machine.type,
          provisioning: args.provisioning,
          driver: args.driver,
          zones: (args.zones ?? []).join(","),
        },
      },
      { parent: this },
    );
    const prefix = args.pool.slice(0, maxNodePoolName - 7).replace(/-+$/, "");
    const nodePool = new container.NodePool(
      `${name}-nodes`,
      {
        name: pulumi.interpolate`${prefix}-${suffix.hex}`,
        cluster: args.cluster,
        location: args.location,
        ...(args.project === undefined ? {} : { project: args.project }),
        ...(args.zones === undefined ? {} : { nodeLocations: [...args.zones] }),
        // A plain node count is per zone, so three times what is meant in most regions; these are totals.
        autoscaling: {
          totalMinNodeCount: args.nodes,
          totalMaxNodeCount: args.maxNodes ?? args.nodes,
          locationPolicy: "ANY",
        },
        management: { autoRepair: true, autoUpgrade: true },
        // Spare accelerators for a surge are rarely to be had; one machine at a time is replaced in place.
        upgradeSettings: { strategy: "SURGE", maxSurge: 0, maxUnavailable: 1 },
        nodeConfig: nodeConfig(args),
      },
      { parent: this, customTimeouts: { create: "60m", update: "60m", delete: "60m" } },
    );
    this.name = nodePool.name;
    this.registerOutputs({ name: this.name });
  }
}

function nodeConfig(args: AcceleratorNodePoolArgs): inputs.NodePoolNodeConfig {
  const { accelerator, machine } = args.placement;
  return {
    machineType: machine.type,
    spot: args.provisioning === "spot",
    labels: { [labels.pool]: nodeLabel(args.service, args.pool) },
    // GKE adds this taint by itself only where another node pool exists already: it is declared, so that nothing
    // but model servers ever lands on accelerators.
    taints: [{ key: resourceName(accelerator), value: "present", effect: "NO_SCHEDULE" }],
    ...(accelerator.family === "gpu"
      ? {
          guestAccelerators: [
            {
              type: accelerator.name,
              count: machine.count,
              gpuDriverInstallationConfig: { gpuDriverVersion: drivers[args.driver] },
            },
          ],
        }
      : {}),
    gvnic: { enabled: true },
    // Image streaming: a pod starts before its image of many gigabytes has arrived.
    gcfsConfig: { enabled: true },
    workloadMetadataConfig: { mode: "GKE_METADATA" },
    shieldedInstanceConfig: { enableSecureBoot: false, enableIntegrityMonitoring: true },
    oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
    ...(args.serviceAccount === undefined ? {} : { serviceAccount: args.serviceAccount }),
  };
}
