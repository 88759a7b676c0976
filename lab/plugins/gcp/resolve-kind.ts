import type { LabEnvironment } from "../protocol/guard";
import { unknown } from "../protocol/values";
import { clusterForceNew, clusterId, clusterOutputs, clusterType } from "./cluster";
import { genericKind, kinds, type Kind } from "./kinds";
import { clusterOf, nodePoolType, replacesPool } from "./node-pool";
import { textOf } from "./scope";

export interface ResolvedKind extends Kind {
  /** Whether the lab knows nothing of the type and only records it. */
  generic: boolean;
  /** Whether a change of this path makes another resource. */
  replaces: (path: string) => boolean;
}

/** What the lab knows of a type of resource. */
export function resolveKind(type: string, lab: LabEnvironment): ResolvedKind {
  if (type === nodePoolType) return nodePool;
  const cluster: Kind = {
    autoname: { property: "name", max: 40 },
    forceNew: clusterForceNew,
    id: clusterId,
    outputs: (inputs, scope) => clusterOutputs(inputs, scope, lab),
  };
  const known = type === clusterType ? cluster : kinds[type];
  const kind = known ?? genericKind(type);
  const replaces = (path: string): boolean =>
    kind.forceNew.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
  return { ...kind, generic: known === undefined, replaces };
}

const poolComputed = [
  ...[
    "initialNodeCount",
    "instanceGroupUrls",
    "location",
    "managedInstanceGroupUrls",
    "management",
    "maxPodsPerNode",
  ],
  ...["namePrefix", "networkConfig", "nodeConfig", "nodeCount", "nodeLocations", "operation", "project"],
  ...["upgradeSettings", "version"],
];

const nodePool: ResolvedKind = {
  required: ["cluster"],
  autoname: { property: "name", max: 39 },
  forceNew: [],
  id: (inputs, scope) => `${clusterOf(inputs, scope).id}/nodePools/${textOf(inputs["name"])}`,
  outputs: () => Object.fromEntries(poolComputed.map((name) => [name, unknown])),
  generic: false,
  replaces: replacesPool,
};
