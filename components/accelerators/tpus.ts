import { chipsOf, entriesOf, provisionings, type Accelerator, type Machine, type Slice } from "./accelerator";

/*
 * TPUs. Sources: GKE's TPU compute classes in accelerated-platforms (single machines), xpk's table of systems
 * (topologies of slices and the machines that make them up), GKE's page on TPU Ironwood (workload policy). Nothing of
 * it was tried on GKE by this project. GKE hands out the chips of a machine together, and the machines of a slice too.
 */

/** A machine type, the slice that one of it is, and the larger ones that several make up. */
const machine = (type: string, own: string, larger: readonly string[] = []): Machine => {
  const count = chipsOf(own);
  const slices = [own, ...larger].map((topology): Slice => ({ topology, hosts: chipsOf(topology) / count }));
  return { type, count, slices, provisioning: provisionings };
};

const tpu = entriesOf("tpu", "accelerated-platforms, TPU compute classes; xpk, system characteristics");

/** Slices of two sides (v5e, v6e); 2x4 also exists as one machine, which is chosen first. */
const flat = ["2x4", "4x4", "4x8", "8x8", "8x16", "16x16"];
/** Slices of three sides (v5p, 7x), up to 64 chips. */
const cubic = ["2x2x2", "2x2x4", "2x4x4", "4x4x4"];

export const tpus: readonly Accelerator[] = [
  tpu("tpu-v5-lite-podslice", "TPU v5e", 16, [
    machine("ct5lp-hightpu-1t", "1x1"),
    machine("ct5lp-hightpu-8t", "2x4"),
    machine("ct5lp-hightpu-4t", "2x2", flat),
  ]),
  tpu("tpu-v5p-slice", "TPU v5p", 95, [machine("ct5p-hightpu-4t", "2x2x1", cubic)]),
  tpu("tpu-v6e-slice", "TPU v6e", 32, [
    machine("ct6e-standard-1t", "1x1"),
    machine("ct6e-standard-8t", "2x4"),
    machine("ct6e-standard-4t", "2x2", flat),
  ]),
  tpu("tpu7x", "TPU 7x", 192, [machine("tpu7x-standard-4t", "2x2x1", cubic)], {
    workloadPolicy: { kind: "slice" },
    devicesPerChip: 2,
    source: "GKE, TPU Ironwood; xpk, system characteristics; tpu-recipes (two devices a chip)",
  }),
];
