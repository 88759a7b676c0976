import { fix, joinFixes, remove, run, set, setTime, type ConfigEdit, type Fix } from "../config-edits";
import { frozenChanges, windowNow } from "../freeze";
import { holds, isOnTheWayBack } from "../latch";
import type { Observed } from "../observed";
import { keptFirst } from "../redeclare";
import type { Rule } from "../model";
import type { ServiceConfig } from "../service-config";

/* A rollout under way: what stays as it is meanwhile, what was rolled back, and when nothing may change. */

/** While a rollout is under way the two pools are compared: what both share must not move meanwhile. */
const objectivesUnderWay: Rule = {
  id: "objectives-under-way",
  summary: "During a rollout both pools keep the objectives that they had when it started.",
  fix: "Change them before or after the rollout.",
  check: (config, { record }) => {
    if (config.candidate === undefined || record?.candidate !== config.candidate) return [];
    const configured = Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority]));
    const names = [...new Set([...Object.keys(record.objectives), ...Object.keys(configured)])].sort();
    return names
      .filter((name) => record.objectives[name] !== configured[name])
      .map((name) => ({
        found: `objective ${name} is deployed with priority ${record.objectives[name] ?? "(none)"}, but the config says ${configured[name] ?? "(none)"} while ${config.candidate ?? ""} is being rolled out`,
        fix: fix`restore the objective: ${objectiveBack(config, name, record.objectives[name])}; change it after the rollout`,
      }));
  },
};

function objectiveBack(config: ServiceConfig, name: string, priority: number | undefined): ConfigEdit[] {
  const found = config.objectives.findIndex((objective) => objective.name === name);
  const at = ["objectives", found < 0 ? config.objectives.length : found];
  if (priority === undefined) return [remove(at)];
  const named = found < 0 ? [set([...at, "name"], name)] : [];
  return [...named, set([...at, "priority"], priority)];
}

/** The user said what the rollout is meant to be, and it is something else. */
const notTheKind: Rule = {
  id: "not-the-kind",
  summary: "`rollout` states the kind of rollout you intend, but the pools differ in more than that.",
  fix: "Fix the pools, or remove `rollout`.",
  check: ({ rollout }, _observed, { kind, candidate, stable }) => {
    if (rollout === undefined || kind === undefined || kind === rollout) return [];
    if (candidate === undefined) {
      return [
        {
          found: `the config says rollout: ${rollout}, but only an adapter is being rolled out`,
          fix: fix`set the candidate pool, or ${remove("rollout")}`,
        },
      ];
    }
    return [
      {
        found: `the config says rollout: ${rollout}, but the change from ${stable.name} to ${candidate.name} is a ${kind} rollout`,
        fix: fix`fix the pools so that they differ only in what a ${rollout} rollout changes, or ${remove("rollout")}`,
      },
    ];
  },
};

/** A latched candidate gets no weight, neither as the candidate nor by being named the stable pool. */
const latched: Rule = {
  id: "latched",
  summary: `A candidate that was rolled back would get weight again, usually because someone deployed an older config. The latch
belongs to the pool's name. The live route and the stack's outputs store it, so it survives edits of the config and
the removal of the candidate and the pool. There is no waiver: resume the candidate instead.`,
  remark:
    "A weight lower than the current one is never refused: if the stable pool is still small, you can go back in steps.",
  fix: "Keep it at weight 0, or resume it with a reason, at a time after the rollback.",
  check: (_config, observed, draft) =>
    draft.latches.filter(holds).flatMap((latch) => {
      const share = draft.shares[latch.candidate] ?? 0;
      if (share === 0 || isOnTheWayBack(latch.candidate, share, observed)) return [];
      // A latch on the stable pool would close the way back to it. A pool that is latched does not become the stable one
      // while the one before it has traffic (unproven-stable).
      if (latch.candidate === draft.stable.name && observed.record?.stable === latch.candidate) return [];
      return [
        {
          found: `${latch.candidate} was rolled back from ${latch.from} % at ${latch.time} (${latch.reason}), but the config gives it ${share} % of the traffic`,
          fix: fix`keep it without traffic (${set("weight", 0)}), or resume it with a reason: ${run("npm run rollout -- resume --reason WHY")} (or ${resumeEdits(latch.candidate)})`,
        },
      ];
    }),
};

const resumeEdits = (candidate: string): ConfigEdit[] => [
  set("resumed.candidate", candidate),
  set("resumed.reason", "WHY"),
  setTime("resumed.time"),
];

/** In a freeze nothing changes but by going back. */
const frozen: Rule = {
  id: "frozen",
  summary: `The config has a \`freeze\` that is active now (by the API server's clock), and the update would do more than go
back: raise a weight, set a new candidate or stable pool, remove a pool, edit one in place, change objectives, take
over a route, or destroy the service. Going back and scaling up are always allowed; scaling down waits until the
freeze ends.`,
  fix: "Wait, or remove the freeze.",
  waiver: { name: "frozen" },
  check: (config, observed, draft) => {
    const window = windowNow(config.freeze, observed.now);
    if (window === undefined || !hasBegun(observed)) return [];
    // What an update that goes back would remove, and what it keeps once the config declares it.
    const undeclared = draft.candidateFalls
      ? draft.removed.filter(({ name }) => !(name in config.pools))
      : [];
    const first = joinFixes(
      undeclared.map(({ name }) => keptFirst(name, config, observed)),
      "",
    );
    const until = window.to === undefined ? "until further notice" : `until ${window.to}`;
    return [...frozenChanges(config, observed, draft)].map((change) => ({
      found: `${change}, but ${config.service} is frozen ${until}: ${window.reason}`,
      fix: fix`${first}${endOf(window.to)}; going back (a lower weight) is always allowed`,
    }));
  },
};

/** Before there is a route there is nobody to protect: a service may begin in a freeze. */
const hasBegun = ({ route, record }: Observed): boolean => route !== undefined || record !== undefined;

const endOf = (to: string | undefined): Fix =>
  to === undefined
    ? fix`wait until the freeze is removed from the config`
    : fix`wait until ${to}, or remove the freeze from the config`;

export const rolloutRules: readonly Rule[] = [objectivesUnderWay, notTheKind, latched, frozen];
