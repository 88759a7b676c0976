import * as compute from "@pulumi/gcp/compute";
import * as container from "@pulumi/gcp/container";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { maxNodePoolName } from "../names";
import { nodePoolSpecs, type MachineNeeds, type NodePoolSpec } from "./node-pool-spec";

export interface AcceleratorNodePoolArgs extends MachineNeeds {
  /** GKE cluster: its name or id. */
  cluster: pulumi.Input<string>;
  /** Region or zone of the cluster. */
  location: pulumi.Input<string>;
  /** Project of the cluster. Default: the provider's. */
  project?: pulumi.Input<string>;
  /** Service account of the nodes. Default: the project's default one. */
  serviceAccount?: pulumi.Input<string>;
}

/**
 * The nodes of one pool. Names end in random characters that change with the hardware, so that Pulumi can create the
 * new nodes before it deletes the old ones.
 */
export class AcceleratorNodePool extends pulumi.ComponentResource {
  /** Name of the (first) GKE node pool. */
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: AcceleratorNodePoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:AcceleratorNodePool", name, {}, opts);
    const specs = nodePoolSpecs(args);
    const suffix = new random.RandomId(
      `${name}-nodes`,
      { byteLength: 3, keepers: keepersOf(args) },
      { parent: this },
    );
    const pools = specs.map((spec) => this.nodePool(name, spec, args, suffix.hex));
    this.name = pools[0]?.name ?? pulumi.output("");
    this.registerOutputs({ name: this.name });
  }

  private nodePool(
    name: string,
    { suffix, workloadTopology, args: spec }: NodePoolSpec,
    args: AcceleratorNodePoolArgs,
    hex: pulumi.Output<string>,
  ): container.NodePool {
    const tail = suffix === "" ? "" : `-${suffix}`;
    const room = maxNodePoolName - "-abcdef".length - tail.length;
    const prefix = args.pool.slice(0, room).replace(/-+$/, "");
    const poolName = pulumi.interpolate`${prefix}-${hex}${tail}`;
    const resource = `${name}-nodes${tail}`;
    const project = args.project === undefined ? {} : { project: args.project };
    const [zone] = args.hardware.zones ?? [];
    const policy =
      workloadTopology === undefined
        ? undefined
        : new compute.ResourcePolicy(
            resource,
            {
              name: poolName,
              ...project,
              ...(zone === undefined ? {} : { region: zone.replace(/-[^-]+$/, "") }),
              workloadPolicy: { type: "HIGH_THROUGHPUT", acceleratorTopology: workloadTopology },
            },
            { parent: this },
          );
    return new container.NodePool(
      resource,
      {
        ...spec,
        name: poolName,
        cluster: args.cluster,
        location: args.location,
        ...project,
        nodeConfig: {
          ...spec.nodeConfig,
          ...(args.serviceAccount === undefined ? {} : { serviceAccount: args.serviceAccount }),
        },
        ...(policy === undefined ? {} : { placementPolicy: { type: "COMPACT", policyName: policy.name } }),
      },
      {
        parent: this,
        // Only a new node pool begins with them: a change would replace the nodes of one that serves.
        ignoreChanges: ["initialNodeCount", "nodeConfig.linuxNodeConfig", "nodeConfig.serviceAccount"],
        customTimeouts: { create: "60m", update: "60m", delete: "60m" },
      },
    );
  }
}

/**
 * A change of these replaces the nodes. They are the arguments, not what is rendered from them, so that a later version
 * that renders something more does not replace the nodes of pools that serve.
 */
function keepersOf({ hardware, placement }: MachineNeeds): Record<string, string> {
  // How many accelerators a replica uses is no property of a node.
  const words = Object.entries(hardware).filter(([key]) => key !== "acceleratorsPerReplica");
  return {
    ...Object.fromEntries(words.map(([key, value]) => [key, String(value)])),
    machineType: placement.machine.type,
    ...(placement.topology === undefined || placement.hosts === 1 ? {} : { topology: placement.topology }),
  };
}
