import { acceleratorNamed } from "../../components/accelerators/accelerators";
import { defaultEngine } from "../../components/engines/catalogue";
import { mergedSettings } from "./check-pod-settings";
import { inheritPicker } from "./picker-keys";
import type { PoolInput } from "./pool-keys";
import type { ServerInput } from "./server-keys";

/* What a pool takes over from the pool that it is `like`. */

/**
 * Settings of a pool over those of the one it is like. What only makes sense for the other pool's accelerator is left
 * out if this one has another accelerator.
 */
export function inherit(base: PoolInput, own: PoolInput): PoolInput {
  const other = own.accelerator !== undefined && base.accelerator !== undefined;
  if (!other || own.accelerator === base.accelerator) {
    // Provisioned in another way, the nodes use no reservation and have no fallback.
    const kept = own.provisioning === undefined ? base : without(base, ["reservation", "fallback"]);
    return { ...kept, ...own, ...inheritPicker(base, own), ...inheritedServer(base.server, own.server) };
  }
  const families = [base.accelerator, own.accelerator].map((name) => acceleratorNamed(name ?? "").family);
  return {
    ...without(base, [
      "machineType",
      "reservation",
      "fallback",
      "provisioning",
      "acceleratorNetwork",
      "nodeLabels",
      ...(families[0] === families[1] ? [] : (["acceleratorsPerReplica", "driver", "imageCache"] as const)),
    ]),
    ...own,
    ...inheritPicker(base, own),
    ...inheritedServer(base.server, own.server),
  };
}

/**
 * A pool's own `server` over that of the pool it is like: another version still has the same environment and volumes.
 * Image, arguments and port are those of the pool's own `server` alone. With another engine nothing is taken over.
 */
function inheritedServer(
  base: ServerInput | undefined,
  own: ServerInput | undefined,
): Pick<PoolInput, "server"> {
  if (base?.settings === undefined || own === undefined) return {};
  if (own.engine !== undefined && own.engine !== (base.engine ?? defaultEngine.name)) return {};
  return { server: { ...own, settings: mergedSettings(base.settings, own.settings ?? {}) } };
}

function without(input: PoolInput, keys: readonly (keyof PoolInput)[]): PoolInput {
  return Object.fromEntries(Object.entries(input).filter(([key]) => !keys.includes(key as keyof PoolInput)));
}
