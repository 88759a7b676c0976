import { acceleratorNamed } from "../../components/accelerators/accelerators";
import { defaultEngine } from "../../components/engines/catalogue";
import { podSettings } from "../../components/model-server/pod-settings";
import { shown, type Mistake } from "../messages/mistakes";
import { fix, remove, set } from "../plan/config-edits";
import type { OwnedPool } from "../plan/service-config";
import { mergedSettings } from "./check-pod-settings";
import { inheritPicker } from "./picker-keys";
import type { PoolInput } from "./pool-keys";
import type { ServerInput } from "./server-keys";

/* What a pool takes over from the pool that it is `like`, and from whom a copy has its pods. */

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

/** Settings that copied pods would ignore: they are refused, so that nobody relies on them. */
export function serverOfCopy(key: string, original: string, { server = {}, weights }: PoolInput): Mistake[] {
  const ignored = [
    ...(["version", "image", "args", "port"] as const)
      .filter((field) => server[field] !== undefined)
      .map((field) => [`server.${field}`, server[field]] as const),
    ...podSettings
      .filter((field) => server.settings?.[field] !== undefined)
      .map((field) => [`server.${field}`, field === "env" ? "variables" : server.settings?.[field]] as const),
    ...(weights === undefined ? [] : [["weights", weights] as const]),
  ];
  return ignored.map(([field, value]) => ({
    key: `${key}.${field}`,
    found: shown(value),
    allowed: `nothing: ${key} copies the pods of ${original}, and this is part of them`,
    fix: fix`${remove(`${key}.${field}`)} (or use a model server of its own: ${[remove(`${key}.like`), set(`${key}.model`, "MODEL")]})`,
  }));
}

interface LikeChain {
  /** The pool and those it is like, nearest first. */
  chain: readonly { name: string; input: PoolInput }[];
  /** What the last of them is like, where the config no longer declares it. */
  gone?: string | undefined;
}

/** The pool created outside this stack whose pods a pool runs, directly or as others of this stack keep them. */
export function originalOf(
  name: string,
  { chain, gone }: LikeChain,
  namespace: string,
): Omit<NonNullable<OwnedPool["templateOf"]>, "engine" | "workload"> | undefined {
  const others = chain.filter((entry) => entry.name !== name);
  const through = others.filter(({ input }) => input.existing !== true).map((entry) => entry.name);
  if (gone !== undefined) return { name: gone, namespace, through, undeclared: true };
  const existing = others.find(({ input }) => input.existing === true);
  return existing && { name: existing.name, namespace: existing.input.namespace ?? namespace, through };
}

/** The chain of a pool; or what is wrong with it. */
export function likeChain(
  name: string,
  pools: Readonly<Record<string, PoolInput>>,
  names: readonly string[],
): LikeChain | string {
  const chain: { name: string; input: PoolInput }[] = [];
  for (let at: string | undefined = name; at !== undefined; at = pools[at]?.like) {
    if (chain.some((entry) => entry.name === at))
      return "another pool: this chain of like leads back to the pool itself";
    const input: PoolInput | undefined = pools[at];
    if (input === undefined) {
      // A pool whose own mistakes are reported already is not reported again as unknown.
      if (names.includes(at)) return { chain };
      return mayHaveGone(chain) ? { chain, gone: at } : `one of the pools ${names.join(", ")}`;
    }
    chain.push({ name: at, input });
    if (input.existing === true && at !== name) break;
  }
  return { chain };
}

/**
 * Whether the pool that the last one is like may have been one created outside this stack, which its owner removed: its
 * copies keep what they need of it. Then no setting can be missing; the plan refuses it where nothing is kept.
 */
function mayHaveGone(chain: readonly { input: PoolInput }[]): boolean {
  const all = chain.map(({ input }) => input);
  return (
    all.some(({ accelerator }) => accelerator !== undefined) &&
    all.some(({ replicas }) => replicas !== undefined) &&
    all.every((input) => serverOfCopy("", "", input).length === 0)
  );
}
