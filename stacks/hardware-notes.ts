import { nothingDeployed, type Plan } from "./plan/model";
import type { Observed } from "./plan/observed";
import { isNew } from "./plan/zones";
import { isUncertain, nodesFor } from "../components/accelerators/placement";
import { pickerResources } from "../components/pool/picker-settings";
import { setCommand } from "./messages/edits";
import type { Served } from "./state/served";

/** What a person should know of the machines that an update asks for. */
export function hardwareNotes(plan: Plan, observed: Observed = nothingDeployed): string[] {
  return plan.pools.flatMap(({ pool, replicas }) => {
    const { name, hardware, placement, autoscaling } = pool;
    const notes: string[] = [];
    // Once, when the machines are bought: on nodes of others nobody knows what else runs there.
    if (placement.hosts === 1 && observed.ownNodes !== false && isNew(pool, observed)) {
      const nodes = nodesFor(replicas, placement);
      const idle = nodes * placement.machine.count - replicas * hardware.acceleratorsPerReplica;
      // Whole machines stand idle, not a rest of the last one that every packing has.
      if (idle >= placement.machine.count / 2 && placement.machine.count > 1) {
        notes.push(
          `${name}: ${idle} of ${nodes * placement.machine.count} x ${hardware.accelerator} are idle: ${placement.machine.type} is the smallest ${hardware.provisioning} machine type with ${hardware.acceleratorsPerReplica} x ${hardware.accelerator} per replica`,
        );
      }
    }
    if (isUncertain(placement.machine, hardware.provisioning)) {
      notes.push(
        `${name}: Compute Engine's documentation says that ${placement.machine.type} is not available as ${hardware.provisioning}, although Google's own compute classes try it; it is available as ${placement.machine.provisioning.join(", ")}`,
      );
    }
    if (hardware.provisioning === "flex-start") {
      notes.push(
        `${name}: flex-start nodes end after seven days, with everything that runs on them; roll out a new pool before that`,
      );
    }
    if (hardware.provisioning === "spot") {
      notes.push(`${name}: Spot nodes are preempted with 30 s notice, which cuts answers that take longer`);
    }
    if (autoscaling !== undefined) {
      notes.push(
        `${name}: an autoscaler sets the number of replicas between ${replicas} (the plan's minimum) and ${autoscaling.max} (the config's maximum)`,
      );
    }
    return notes;
  });
}

/** Processors that pickers can have on a system node (e2-standard-8): the system's own pods take a part of one. */
const forPickers = 7;

/** Warns if the pickers of a stack alone do not fit on the system nodes of the cluster that it creates. */
export function pickerNotes({ pools }: Plan, systemNodes: number | undefined): string[] {
  if (systemNodes === undefined) return [];
  const nodes = pools.reduce((sum, { pool: { picker = {} } }) => {
    const { cpu } = { ...pickerResources, ...picker.resources };
    const processors = cpu.endsWith("m") ? Number(cpu.slice(0, -1)) / 1000 : Number(cpu);
    const onOne = Math.max(1, Math.floor(forPickers / processors));
    return sum + (picker.replicas ?? 1) / onOne;
  }, 0);
  const needed = Math.ceil(nodes);
  if (needed <= systemNodes) return [];
  return [
    `the pickers of this stack need ${needed} system nodes, and the cluster has at most ${systemNodes}: some would stay Pending, and the update would wait for them; to allow more: ${setCommand("cluster.systemNodes", needed)}`,
  ];
}

/** Why pools whose replicas are groups cannot be made here; undefined: they can, or there are none. */
export function poolsWithoutGroups(plan: Plan, served: Served): string | undefined {
  if (served.groups) return undefined;
  const names = plan.pools.filter(({ pool }) => pool.placement.hosts > 1).map(({ pool }) => pool.name);
  if (names.length === 0) return undefined;
  return [
    `Update refused. Nothing was changed. A replica of ${names.join(", ")} needs several nodes and is therefore a group of pods, and the cluster has no LeaderWorkerSet (leaderworkerset.x-k8s.io/v1).`,
    "  fix: kubectl apply --server-side -f https://github.com/kubernetes-sigs/lws/releases/download/v0.9.0/manifests.yaml, then pulumi up",
    "        (if this stack has not created the cluster yet: create it first, with a separate stack that has role: platform)",
  ].join("\n");
}
