import type { Accelerator } from "./accelerator";
import { gpus } from "./gpus";
import { tpus } from "./tpus";

/**
 * Accelerators that GKE offers, and the machines that carry them. Each row says where its facts come from (`source`)
 * and whether anybody of this project ran it on GKE (`status`): nothing has been tried there yet.
 */
export const accelerators: readonly Accelerator[] = [...gpus, ...tpus];

export const acceleratorNames: readonly string[] = accelerators.map(({ name }) => name);

/** @throws Error for a name that validation should have refused. */
export function acceleratorNamed(name: string): Accelerator {
  const found = accelerators.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no accelerator named ${name}`);
  return found;
}

export { resourceName } from "./accelerator";
export type { Accelerator, Machine } from "./accelerator";
