import { z } from "zod";
import { podSettings, type PodPatch } from "../../components/model-server/pod-settings";
import { shown, type Mistake } from "../messages/mistakes";
import { edits, fix, remove, set } from "../plan/config-edits";
import type { OwnedPool } from "../plan/service-config";
import { checkOverrides } from "./check-pod-settings";
import { existingName, object, optional, required, textOrObject } from "./fields";
import type { ServerInput } from "./server-keys";

/* Which pool a pool is like, and what that means where pods are copied. */

const longForm = object({
  pool: required(existingName(), {
    description: "The pool that this one is like.",
    example: "llm",
    change: "new-pool",
  }),
  overrides: optional(
    object({
      metadata: optional(z.record(z.string(), z.unknown(), { error: "an object" }), {
        description: "Labels and annotations of the pods.",
        default: "none",
        example: { annotations: { "acme.com/owner": "search" } },
        change: "new-pool",
      }),
      spec: optional(z.record(z.string(), z.unknown(), { error: "an object" }), {
        description: "The pod's spec.",
        default: "none",
        example: { runtimeClassName: "gvisor" },
        change: "new-pool",
      }),
    }),
    {
      description:
        "A strategic merge patch of copied pods, as in `podPatch`: containers have the names that they have in the copied pods. What the rollout depends on is refused, with its path.",
      default: "none",
      example: { spec: { schedulerName: "batch" } },
      change: "new-pool",
    },
  ),
});

/** The key `like` of a pool. */
export const likeType = textOrObject(
  existingName(),
  longForm,
  "the name of a pool, or an object with pool, overrides",
);

/** What counts of a pool here. */
interface Likable {
  like?: z.infer<typeof likeType> | undefined;
  existing?: boolean | undefined;
  namespace?: string | undefined;
  accelerator?: unknown;
  replicas?: unknown;
  server?: ServerInput | undefined;
  weights?: unknown;
}

/** The pool that a pool is like. */
export const likedBy = ({ like }: Likable = {}): string | undefined =>
  typeof like === "object" ? like.pool : like;

/** What a pool changes of the pods that it copies. */
function overridesIn({ like }: Likable): PodPatch | undefined {
  const { overrides } = typeof like === "object" ? like : {};
  const { metadata, spec } = overrides ?? {};
  if (metadata === undefined && spec === undefined) return undefined;
  return { ...(metadata === undefined ? {} : { metadata }), ...(spec === undefined ? {} : { spec }) };
}

/** Mistakes in what a pool changes of copied pods. @param copies whether it copies any. */
export function overridesOfCopy(key: string, own: Likable, copies: boolean): Mistake[] {
  const overrides = overridesIn(own);
  if (overrides === undefined) return [];
  if (copies) return checkOverrides(["pools", key, "like", "overrides"], overrides);
  const at = `pools.${key}.like.overrides`;
  return [
    {
      key: at,
      found: shown(overrides),
      allowed: `nothing: ${likedBy(own) ?? ""} is no copy of pods created outside this stack; use server.podPatch`,
      fix: edits(remove(at)),
    },
  ];
}

export interface LikeChain<P extends Likable> {
  /** The pool and those it is like, nearest first. */
  chain: readonly { name: string; input: P }[];
  /** What the last of them is like, where the config no longer declares it. */
  gone?: string | undefined;
}

/** The pool created outside this stack whose pods a pool runs, directly or as others of this stack keep them. */
export function originalOf(
  name: string,
  { chain, gone }: LikeChain<Likable>,
  namespace: string,
): Omit<NonNullable<OwnedPool["templateOf"]>, "engine" | "workload"> | undefined {
  const others = chain.filter((entry) => entry.name !== name);
  const between = others.filter(({ input }) => input.existing !== true);
  const through = between.map((entry) => entry.name);
  const own = chain.find((entry) => entry.name === name);
  const overrides = own && overridesIn(own.input);
  const overridesBetween = Object.fromEntries(
    between.flatMap((entry) => {
      const patch = overridesIn(entry.input);
      return patch === undefined ? [] : [[entry.name, patch]];
    }),
  );
  const changes = {
    ...(overrides === undefined ? {} : { overrides }),
    ...(Object.keys(overridesBetween).length === 0 ? {} : { overridesBetween }),
  };
  if (gone !== undefined) return { name: gone, namespace, through, undeclared: true, ...changes };
  const existing = others.find(({ input }) => input.existing === true);
  return (
    existing && {
      ...{ name: existing.name, namespace: existing.input.namespace ?? namespace, through },
      ...changes,
    }
  );
}

/** The chain of a pool; or what is wrong with it. */
export function likeChain<P extends Likable>(
  name: string,
  pools: Readonly<Record<string, P>>,
  names: readonly string[],
): LikeChain<P> | string {
  const chain: { name: string; input: P }[] = [];
  for (let at: string | undefined = name; at !== undefined; at = likedBy(pools[at])) {
    if (chain.some((entry) => entry.name === at))
      return "another pool: this chain of like leads back to the pool itself";
    const input: P | undefined = pools[at];
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
function mayHaveGone(chain: readonly { input: Likable }[]): boolean {
  const all = chain.map(({ input }) => input);
  return (
    all.some(({ accelerator }) => accelerator !== undefined) &&
    all.some(({ replicas }) => replicas !== undefined) &&
    all.every((input) => serverOfCopy("", "", input).length === 0)
  );
}

/** Settings that copied pods would ignore: they are refused, so that nobody relies on them. */
export function serverOfCopy(key: string, original: string, { server = {}, weights }: Likable): Mistake[] {
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
