/** What a node of a machine type has. */
export interface Machine {
  cpus: number;
  memoryGb: number;
  /** Processors other than x86. */
  arch?: "arm64";
  accelerator?: {
    /** As in guestAccelerators, or the label value for TPUs. */
    type: string;
    count: number;
    kind: "gpu" | "tpu";
  };
}

const gpu = (type: string, count: number, cpus: number, memoryGb: number): Machine => ({
  cpus,
  memoryGb,
  accelerator: { type, count, kind: "gpu" },
});
const tpu = (type: string, count: number, cpus: number, memoryGb: number): Machine => ({
  cpus,
  memoryGb,
  accelerator: { type, count, kind: "tpu" },
});

/**
 * Machines that come with accelerators. Counts: shared research (GKE compute classes of accelerated-platforms);
 * sizes: Compute Engine's machine type tables.
 */
const accelerated: Readonly<Record<string, Machine>> = {
  "g2-standard-4": gpu("nvidia-l4", 1, 4, 16),
  "g2-standard-8": gpu("nvidia-l4", 1, 8, 32),
  "g2-standard-12": gpu("nvidia-l4", 1, 12, 48),
  "g2-standard-16": gpu("nvidia-l4", 1, 16, 64),
  "g2-standard-32": gpu("nvidia-l4", 1, 32, 128),
  "g2-standard-24": gpu("nvidia-l4", 2, 24, 96),
  "g2-standard-48": gpu("nvidia-l4", 4, 48, 192),
  "g2-standard-96": gpu("nvidia-l4", 8, 96, 384),
  "g4-standard-6": gpu("nvidia-rtx-pro-6000", 1, 6, 22),
  "g4-standard-12": gpu("nvidia-rtx-pro-6000", 1, 12, 45),
  "g4-standard-24": gpu("nvidia-rtx-pro-6000", 1, 24, 90),
  "g4-standard-48": gpu("nvidia-rtx-pro-6000", 1, 48, 180),
  "g4-standard-96": gpu("nvidia-rtx-pro-6000", 2, 96, 360),
  "g4-standard-192": gpu("nvidia-rtx-pro-6000", 4, 192, 720),
  "g4-standard-384": gpu("nvidia-rtx-pro-6000", 8, 384, 1440),
  "a2-highgpu-1g": gpu("nvidia-tesla-a100", 1, 12, 85),
  "a2-highgpu-2g": gpu("nvidia-tesla-a100", 2, 24, 170),
  "a2-highgpu-4g": gpu("nvidia-tesla-a100", 4, 48, 340),
  "a2-highgpu-8g": gpu("nvidia-tesla-a100", 8, 96, 680),
  "a2-megagpu-16g": gpu("nvidia-tesla-a100", 16, 96, 1360),
  "a2-ultragpu-1g": gpu("nvidia-a100-80gb", 1, 12, 170),
  "a2-ultragpu-2g": gpu("nvidia-a100-80gb", 2, 24, 340),
  "a2-ultragpu-4g": gpu("nvidia-a100-80gb", 4, 48, 680),
  "a2-ultragpu-8g": gpu("nvidia-a100-80gb", 8, 96, 1360),
  "a3-highgpu-1g": gpu("nvidia-h100-80gb", 1, 26, 234),
  "a3-highgpu-2g": gpu("nvidia-h100-80gb", 2, 52, 468),
  "a3-highgpu-4g": gpu("nvidia-h100-80gb", 4, 104, 936),
  "a3-highgpu-8g": gpu("nvidia-h100-80gb", 8, 208, 1872),
  "a3-megagpu-8g": gpu("nvidia-h100-mega-80gb", 8, 208, 1872),
  "a3-ultragpu-8g": gpu("nvidia-h200-141gb", 8, 224, 2952),
  "a4-highgpu-8g": gpu("nvidia-b200", 8, 224, 3968),
  "a4x-highgpu-4g": { ...gpu("nvidia-gb200", 4, 140, 884), arch: "arm64" },
  "a4x-maxgpu-4g-metal": { ...gpu("nvidia-gb300", 4, 144, 960), arch: "arm64" },
  "ct4p-hightpu-4t": tpu("tpu-v4-podslice", 4, 240, 407),
  "ct5lp-hightpu-1t": tpu("tpu-v5-lite-podslice", 1, 24, 48),
  "ct5lp-hightpu-4t": tpu("tpu-v5-lite-podslice", 4, 112, 192),
  "ct5lp-hightpu-8t": tpu("tpu-v5-lite-podslice", 8, 224, 384),
  "ct5p-hightpu-4t": tpu("tpu-v5p-slice", 4, 208, 448),
  "ct6e-standard-1t": tpu("tpu-v6e-slice", 1, 44, 176),
  "ct6e-standard-4t": tpu("tpu-v6e-slice", 4, 180, 720),
  "ct6e-standard-8t": tpu("tpu-v6e-slice", 8, 180, 1440),
  "tpu7x-standard-4t": tpu("tpu7x", 4, 224, 960),
};

/** GPUs that are attached to N1 machines, with the counts that are allowed. */
const attachable: Readonly<Record<string, readonly number[]>> = {
  "nvidia-tesla-t4": [1, 2, 4],
  "nvidia-tesla-p4": [1, 2, 4],
  "nvidia-tesla-p100": [1, 2, 4],
  "nvidia-tesla-v100": [1, 2, 4, 8],
};

export type Way = "on-demand" | "spot" | "flex-start" | "reservation";

/**
 * Machines that cannot be had in every way. Source: Compute Engine's page of GPU machine types ("you must create
 * instances by using Spot VMs or Flex-start VMs", "you must reserve capacity").
 */
const ways: Readonly<Record<string, readonly Way[]>> = {
  "a3-highgpu-1g": ["spot", "flex-start"],
  "a3-highgpu-2g": ["spot", "flex-start"],
  "a3-highgpu-4g": ["spot", "flex-start"],
  "a3-ultragpu-8g": ["spot", "flex-start", "reservation"],
  "a4-highgpu-8g": ["spot", "flex-start", "reservation"],
  "a4x-highgpu-4g": ["reservation"],
  "a4x-maxgpu-4g-metal": ["reservation"],
};

/** Ways in which a machine type can be had; undefined: all. */
export function waysOf(type: string): readonly Way[] | undefined {
  return ways[type];
}

/** Local SSDs that come with a machine, whatever is asked for. Source: Compute Engine's table of Local SSDs. */
const ownSsds: Readonly<Record<string, number>> = {
  ...{ "a2-ultragpu-1g": 1, "a2-ultragpu-2g": 2, "a2-ultragpu-4g": 4, "a2-ultragpu-8g": 8 },
  ...{ "a3-highgpu-1g": 2, "a3-highgpu-2g": 4, "a3-highgpu-4g": 8, "a3-highgpu-8g": 16, "a3-megagpu-8g": 16 },
  ...{ "a3-ultragpu-8g": 32, "a4-highgpu-8g": 32, "a4x-highgpu-4g": 4, "a4x-maxgpu-4g-metal": 4 },
};

export function localSsdsOf(type: string): number | undefined {
  return ownSsds[type];
}

/** Machines of a rack: they boot from Hyperdisk only and stand together by a workload policy. */
export function isRackMachine(type: string): boolean {
  return type.startsWith("a4x-");
}

/** Slices of two sides that exist. Source: GKE's page on planning TPUs. */
const flatSlices = new Set(["2x4", "4x4", "4x8", "8x8", "8x16", "16x16"]);

/** Whether a slice of several machines has a shape that TPUs are cabled for. */
export function isSliceShape(machineType: string, topology: string): boolean {
  const sides = topology.split("x").map(Number);
  if (machineType.startsWith("ct5lp-") || machineType.startsWith("ct6e-")) return flatSlices.has(topology);
  if (["2x2x2", "2x2x4", "2x4x4"].includes(topology)) return true;
  // Larger ones are made of cubes of 4x4x4, the shortest side first.
  return (
    sides.length === 3 &&
    sides.every((side, i) => side % 4 === 0 && side > 0 && (i === 0 || (sides[i - 1] ?? 0) <= side))
  );
}

/** Topologies of TPU machines that are one node by themselves; a larger one spans several nodes. */
export const tpuTopologies: Readonly<Record<string, { single: string; multi: boolean }>> = {
  "ct4p-hightpu-4t": { single: "2x2x1", multi: true },
  "ct5lp-hightpu-1t": { single: "1x1", multi: false },
  "ct5lp-hightpu-4t": { single: "2x2", multi: true },
  "ct5lp-hightpu-8t": { single: "2x4", multi: false },
  "ct5p-hightpu-4t": { single: "2x2x1", multi: true },
  "ct6e-standard-1t": { single: "1x1", multi: false },
  "ct6e-standard-4t": { single: "2x2", multi: true },
  "ct6e-standard-8t": { single: "2x4", multi: false },
  "tpu7x-standard-4t": { single: "2x2x1", multi: true },
};

const general =
  /^(e2|n1|n2|n2d|n4|c2|c2d|c3|c3d|c4|c4a|c4d|t2a|t2d|h3|z3)-(standard|highmem|highcpu)-(\d+)(?:-lssd)?$/;
const shared: Readonly<Record<string, Machine>> = {
  "e2-micro": { cpus: 2, memoryGb: 1 },
  "e2-small": { cpus: 2, memoryGb: 2 },
  "e2-medium": { cpus: 2, memoryGb: 4 },
};
const memoryPerCpu = { standard: 4, highmem: 8, highcpu: 1 } as const;

export const defaultMachineType = "e2-medium";

/** What a machine type has; undefined where the lab does not know it. */
export function machine(type: string): Machine | undefined {
  const [, , size, cpus] = general.exec(type) ?? [];
  if (cpus !== undefined && (size === "standard" || size === "highmem" || size === "highcpu"))
    return { cpus: Number(cpus), memoryGb: Number(cpus) * memoryPerCpu[size] };
  return accelerated[type] ?? shared[type];
}

/** Whether a type of GPU exists at all. */
export function isGpuType(type: string): boolean {
  return (
    type in attachable || Object.values(accelerated).some(({ accelerator }) => accelerator?.type === type)
  );
}

/** Counts of a GPU that a machine type can have. */
export function gpuCounts(machineType: string, gpuType: string): readonly number[] {
  const own = machine(machineType)?.accelerator;
  if (own?.kind === "gpu") return own.type === gpuType ? [own.count] : [];
  return machineType.startsWith("n1-") ? (attachable[gpuType] ?? []) : [];
}

export function machineFamily(type: string): string {
  return type.split("-")[0] ?? type;
}

/** Chips of a TPU topology, `2x2x2`; undefined where it is none. */
export function topologyChips(topology: string): number | undefined {
  if (!/^\d+(x\d+){1,2}$/.test(topology)) return undefined;
  return topology.split("x").reduce((chips, side) => chips * Number(side), 1);
}
