import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";

export interface NetworkArgs {
  /** Region of the subnets: that of the cluster and its load balancers. */
  region: string;
  /** Whether the network and its subnets may be deleted. Default: true. */
  deletable?: boolean;
}

/**
 * A VPC-native network for one cluster: nodes, pods and services in one subnet, the proxies of the regional load
 * balancer in another, and a NAT so that nodes without public addresses reach registries and model hubs.
 */
export class Network extends pulumi.ComponentResource {
  readonly network: compute.Network;
  readonly subnetwork: compute.Subnetwork;
  /** The gateway needs the proxies' subnet to be there. */
  readonly proxies: compute.Subnetwork;
  static readonly ranges = { pods: "pods", services: "services" } as const;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:Network", name, {}, opts);
    const child = { parent: this };
    const kept = { parent: this, protect: args.deletable === false };
    this.network = new compute.Network(name, { name, autoCreateSubnetworks: false }, kept);
    this.subnetwork = new compute.Subnetwork(
      `${name}-nodes`,
      {
        name: `${name}-nodes`,
        network: this.network.id,
        region: args.region,
        ipCidrRange: "10.0.0.0/20",
        privateIpGoogleAccess: true,
        secondaryIpRanges: [
          { rangeName: Network.ranges.pods, ipCidrRange: "10.4.0.0/14" },
          { rangeName: Network.ranges.services, ipCidrRange: "10.8.0.0/20" },
        ],
      },
      kept,
    );
    this.proxies = new compute.Subnetwork(
      `${name}-proxies`,
      {
        name: `${name}-proxies`,
        network: this.network.id,
        region: args.region,
        ipCidrRange: "10.9.0.0/23",
        purpose: "REGIONAL_MANAGED_PROXY",
        role: "ACTIVE",
      },
      kept,
    );
    const router = new compute.Router(name, { name, network: this.network.id, region: args.region }, child);
    new compute.RouterNat(
      name,
      {
        name,
        router: router.name,
        region: args.region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
      },
      child,
    );
    this.registerOutputs();
  }
}
