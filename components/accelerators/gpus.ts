import { entriesOf, type Accelerator, type Machine, type Provisioning } from "./accelerator";

/*
 * GPUs. Sources: Compute Engine's page of GPU machine types (counts, how each can be provisioned) and its table of
 * machine types that come with Local SSD; GKE's compute classes in accelerated-platforms (which machine carries which
 * GKE accelerator); gpu-recipes and cluster-toolkit's blueprints gke-a4, gke-a4x, gke-a4x-max-bm (workload policy,
 * boot disks, networks). Nothing of it was tried on GKE by this project.
 */

const any: readonly Provisioning[] = ["on-demand", "spot", "reservation", "flex-start"];
/** accelerated-platforms' compute classes list these on demand all the same. */
const uncertain: readonly Provisioning[] = ["on-demand"];
/** Compute Engine: "you must create instances by using Spot VMs or Flex-start VMs". */
const notOnDemand = { by: ["spot", "flex-start"], uncertain } as const;
/** Compute Engine: reserve capacity, or use Spot VMs or Flex-start VMs. */
const scarce = { by: ["spot", "reservation", "flex-start"], uncertain } as const;
/** Compute Engine: "you must reserve capacity to create instances". */
const reserved: readonly Provisioning[] = ["reservation"];

type Row = Omit<Machine, "type" | "count" | "slices" | "provisioning"> & { by?: readonly Provisioning[] };

const machine = (type: string, count: number, { by = any, ...rest }: Row = {}): Machine => ({
  type,
  count,
  slices: [],
  provisioning: by,
  ...rest,
});

const gpu = entriesOf("gpu", "Compute Engine, GPU machine types; accelerated-platforms, GPU compute classes");

/** Grace: 18 machines of a rack share one NVLink domain. */
const rack: Partial<Accelerator> = {
  architecture: "arm64",
  network: "rdma",
  workloadPolicy: { kind: "rack", topology: "1x72", maxNodes: 18 },
};

const hyperdisk = "hyperdisk-balanced" as const;
const blueprint = (name: string): string => `Compute Engine, GPU machine types; cluster-toolkit, ${name}`;

export const gpus: readonly Accelerator[] = [
  gpu("nvidia-l4", "L4", 24, [
    machine("g2-standard-12", 1),
    machine("g2-standard-24", 2),
    machine("g2-standard-48", 4),
    machine("g2-standard-96", 8),
    // The other sizes with one GPU differ in processors and memory only: for who names them.
    machine("g2-standard-4", 1),
    machine("g2-standard-8", 1),
    machine("g2-standard-16", 1),
    machine("g2-standard-32", 1),
  ]),
  gpu("nvidia-rtx-pro-6000", "RTX PRO 6000", 96, [
    machine("g4-standard-48", 1),
    machine("g4-standard-96", 2),
    machine("g4-standard-192", 4),
    machine("g4-standard-384", 8),
    machine("g4-standard-6", 1, { share: "1/8" }),
    machine("g4-standard-12", 1, { share: "1/4" }),
    machine("g4-standard-24", 1, { share: "1/2" }),
  ]),
  gpu("nvidia-tesla-a100", "A100 40 GB", 40, [
    machine("a2-highgpu-1g", 1),
    machine("a2-highgpu-2g", 2),
    machine("a2-highgpu-4g", 4),
    machine("a2-highgpu-8g", 8),
  ]),
  gpu("nvidia-a100-80gb", "A100 80 GB", 80, [
    machine("a2-ultragpu-1g", 1, { localSsds: 1 }),
    machine("a2-ultragpu-2g", 2, { localSsds: 2 }),
    machine("a2-ultragpu-4g", 4, { localSsds: 4 }),
    machine("a2-ultragpu-8g", 8, { localSsds: 8 }),
  ]),
  gpu("nvidia-h100-80gb", "H100", 80, [
    machine("a3-highgpu-1g", 1, { ...notOnDemand, localSsds: 2 }),
    machine("a3-highgpu-2g", 2, { ...notOnDemand, localSsds: 4 }),
    machine("a3-highgpu-4g", 4, { ...notOnDemand, localSsds: 8 }),
    machine("a3-highgpu-8g", 8, { localSsds: 16 }),
  ]),
  gpu("nvidia-h100-mega-80gb", "H100 Mega", 80, [machine("a3-megagpu-8g", 8, { localSsds: 16 })]),
  gpu("nvidia-h200-141gb", "H200", 141, [machine("a3-ultragpu-8g", 8, { ...scarce, localSsds: 32 })], {
    network: "rdma",
    source: blueprint("gke-a3-ultragpu"),
  }),
  gpu("nvidia-b200", "B200", 180, [machine("a4-highgpu-8g", 8, { ...scarce, localSsds: 32 })], {
    network: "rdma",
    source: blueprint("gke-a4"),
  }),
  gpu(
    "nvidia-gb200",
    "GB200",
    186,
    [machine("a4x-highgpu-4g", 4, { by: reserved, localSsds: 4, bootDisk: hyperdisk })],
    {
      ...rack,
      source: blueprint("gke-a4x"),
    },
  ),
  gpu(
    "nvidia-gb300",
    "GB300",
    279,
    [machine("a4x-maxgpu-4g-metal", 4, { by: reserved, localSsds: 4, bootDisk: hyperdisk })],
    {
      ...rack,
      bareMetal: true,
      source: blueprint("gke-a4x-max-bm"),
    },
  ),
];
