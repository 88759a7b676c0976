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
  summary: "While a rollout is under way both pools have the same objectives, the ones it began with.",
  fix: "Change them before or after.",
  check: (config, { record }) => {
    if (config.candidate === undefined || record?.candidate !== config.candidate) return [];
    const configured = Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority]));
    const names = [...new Set([...Object.keys(record.objectives), ...Object.keys(configured)])].sort();
    return names
      .filter((name) => record.objectives[name] !== configured[name])
      .map((name) => ({
        found: `objective ${name} is deployed with priority ${record.objectives[name] ?? "(none)"}, the config says ${configured[name] ?? "(none)"}, while ${config.candidate ?? ""} is rolled out`,
        fix: fix`put the objective back: ${objectiveBack(config, name, record.objectives[name])}; change it when the rollout is over`,
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
  summary: "`rollout` says what the rollout is meant to be, and more than that differs between the pools.",
  fix: "Fix the pools, or take the assertion out.",
  check: ({ rollout }, _observed, { kind, candidate, stable }) => {
    if (rollout === undefined || kind === undefined || kind === rollout) return [];
    if (candidate === undefined) {
      return [
        {
          found: `the config says rollout: ${rollout}, but only an adapter is being rolled out`,
          fix: fix`name the candidate pool, or ${remove("rollout")}`,
        },
      ];
    }
    return [
      {
        found: `the config says rollout: ${rollout}, but from ${stable.name} to ${candidate.name} is a ${kind}`,
        fix: fix`fix the pools so that only what a ${rollout} changes differs, or ${remove("rollout")}`,
      },
    ];
  },
};

/** A latched candidate gets no weight, neither as the candidate nor by being named the stable pool. */
const latched: Rule = {
  id: "latched",
  summary: `A candidate that was rolled back would get weight again, as a rule because an older config came by. The latch belongs
to the pool's name. It is on the live route and in the stack's outputs, and outlives the keys in the config, the
candidate's removal and the pool itself. There is no waiver: resuming is the way.`,
  remark:
    "A lower weight than it has is never refused: going back may take steps, where the stable pool is small for now.",
  fix: "Leave it at weight 0, or resume it with a reason, later than it was rolled back.",
  check: (_config, observed, draft) =>
    draft.latches.filter(holds).flatMap((latch) => {
      const share = draft.shares[latch.candidate] ?? 0;
      if (share === 0 || isOnTheWayBack(latch.candidate, share, observed)) return [];
      // A latch on the pool that serves the customers already would only take their service away.
      if (latch.candidate === draft.stable.name && observed.record?.stable === latch.candidate) return [];
      return [
        {
          found: `${latch.candidate} was rolled back from ${latch.from} % at ${latch.time} (${latch.reason}), and the config gives it ${share} % of the traffic`,
          fix: fix`leave it without traffic (${set("weight", 0)}), or say why it may have some again: ${run("npm run rollout -- resume --reason WHY")} (or ${resumeEdits(latch.candidate)})`,
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
  summary: `The config has a \`freeze\` that holds now (by the API server's clock), and the update would do more than go back:
a higher weight, a new candidate, another stable pool, a removal, an edit in place, other objectives, a take-over, the
service's end. Going back and growing are always allowed; what would shrink waits.`,
  fix: "Wait, or take the freeze out.",
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
      found: `${change}, and ${config.service} is frozen ${until}: ${window.reason}`,
      fix: fix`${first}${endOf(window.to)}; going back (a lower weight) is always allowed`,
    }));
  },
};

/** Before there is a route there is nobody to protect: a service may begin in a freeze. */
const hasBegun = ({ route, record }: Observed): boolean => route !== undefined || record !== undefined;

const endOf = (to: string | undefined): Fix =>
  to === undefined
    ? fix`wait until the freeze is taken out of the config`
    : fix`wait until ${to}, or take the freeze out of the config`;

export const rolloutRules: readonly Rule[] = [objectivesUnderWay, notTheKind, latched, frozen];
