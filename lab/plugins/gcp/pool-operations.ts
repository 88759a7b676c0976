import * as path from "node:path";
import * as fs from "node:fs";
import { InitFailed } from "../protocol/errors";
import { equalValues, isProperties, type Properties } from "../protocol/values";
import type { ClusterApi } from "../../cluster/cluster-api";
import type { Node } from "../../pods/objects";
import type { Cloud, CloudRecord } from "./cloud";
import { pause, NodeGroup, OperationEnded, zoneOf, type GroupContext } from "./node-group";
import type { PoolShape } from "./node-object";
import {
  type ClusterRef,
  clusterOf,
  existingCluster,
  initialSize,
  machineTypeOf,
  nodePoolType,
  poolShape,
  poolView,
  poolZones,
  spread,
} from "./node-pool";
import { nodePoolOutputs } from "./pool-outputs";
import { nodePoolRefusals } from "./refusals";
import { inside, apiError, oneError, textOf, type Scope } from "./scope";

export interface OperationContext {
  /** Of the API server whose nodes these are. */
  api: ClusterApi;
  cloud: Cloud;
  labFolder: string;
  scope: Scope;
  cancel: AbortSignal;
  /** Seconds from customTimeouts; 0 means the real provider's 30 minutes. */
  timeout: number;
  status: (message: string) => Promise<void>;
}

const defaultTimeoutSeconds = 1800;

/** What GKE does with a node pool, with KWOK's nodes for machines. */
export class PoolOperations {
  private readonly ref: ClusterRef;
  private readonly cluster: Properties;
  private readonly zones: string[];
  private readonly group: NodeGroup;
  private readonly groupContext: GroupContext;
  private readonly seconds: number;

  /** @throws Error where the cluster does not exist. */
  constructor(
    private readonly context: OperationContext,
    private readonly id: string,
    private readonly inputs: Properties,
  ) {
    this.ref = clusterOf(inputs, context.scope);
    this.cluster = existingCluster(context.cloud, this.ref);
    this.zones = poolZones(inputs, this.cluster, { ...context.scope, project: this.ref.project });
    this.seconds = context.timeout > 0 ? context.timeout : defaultTimeoutSeconds;
    const { api, cloud, cancel, status } = context;
    this.groupContext = { api, cloud, cancel, status, deadline: performance.now() + this.seconds * 1000 };
    this.group = new NodeGroup(this.groupContext, this.ref, textOf(inputs["name"]));
  }

  /** Makes the pool and its nodes. @throws InitFailed where the pool is there and its nodes are not */
  async create(): Promise<Properties> {
    this.assertAllowed();
    if (this.context.cloud.get(nodePoolType, this.id) !== undefined)
      throw new Error(oneError(`resource - ${this.id} - already exists`));
    const shape = poolShape(this.inputs, this.ref, this.hasPlainPool());
    this.record(shape, 0);
    return this.finish("creating", shape, async () => {
      const exhausted = poolFault(this.context.labFolder, shape.pool) === "stockout";
      if (exhausted && beginsEmpty(this.inputs)) return;
      await this.delay();
      const desired = spread(this.zones, initialSize(this.inputs));
      await Promise.all([...desired].map(([zone, count]) => this.group.add(shape, zone, count)));
    });
  }

  /** Brings the pool from what it was to what it shall be; also finishes a creation that failed. */
  async update(old: CloudRecord): Promise<Properties> {
    this.assertAllowed();
    const shape = poolShape(this.inputs, this.ref, hasGpuTaint(old));
    return this.finish("updating", shape, async () => {
      const before = await this.group.list();
      if (machineTypeOf(old.inputs) === machineTypeOf(this.inputs)) {
        await this.resize(shape, before);
        await this.group.relabel(shape);
      } else {
        // Other machines: new nodes first, as a surge upgrade does it, then the old ones go.
        await this.delay();
        for (const [zone, count] of countByZone(before)) await this.group.add(shape, zone, count);
        await this.group.remove(before, true);
        await this.resize(shape, await this.group.list());
      }
    });
  }

  /** Drains the nodes and removes them with the pool. */
  async delete(): Promise<void> {
    try {
      const respect = inside(this.drainConfig(), "respectPdbDuringNodePoolDeletion") === true;
      await this.group.remove(await this.group.list(), respect);
      this.context.cloud.remove(nodePoolType, this.id);
    } catch (error) {
      throw this.ended("deleting", error);
    }
  }

  /** Outputs with the number of nodes that there really are. */
  async read(record: CloudRecord): Promise<CloudRecord> {
    const perZone = Math.round((await this.group.list()).length / Math.max(1, this.zones.length));
    const inputs = "nodeCount" in record.inputs ? { ...record.inputs, nodeCount: perZone } : record.inputs;
    return { ...record, inputs, outputs: { ...record.outputs, nodeCount: perZone } };
  }

  private async resize(shape: PoolShape, nodes: readonly Node[]): Promise<void> {
    const desired = this.desiredSize(nodes);
    const surplus: Node[] = [];
    for (const zone of new Set([...desired.keys(), ...nodes.map(zoneOf)])) {
      const here = nodes.filter((node) => zoneOf(node) === zone);
      const count = desired.get(zone) ?? 0;
      if (here.length < count) {
        await this.delay();
        await this.group.add(shape, zone, count - here.length);
      } else surplus.push(...(await this.group.leastUsed(here, here.length - count)));
    }
    await this.group.remove(surplus, true);
  }

  /** Nodes in each zone: as configured; where autoscaling decides, as they are, within its limits. */
  private desiredSize(nodes: readonly Node[]): Map<string, number> {
    const limits = this.inputs["autoscaling"];
    const initial = spread(this.zones, initialSize(this.inputs));
    if (nodes.length === 0 || typeof this.inputs["nodeCount"] === "number") return initial;
    const now = countByZone(nodes);
    const limit = (key: string, otherwise: number): number => {
      const value = isProperties(limits) ? limits[key] : undefined;
      return typeof value === "number" ? value : otherwise;
    };
    if (!isProperties(limits))
      return new Map(this.zones.map((zone) => [zone, now.get(zone) ?? initial.get(zone) ?? 0]));
    const share = (key: string, otherwise: number): number =>
      Math.ceil(limit(key, otherwise) / this.zones.length);
    const min = Math.max(
      limit("minNodeCount", 0),
      Math.floor(limit("totalMinNodeCount", 0) / this.zones.length),
    );
    const max = Math.min(limit("maxNodeCount", Infinity), share("totalMaxNodeCount", Infinity));
    return new Map(this.zones.map((zone) => [zone, Math.min(max, Math.max(min, now.get(zone) ?? 0))]));
  }

  private assertAllowed(): void {
    const view = poolView(this.inputs, this.ref, this.zones);
    for (const { when, refuse } of nodePoolRefusals) {
      const message = when === "create" ? refuse(view) : undefined;
      if (message !== undefined) throw apiError("error creating NodePool", 400, message, "badRequest");
    }
  }

  private async finish(what: string, shape: PoolShape, work: () => Promise<void>): Promise<Properties> {
    try {
      await work();
    } catch (error) {
      const { outputs } = this.record(shape, (await this.group.list()).length);
      throw new InitFailed(this.ended(what, error).message, this.id, outputs, undefined, this.inputs);
    }
    return this.record(shape, (await this.group.list()).length).outputs;
  }

  private ended(what: string, error: unknown): Error {
    if (error instanceof OperationEnded && error.message === "timeout") {
      const minutes = `${Math.floor(this.seconds / 60)}m${this.seconds % 60}s`;
      return new Error(
        oneError(
          `Error waiting for ${what} GKE NodePool: timeout while waiting for state to become 'DONE' (last state: 'RUNNING', timeout: ${minutes})`,
        ),
      );
    }
    return error instanceof Error ? error : new Error(String(error));
  }

  /** What machines take to come, and the faults that a test has switched on. */
  private async delay(): Promise<void> {
    const { cancel, labFolder } = this.context;
    await pause(Number(process.env["LAB_NODE_SECONDS"] ?? 0) * 1000, cancel);
    const fault = poolFault(labFolder, textOf(this.inputs["name"]));
    if (fault === "stockout") throw new Error(oneError(stockout(this.ref, this.zones[0] ?? "")));
    if (fault === "never") await pause(this.groupContext.deadline - performance.now(), cancel);
    if (cancel.aborted) throw new OperationEnded("the operation was cancelled");
    if (fault === "never") throw new OperationEnded("timeout");
  }

  private record(shape: PoolShape, nodes: number): CloudRecord {
    const outputs = nodePoolOutputs(this.inputs, this.ref, this.zones, shape, nodes);
    const record = { type: nodePoolType, id: this.id, inputs: this.inputs, outputs };
    this.context.cloud.put(record);
    return record;
  }

  private hasPlainPool(): boolean {
    const others = this.context.cloud
      .list(nodePoolType)
      .filter(({ id }) => id.startsWith(`${this.ref.id}/`) && id !== this.id);
    return others.some(({ inputs }) => poolShape(inputs, this.ref, false).accelerator === undefined);
  }

  private drainConfig(): Properties {
    const configs = this.inputs["nodeDrainConfigs"];
    const [first] = Array.isArray(configs) ? configs : [];
    return isProperties(first) ? first : {};
  }
}

/**
 * Whether GKE makes the pool without nodes: the autoscaler's minimum brings none. The lab makes the minimum at once, unless
 * there are no machines to be had: then the pool is there, and its pods hear why they wait.
 */
function beginsEmpty(inputs: Properties): boolean {
  const initial = inputs["initialNodeCount"];
  return isProperties(inputs["autoscaling"]) && (typeof initial !== "number" || initial === 0);
}

function hasGpuTaint({ outputs }: CloudRecord): boolean {
  const taints = inside(outputs, "nodeConfig", "effectiveTaints");
  return (
    Array.isArray(taints) &&
    taints.some((taint) => isProperties(taint) && equalValues(taint["key"], "nvidia.com/gpu"))
  );
}

function countByZone(nodes: readonly Node[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(zoneOf(node), (counts.get(zoneOf(node)) ?? 0) + 1);
  return counts;
}

/** The fault that `<lab>/faults.json` says for pools whose name starts so: {"nodePools": {"<prefix>": "never" | "stockout"}}. */
export function poolFault(labFolder: string, pool: string): "never" | "stockout" | undefined {
  const file = path.join(labFolder, "faults.json");
  if (!fs.existsSync(file)) return undefined;
  const { nodePools = {} } = JSON.parse(fs.readFileSync(file, "utf8")) as {
    nodePools?: Record<string, string>;
  };
  const found = Object.entries(nodePools).find(([prefix]) => pool.startsWith(prefix))?.[1];
  return found === "never" || found === "stockout" ? found : undefined;
}

/** What GKE says when there are no machines to be had. */
function stockout(ref: ClusterRef, zone: string): string {
  return (
    `Error waiting for creating GKE NodePool: \n\t(1) Google Compute Engine: Not all instances running in IGM after 35m0s. ` +
    `Current errors: [GCE_STOCKOUT]: The zone 'projects/${ref.project}/zones/${zone}' does not have enough resources ` +
    `available to fulfill the request.  Try a different zone, or try again later.`
  );
}
