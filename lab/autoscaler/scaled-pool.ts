import { poolFault } from "../plugins/gcp/pool-operations";
import type { ClusterApi } from "../cluster/cluster-api";
import type { Node } from "../pods/objects";
import { isProperties } from "../plugins/protocol/values";
import { clusterType } from "../plugins/gcp/cluster";
import type { Cloud, CloudRecord } from "../plugins/gcp/cloud";
import { nameOf, NodeGroup, zoneOf } from "../plugins/gcp/node-group";
import { nodeObject, type PoolShape } from "../plugins/gcp/node-object";
import { clusterOf, nodePoolType, poolShape, poolZones } from "../plugins/gcp/node-pool";
import { inside } from "../plugins/gcp/scope";
import type { ScalablePool } from "./decide";

/** Time for a node to come; it is the gcp stand-in that a test tells to be slow. */
const readySeconds = 60;

/** A node pool of the lab's cloud that has autoscaling, with its nodes. */
export class ScaledPool {
  constructor(
    readonly view: ScalablePool,
    readonly nodes: readonly Node[],
    private readonly group: NodeGroup,
    private readonly shape: PoolShape,
    readonly zones: readonly string[],
    /** Whether Google has no machines for it, as a test says. */
    readonly isExhausted: boolean,
  ) {}

  /** Adds nodes, each in the zone that has the fewest. */
  async add(count: number): Promise<void> {
    const counts = new Map(
      this.zones.map((zone) => [zone, this.nodes.filter((node) => zoneOf(node) === zone).length]),
    );
    const desired = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const [zone] = [...counts].sort(([, a], [, b]) => a - b)[0] ?? [];
      if (zone === undefined) return;
      counts.set(zone, (counts.get(zone) ?? 0) + 1);
      desired.set(zone, (desired.get(zone) ?? 0) + 1);
    }
    await Promise.all([...desired].map(([zone, number]) => this.group.add(this.shape, zone, number)));
  }

  async remove(names: readonly string[]): Promise<void> {
    await this.group.remove(
      this.nodes.filter((node) => names.includes(nameOf(node))),
      true,
    );
  }
}

/** The pools that may grow or shrink; those whose machines a fault lets never come are left alone. */
export async function scaledPools(api: ClusterApi, cloud: Cloud): Promise<ScaledPool[]> {
  const records = cloud.list(nodePoolType).filter(({ inputs }) => isProperties(inputs["autoscaling"]));
  const pools = await Promise.all(records.map((record) => scaledPool(record, api, cloud)));
  return pools.filter((pool): pool is ScaledPool => pool !== undefined);
}

async function scaledPool(
  { id, inputs }: CloudRecord,
  api: ClusterApi,
  cloud: Cloud,
): Promise<ScaledPool | undefined> {
  const ref = clusterOf(inputs, {});
  const cluster = cloud.get(clusterType, ref.id)?.outputs;
  if (cluster === undefined) return undefined;
  const shape = poolShape(inputs, ref, false);
  const fault = poolFault(cloud.labFolder, shape.pool);
  if (fault === "never") return undefined;
  const zones = poolZones(inputs, cluster, { project: ref.project });
  const context = {
    api,
    cloud,
    cancel: new AbortController().signal,
    deadline: performance.now() + readySeconds * 1000,
    status: () => Promise.resolve(),
  };
  const group = new NodeGroup(context, ref, shape.pool);
  const nodes = (await group.list()).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const limit = (total: string, perZone: string): number | undefined => {
    const all = inside(inputs, "autoscaling", total);
    const each = inside(inputs, "autoscaling", perZone);
    return typeof all === "number" ? all : typeof each === "number" ? each * zones.length : undefined;
  };
  const template = nodeObject(shape, "template", zones[0] ?? "", "127.0.0.0/27");
  const view: ScalablePool = {
    id,
    min: limit("totalMinNodeCount", "minNodeCount") ?? 0,
    max: limit("totalMaxNodeCount", "maxNodeCount") ?? 0,
    nodes: nodes.length,
    labels: template.metadata?.labels ?? {},
    taints: (template.spec?.taints ?? []) as ScalablePool["taints"],
    allocatable: template.status?.allocatable ?? {},
  };
  return new ScaledPool(view, nodes, group, shape, zones, fault === "stockout");
}
