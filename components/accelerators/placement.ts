import type { Accelerator, Machine, Provisioning, Slice } from "./accelerator";
import { acceleratorNamed } from "./accelerators";

/** What one replica of a model server needs of the hardware. */
export interface Need {
  accelerator: string;
  /** GPUs or TPU chips one replica uses. */
  perReplica: number;
  /** A machine type instead of the one that is chosen. */
  machineType?: string;
  /** How the machines are bought. Default: any way there is. */
  provisioning?: Provisioning;
}

export interface Placement {
  accelerator: Accelerator;
  machine: Machine;
  /** How many replicas fit on one machine; 1 where a replica takes several. */
  replicasPerNode: number;
  /** Machines of one replica: more than 1 for a slice of several hosts, where a replica is a group of pods. */
  hosts: number;
  /** TPU only: topology of the slice that one replica runs on. */
  topology?: string;
}

/** Why a need cannot be met. */
export interface Misfit {
  /** The part of the need to change. */
  field: "acceleratorsPerReplica" | "machineType" | "provisioning";
  /** What does exist, in words. */
  reason: string;
  /** A value of that part that would do; absent where none does. */
  nearest?: string;
}

export const isMisfit = (found: Placement | Misfit): found is Misfit => "reason" in found;

/** One way to run a replica: a machine, for TPUs with a slice. */
interface Candidate {
  machine: Machine;
  slice?: Slice;
  /** GPUs or chips it offers a replica. */
  offers: number;
}

/**
 * The machines that a replica is placed on: the first of the catalogue that carry it and are available with its provisioning. A TPU
 * replica takes whole slices; where one machine is a slice large enough, it is preferred to several.
 * @returns what does not fit, naming the nearest that does exist.
 */
export function place(need: Need): Placement | Misfit {
  const accelerator = acceleratorNamed(need.accelerator);
  const all = candidatesOf(accelerator);
  const named =
    need.machineType === undefined
      ? all.filter(({ machine }) => machine.share === undefined)
      : all.filter(({ machine }) => machine.type === need.machineType);
  if (named.length === 0) return wrongMachine(accelerator, need);
  const fitting = named.filter((candidate) => carries(accelerator, candidate, need.perReplica));
  if (fitting.length === 0) return wrongCount(accelerator, named, need);
  const best =
    fitting.find(({ machine, slice }) => isAvailable(machine, slice, need.provisioning)) ??
    fitting.find(({ machine }) => isUncertain(machine, need.provisioning));
  if (best === undefined) return wrongProvisioning(accelerator, fitting, need);
  const { machine, slice } = best;
  const hosts = slice?.hosts ?? 1;
  return {
    accelerator,
    machine,
    hosts,
    replicasPerNode: slice === undefined ? Math.floor(machine.count / need.perReplica) : 1,
    ...(slice === undefined ? {} : { topology: slice.topology }),
  };
}

/** One machine each first, then slices from small to large, each in the catalogue's order. */
function candidatesOf({ machines }: Accelerator): Candidate[] {
  const all = machines.flatMap((machine): Candidate[] =>
    machine.slices.length === 0
      ? [{ machine, offers: machine.count }]
      : machine.slices.map((slice) => ({ machine, slice, offers: machine.count * slice.hosts })),
  );
  return all
    .map((candidate, i) => ({ candidate, i }))
    .sort((a, b) => (a.candidate.slice?.hosts ?? 1) - (b.candidate.slice?.hosts ?? 1) || a.i - b.i)
    .map(({ candidate }) => candidate);
}

function carries({ family }: Accelerator, { offers }: Candidate, perReplica: number): boolean {
  return family === "gpu" ? offers >= perReplica : offers === perReplica;
}

/** Flex-start is documented for slices of a single machine only. */
function isAvailable(
  machine: Machine,
  slice: Slice | undefined,
  provisioning: Provisioning | undefined,
): boolean {
  if (provisioning === "flex-start" && (slice?.hosts ?? 1) > 1) return false;
  return provisioning === undefined || machine.provisioning.includes(provisioning);
}

/** Whether it is uncertain that the machine can be bought this way: see {@link Machine.uncertain}. */
export function isUncertain({ uncertain = [] }: Machine, provisioning: Provisioning | undefined): boolean {
  return provisioning !== undefined && uncertain.includes(provisioning);
}

function wrongMachine(accelerator: Accelerator, { machineType }: Need): Misfit {
  const types = accelerator.machines.map(({ type }) => type);
  return {
    field: "machineType",
    reason: `${machineType ?? ""} does not have ${accelerator.name}; machine types that do: ${types.join(", ")}`,
    ...(types[0] === undefined ? {} : { nearest: types[0] }),
  };
}

function wrongCount(accelerator: Accelerator, named: readonly Candidate[], need: Need): Misfit {
  const { name, family } = accelerator;
  const counts = [...new Set(named.map(({ offers }) => offers))].sort((a, b) => a - b);
  const nearest = [...counts].sort(
    (a, b) => Math.abs(a - need.perReplica) - Math.abs(b - need.perReplica) || b - a,
  )[0];
  const whose = need.machineType === undefined ? name : `${name} on ${need.machineType}`;
  const reason =
    family === "gpu"
      ? `${whose} has ${counts.join(", ")} GPUs per node, and a replica runs on one node: at most ${counts.at(-1) ?? 0}, not ${need.perReplica}`
      : `a replica uses all chips of its slice: ${whose} has slices of ${counts.join(", ")} chips, not ${need.perReplica}`;
  return {
    field: "acceleratorsPerReplica",
    reason,
    ...(nearest === undefined ? {} : { nearest: String(nearest) }),
  };
}

function wrongProvisioning(accelerator: Accelerator, fitting: readonly Candidate[], need: Need): Misfit {
  const ways = fitting.map(({ machine, slice }) => ({
    what: slice === undefined || slice.hosts === 1 ? machine.type : `${machine.type} (${slice.topology})`,
    by: machine.provisioning.filter((way) => isAvailable(machine, slice, way)),
  }));
  const offered = ways.map(({ what, by }) => `${what} as ${by.join(", ")}`).join("; ");
  const nearest = ways[0]?.by[0];
  return {
    field: "provisioning",
    reason: `${accelerator.name} is not available as ${need.provisioning ?? ""} with ${need.perReplica} per replica; available: ${offered}`,
    ...(nearest === undefined ? {} : { nearest }),
  };
}

/** Where a replica of a pool with this hardware is placed; computed once, when the hardware is known. */
export function placementOf(
  hardware: Omit<Need, "perReplica"> & { acceleratorsPerReplica: number },
): Placement | Misfit {
  return place({ ...hardware, perReplica: hardware.acceleratorsPerReplica });
}

/** Machines that `replicas` replicas need. */
export function nodesFor(replicas: number, { replicasPerNode, hosts }: Placement): number {
  return hosts > 1 ? replicas * hosts : Math.ceil(replicas / replicasPerNode);
}
