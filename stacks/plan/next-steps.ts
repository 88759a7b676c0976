import { namesLostByPromotion } from "./client-names";
import { pulumiUp, remove, run, set, type Command, type ConfigEdit } from "./config-edits";
import { holds } from "./latch";
import type { AdapterVersion, ServiceConfig } from "./service-config";
import type { Plan } from "./model";
import { shareIn } from "./shares";

/*
 * What comes next in a rollout, and what goes back, counted from what is deployed: a step that failed is taken again,
 * and none is left out. The outputs `next` and `back`, the status and the moves of the rollout command all say this.
 */

/** weight: the share moves. update: the config says it already, and an update carries it out. */
export type Step =
  | { kind: "weight"; weight: number; edits: readonly ConfigEdit[] }
  | { kind: "promote" | "abandon"; edits: readonly ConfigEdit[] }
  | { kind: "resume" }
  | { kind: "update" };

export interface Steps {
  next: Step;
  back: Step;
}

/** How far a candidate pool, or a new version of an adapter, has come. */
export interface Standing {
  /** Percent that the last successful update gave it. */
  share: number;
  /** Whether that update knew it. */
  staged: boolean;
  /** Of the config; in any order. */
  ladder: readonly number[];
}

/** The ladder's weights, lowest first, each once. */
export const sortedLadder = (ladder: readonly number[]): number[] =>
  [...new Set(ladder)].sort((a, b) => a - b);

/** The weight of the next step up; 0 for what is still to be staged. Undefined: the ladder has no higher step. */
export const nextWeight = ({ share, staged, ladder }: Standing): number | undefined =>
  staged ? sortedLadder(ladder).find((weight) => weight > share) : 0;

export interface PoolStanding extends Standing {
  candidate: string;
  latched: boolean;
  /** Weight in the config: it can be ahead of what is deployed. */
  configured: number;
  /** Names of the base model that become aliases with the promotion, and the place of the first of them. */
  keeps?: { names: readonly string[]; at: number };
}

/** Of a candidate pool. */
export function poolSteps(standing: PoolStanding): Steps {
  const { candidate, share, latched, configured, keeps } = standing;
  const back = share === 0 ? abandon : toWeight(0);
  if (latched) {
    // Rolled back in the config, and not yet in the cluster.
    return { next: configured < share ? { kind: "update" } : { kind: "resume" }, back };
  }
  if (share < 100) return { next: toWeight(nextWeight(standing) ?? 100), back };
  const aliases = keeps === undefined ? [] : aliasEdits(keeps.names, keeps.at);
  return { next: { kind: "promote", edits: [...aliases, ...promotion(candidate)] }, back };
}

const toWeight = (weight: number): Step => ({ kind: "weight", weight, edits: [set("weight", weight)] });

const abandon: Step = { kind: "abandon", edits: [remove("candidate"), remove("weight")] };

/** The edits that make the candidate the stable pool. */
export const promotion = (candidate: string): ConfigEdit[] => [
  set("stable", candidate),
  remove("candidate"),
  remove("weight"),
];

/** The old model's names go on being answered after a promotion only where the config says so. */
export const aliasEdits = (names: readonly string[], at: number): ConfigEdit[] =>
  names.map((name, i) => set(["aliases", at + i], name));

export interface VersionStanding extends Standing {
  /** Place of the adapter in the config's list. */
  index: number;
  candidate: Pick<AdapterVersion, "version" | "source">;
}

/** Of a new version of an adapter. */
export function versionSteps(standing: VersionStanding): Steps {
  const { index, share, candidate } = standing;
  const at = ["adapters", index];
  const toShare = (weight: number): Step => ({
    kind: "weight",
    weight,
    edits: [set([...at, "weight"], weight)],
  });
  const without = [remove([...at, "candidate"]), remove([...at, "weight"])];
  const version = [set([...at, "version"], candidate.version), set([...at, "source"], candidate.source)];
  return {
    next:
      share < 100
        ? toShare(nextWeight(standing) ?? 100)
        : { kind: "promote", edits: [...version, ...without] },
    back: share === 0 ? { kind: "abandon", edits: without } : toShare(0),
  };
}

/** After an update that carried a plan out; undefined: nothing is rolled out. */
export function stepsAfter(config: ServiceConfig, plan: Plan): Steps | undefined {
  const { ladder } = config;
  const { candidate } = plan;
  if (candidate === undefined) {
    const adapter = config.adapters.find((one) => one.candidate !== undefined);
    if (adapter?.candidate === undefined) return undefined;
    const { index, weight, candidate: version } = adapter;
    return versionSteps({ index, share: weight, staged: true, candidate: version, ladder });
  }
  const share = shareIn(plan.shares, candidate.name);
  return poolSteps({
    candidate: candidate.name,
    share,
    configured: share,
    staged: true,
    latched: plan.latches.some((latch) => holds(latch) && latch.candidate === candidate.name),
    ladder,
    keeps: { names: namesLostByPromotion(config), at: config.aliases.length },
  });
}

/** A step as commands of the Pulumi CLI, where it can be taken so. */
export function commandsFor(step: Step): Command[] {
  switch (step.kind) {
    case "weight":
    case "promote":
    case "abandon":
      return [...step.edits, pulumiUp];
    case "resume":
      return [run("npm run rollout -- resume --reason WHY")];
    case "update":
      return [pulumiUp];
  }
}
