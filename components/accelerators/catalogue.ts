/**
 * Accelerators that GKE offers, the machines that carry them and how many each carries.
 *
 * `source` says where a row comes from; `status` says whether anybody of this project ran it on GKE. Nothing here
 * has been tried on GKE yet, so every row is "documented".
 */

export interface Machine {
  /** Compute Engine machine type. */
  type: string;
  /** GPUs or TPU chips on one machine. */
  count: number;
  /** TPU only: the slice topology that one machine of this type makes up alone. */
  topology?: string;
}

export interface Accelerator {
  /** GKE's own name: the value of the node label, and what the config says. */
  name: string;
  family: "gpu" | "tpu";
  /** Machines in the order in which they are chosen: the first that carries enough for a replica. */
  machines: readonly Machine[];
  source: string;
  status: "documented" | "tried on GKE";
}

const gkeGpus = "GKE's list of GPU machine types, as in accelerated-platforms' compute classes";
const gkeTpus = "GKE's list of TPU machine types, as in accelerated-platforms' compute classes";

const gpu = (name: string, machines: [string, number][], source = gkeGpus): Accelerator => ({
  name,
  family: "gpu",
  machines: machines.map(([type, count]) => ({ type, count })),
  source,
  status: "documented",
});

const tpu = (name: string, machines: [string, number, string][], source = gkeTpus): Accelerator => ({
  name,
  family: "tpu",
  machines: machines.map(([type, count, topology]) => ({ type, count, topology })),
  source,
  status: "documented",
});

export const accelerators: readonly Accelerator[] = [
  gpu("nvidia-l4", [
    ["g2-standard-12", 1],
    ["g2-standard-24", 2],
    ["g2-standard-48", 4],
    ["g2-standard-96", 8],
    ["g2-standard-4", 1],
    ["g2-standard-8", 1],
    ["g2-standard-16", 1],
    ["g2-standard-32", 1],
  ]),
  gpu("nvidia-rtx-pro-6000", [
    ["g4-standard-48", 1],
    ["g4-standard-96", 2],
    ["g4-standard-192", 4],
    ["g4-standard-384", 8],
  ]),
  gpu("nvidia-tesla-a100", [
    ["a2-highgpu-1g", 1],
    ["a2-highgpu-2g", 2],
  ]),
  gpu("nvidia-a100-80gb", [["a2-ultragpu-1g", 1]]),
  gpu("nvidia-h100-80gb", [
    ["a3-highgpu-1g", 1],
    ["a3-highgpu-2g", 2],
    ["a3-highgpu-4g", 4],
    ["a3-highgpu-8g", 8],
  ]),
  gpu("nvidia-h100-mega-80gb", [["a3-megagpu-8g", 8]]),
  gpu("nvidia-h200-141gb", [["a3-ultragpu-8g", 8]]),
  gpu("nvidia-b200", [["a4-highgpu-8g", 8]], "gpu-recipes, configuring-environment-gke-a4"),
  gpu("nvidia-gb200", [["a4x-highgpu-4g", 4]], "gpu-recipes, configuring-environment-gke-a4x"),
  gpu("nvidia-gb300", [["a4x-maxgpu-4g-metal", 4]], "gpu-recipes, inference/a4xmax"),
  tpu("tpu-v5-lite-podslice", [
    ["ct5lp-hightpu-1t", 1, "1x1"],
    ["ct5lp-hightpu-4t", 4, "2x2"],
    ["ct5lp-hightpu-8t", 8, "2x4"],
  ]),
  tpu("tpu-v5p-slice", [["ct5p-hightpu-4t", 4, "2x2x1"]]),
  tpu("tpu-v6e-slice", [
    ["ct6e-standard-1t", 1, "1x1"],
    ["ct6e-standard-4t", 4, "2x2"],
    ["ct6e-standard-8t", 8, "2x4"],
  ]),
  tpu("tpu7x", [["tpu7x-standard-4t", 4, "2x2x1"]], "GKE's documentation of TPU Ironwood"),
];

export const acceleratorNames: readonly string[] = accelerators.map(({ name }) => name);

/** @throws Error for a name that validation should have refused. */
export function acceleratorNamed(name: string): Accelerator {
  const found = accelerators.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no accelerator named ${name}`);
  return found;
}

/** Kubernetes' resource name of an accelerator. */
export const resourceName = ({ family }: Accelerator): string =>
  family === "gpu" ? "nvidia.com/gpu" : "google.com/tpu";
