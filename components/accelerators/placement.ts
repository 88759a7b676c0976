import { acceleratorNamed, type Accelerator, type Machine } from "./catalogue";

/** What one replica of a model server asks of the hardware. */
export interface Need {
  accelerator: string;
  /** GPUs or TPU chips one replica uses. */
  perReplica: number;
  /** A machine type instead of the one that is chosen. */
  machineType?: string;
}

export interface Placement {
  accelerator: Accelerator;
  machine: Machine;
  /** How many replicas fit on one machine. */
  replicasPerNode: number;
}

/**
 * The machine that a need is placed on: the first of the catalogue that carries one replica, unless one is named.
 * @returns what is wrong, in words that name what does exist, where there is none.
 */
export function place(need: Need): Placement | string {
  const accelerator = acceleratorNamed(need.accelerator);
  const counts = [...new Set(accelerator.machines.map(({ count }) => count))].sort((a, b) => a - b);
  const machine = chosenMachine(accelerator, need);
  if (machine === undefined) {
    return need.machineType === undefined
      ? `${need.accelerator} comes ${counts.join(", ")} to a machine, so a replica on one machine can use at most ${counts.at(-1)}`
      : `${need.machineType} does not carry ${need.accelerator}; ${accelerator.machines.map(({ type }) => type).join(", ")} do`;
  }
  if (machine.count < need.perReplica) {
    return `${machine.type} carries ${machine.count} x ${need.accelerator}, a replica needs ${need.perReplica}`;
  }
  // GKE hands out the chips of a TPU machine together: a replica takes the whole machine.
  if (accelerator.family === "tpu" && machine.count !== need.perReplica) {
    return `a replica uses all TPU chips of its machine: ${need.accelerator} comes ${counts.join(", ")} to a machine, not ${need.perReplica}`;
  }
  return { accelerator, machine, replicasPerNode: Math.floor(machine.count / need.perReplica) };
}

function chosenMachine(accelerator: Accelerator, need: Need): Machine | undefined {
  if (need.machineType !== undefined) {
    return accelerator.machines.find(({ type }) => type === need.machineType);
  }
  return accelerator.machines.find(({ count }) => count >= need.perReplica);
}

/** Machines that `replicas` replicas need. */
export function nodesFor(replicas: number, { replicasPerNode }: Placement): number {
  return Math.ceil(replicas / replicasPerNode);
}
