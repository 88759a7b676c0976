import { clientNames } from "../../stacks/plan/client-names";
import { set, setList, type ConfigEdit } from "../../stacks/plan/config-edits";
import {
  aliasEdits,
  nextWeight,
  promotion,
  versionSteps,
  type Standing,
  type VersionStanding,
} from "../../stacks/plan/next-steps";
import { noReason } from "../../stacks/plan/latch";
import { shareIn, type Shares } from "../../stacks/plan/shares";
import { commandText } from "../../stacks/messages/edits";
import { shareOf, type Deployed } from "./deployed";
import { latchesHeld, latchOn, markEdits, markOf, markTime, spentMarks } from "./marks";
import { resolveValues } from "./resolve-values";
import { ladderOf, own, rolesOf, valueOf, waiversIn, withEdits, type StackValues } from "./values";

/* The moves of the rollout command: what each makes of the config, or why it makes nothing of it. */

/** Why a command does nothing, and what to do instead. */
export interface Reason {
  found: string;
  fix: string;
}

/** A config to be deployed, or why there is none. */
export type Decision =
  | { outcome: "update"; target: StackValues; title: string; notes: readonly string[] }
  | { outcome: "refused"; reasons: readonly Reason[] };

export const command = (words: string): string => `npm run rollout -- ${words}`;

const refuse = (found: string, fix: string): Decision => ({
  outcome: "refused",
  reasons: [{ found, fix }],
});

const noRollout = (): Decision =>
  refuse(
    "no rollout is under way: the config has no candidate",
    `declare the new pool (pools.NAME), then: ${commandText(set("candidate", "NAME"))}`,
  );

/** How far the config's candidate has come, by what is deployed. */
export function standingOf(values: StackValues, deployed: Deployed | undefined, candidate: string): Standing {
  const staged = deployed?.candidate === candidate;
  return { staged, share: staged ? shareOf(deployed, candidate) : 0, ladder: ladderOf(values) };
}

/**
 * The next step of the ladder. It is counted from what is deployed, not from the config: a step that failed is taken
 * again, and none is left out. A candidate that is not deployed yet is staged first, at weight 0.
 * @param to another weight than the ladder's next.
 */
export function next(values: StackValues, deployed: Deployed | undefined, to?: number): Decision {
  const { candidate, weight: configured } = rolesOf(values);
  if (candidate === undefined) {
    const version = versionUnderWay(values, deployed);
    return version === undefined ? noRollout() : nextVersion(values, version, to);
  }
  const standing = standingOf(values, deployed, candidate);
  const { staged, share: now } = standing;
  const step = to ?? nextWeight(standing);
  if (step === undefined) {
    return refuse(
      `${candidate} has ${now} % of the traffic, and the ladder has no higher step`,
      now === 100 ? command("promote") : command("next --to 100"),
    );
  }
  const latch = latchOn(candidate, values, deployed);
  // A lower weight does not resume it: while the stable pool is small, going back takes steps.
  if (step > 0 && step >= now && latch !== undefined) {
    return refuse(
      `${candidate} was rolled back at ${latch.time} (${latch.reason}) and gets no traffic until you resume it`,
      command("resume --reason WHY"),
    );
  }
  if (staged && step === now && configured === now) {
    return refuse(
      `${candidate} already has ${now} % of the traffic`,
      now === 100 ? command("promote") : command("next"),
    );
  }
  const notes = [
    ...(staged && configured !== now
      ? [
          `the config has weight ${configured}, but ${now} is deployed; the step counts from the deployed weight`,
        ]
      : []),
    ...(staged && step < now ? [`this lowers ${candidate} from ${now} to ${step} %`] : []),
    ...(!staged && step > 0
      ? [
          `${candidate} is not staged yet: this update creates it, checks it, and moves ${step} % to it in one step`,
        ]
      : []),
  ];
  return {
    outcome: "update",
    target: withEdits(values, [set("weight", step)]),
    title: staged ? `${candidate} from ${now} to ${step} %` : `stage ${candidate} at ${step} %`,
    notes,
  };
}

/** The candidate becomes the stable pool: only with all of the traffic, and in one change of the config. */
export function promote(values: StackValues, deployed: Deployed | undefined): Decision {
  const { stable, candidate, weight } = rolesOf(values);
  if (candidate === undefined) {
    const version = versionUnderWay(values, deployed);
    return version === undefined ? noRollout() : promoteVersion(values, version);
  }
  const { share } = standingOf(values, deployed, candidate);
  const reasons: Reason[] = [];
  if (share !== 100) {
    reasons.push({
      found: `${candidate} has ${share} % of the traffic; promotion needs 100`,
      fix: command("next"),
    });
  }
  if (weight !== 100 && share === 100) {
    reasons.push({
      found: `the config has weight ${weight}, but 100 is deployed: someone may have started to go back`,
      fix: `${command("rollback")} or ${command("next --to 100")}`,
    });
  }
  if (deployed !== undefined && stable !== deployed.stable) {
    reasons.push({
      found: `the config has stable ${stable ?? "(nothing)"}, but ${deployed.stable} is deployed`,
      fix: commandText(set("stable", deployed.stable)),
    });
  }
  if (reasons.length > 0) return { outcome: "refused", reasons };
  const promoted = withEdits(values, [...promotion(candidate), ...spentMarks(values, deployed)]);
  const { edits, kept } = aliasesFor(promoted, deployed?.names ?? []);
  return {
    outcome: "update",
    target: withEdits(promoted, edits),
    title: `promote ${candidate}`,
    notes: [
      isExisting(values, stable)
        ? `${stable ?? "the old pool"} was created outside this stack and stays as it is, without traffic, until its owner removes it; going back after that update is a new rollout`
        : `the update removes ${stable ?? "the old pool"}; going back after that is a new rollout`,
      ...(kept.length === 0
        ? []
        : [
            `the update keeps ${kept.join(", ")} as a name of the base model (aliases), because clients use it`,
          ]),
    ],
  };
}

/** Whether the config says that a pool was created outside the stack: no update removes it. */
function isExisting(values: StackValues, name: string | undefined): boolean {
  const pools = values[own("pools")];
  const known = pools === undefined ? undefined : pools.secret ? pools.around?.value : pools.value;
  const pool =
    name === undefined ? undefined : (known as Record<string, { existing?: unknown }> | undefined)?.[name];
  return String(pool?.existing) === "true";
}

/** Names that clients are answered for, and that a config would drop, become aliases: the old base model's, say. */
function aliasesFor(
  values: StackValues,
  names: readonly string[],
): { edits: readonly ConfigEdit[]; kept: readonly string[] } {
  const resolved = resolveValues(values);
  const answered = resolved.outcome === "resolved" ? clientNames(resolved.config.service) : names;
  const kept = names.filter((name) => !answered.includes(name));
  const before = valueOf(values, "aliases");
  return { edits: aliasEdits(kept, Array.isArray(before) ? before.length : 0), kept };
}

/**
 * All traffic back to the stable pool, and the candidate latched; one that is latched already keeps its reason and its
 * time, unless another reason is given. Where the config names other roles than the ones
 * that are deployed (a promotion that failed half-way, a candidate taken out of the config), those deployed count.
 * @param live percent of the traffic by pool, by the live route: where the config and the last update name different
 * candidates, the one that customers are connected to is the one to roll back.
 */
export function rollback(
  values: StackValues,
  deployed: Deployed | undefined,
  { reason, now, live = {} }: { reason?: string; now: Date; live?: Shares },
): Decision {
  const roles = rolesOf(values);
  const share = (pool: string): number => Math.max(shareOf(deployed, pool), shareIn(live, pool));
  const [candidate] = [roles.candidate, deployed?.candidate]
    .filter((name) => name !== undefined)
    .sort((a, b) => share(b) - share(a));
  if (candidate === undefined) {
    const version = versionUnderWay(values, deployed);
    if (version !== undefined) return rollbackVersion(values, version);
    return refuse(
      "no rollout is under way: there is no candidate to roll back",
      `to go back to an earlier update: ${command("rollback --list")}`,
    );
  }
  const stable = candidate === deployed?.candidate ? deployed.stable : roles.stable;
  const held = latchOn(candidate, values, deployed);
  const mark =
    held !== undefined && (reason === undefined || reason === held.reason)
      ? { candidate, reason: held.reason, time: held.time }
      : { candidate, reason: reason ?? noReason, time: markTime(values, deployed, now) };
  const other = roles.candidate !== candidate || roles.stable !== stable;
  return {
    outcome: "update",
    target: withEdits(values, [
      ...(stable === undefined ? [] : [set("stable", stable)]),
      set("candidate", candidate),
      set("weight", 0),
      ...markEdits("rolledBack", mark),
    ]),
    title: `${candidate} from ${share(candidate)} to 0 %, latched`,
    notes: other
      ? [
          `the config did not have the deployed roles; this command sets them: stable ${stable ?? ""}, candidate ${candidate}`,
        ]
      : [],
  };
}

/** A latched candidate may have traffic again; it gets none by that. */
export function resume(
  values: StackValues,
  deployed: Deployed | undefined,
  { reason, now, candidate }: { reason: string; now: Date; candidate?: string },
): Decision {
  const held = latchesHeld(values, deployed);
  const name = candidate ?? rolesOf(values).candidate ?? (held.length === 1 ? held[0]?.candidate : undefined);
  const latch = held.find((entry) => entry.candidate === name);
  if (latch === undefined) {
    const names = held.map((entry) => entry.candidate).join(", ");
    return refuse(
      name === undefined ? "no candidate is rolled back" : `${name} is not rolled back`,
      held.length === 0
        ? command("next")
        : `name one of ${names}: ${command("resume --candidate NAME --reason WHY")}`,
    );
  }
  const mark = { candidate: latch.candidate, reason, time: markTime(values, deployed, now) };
  // The config has room for one resumption: without that of the pool it names, an old rolledBack would hold again.
  const spent =
    latch.candidate === markOf(values, "rolledBack")?.candidate ? [] : spentMarks(values, deployed);
  return {
    outcome: "update",
    target: withEdits(values, [...spent, ...markEdits("resumed", mark)]),
    title: `let ${latch.candidate} get traffic again`,
    notes: [`it was rolled back at ${latch.time}: ${latch.reason}`],
  };
}

/** The waiver that lets a service be taken down, in the config and out of it again. */
export function allowDestroy(values: StackValues, allowed: boolean): StackValues {
  const others = waiversIn(values).filter((name) => name !== "destroy");
  return withEdits(values, setList("allow", allowed ? [...others, "destroy"] : others));
}

/*
 * The same moves where no pool is rolled out, but a version of an adapter is: the first one that the config names, as
 * in the output `next`.
 */

/** An adapter as the config has it. */
interface WrittenAdapter {
  name: string;
  version?: string;
  source: string;
  candidate?: { version: string; source: string };
  weight?: number | string;
}

interface UnderWay extends VersionStanding {
  adapter: WrittenAdapter;
}

/** @returns undefined where no version of an adapter is rolled out. */
export function versionUnderWay(values: StackValues, deployed: Deployed | undefined): UnderWay | undefined {
  const listed = valueOf(values, "adapters");
  const all = Array.isArray(listed) ? (listed as WrittenAdapter[]) : [];
  const index = all.findIndex(({ candidate }) => candidate !== undefined);
  const adapter = all[index];
  if (adapter?.candidate === undefined) return undefined;
  const record = deployed?.adapters[adapter.name];
  const staged = record?.candidate?.version === adapter.candidate.version;
  const share = staged ? record.weight : 0;
  return { index, adapter, candidate: adapter.candidate, staged, share, ladder: ladderOf(values) };
}

const versionName = ({ adapter, candidate }: UnderWay): string => `${adapter.name} ${candidate.version}`;

/** The next step of an adapter's version, counted from what is deployed; staged first, at weight 0. */
function nextVersion(values: StackValues, version: UnderWay, to?: number): Decision {
  const { adapter, index, staged, share: now } = version;
  const step = to ?? nextWeight(version);
  const what = versionName(version);
  if (step === undefined || (staged && step === now && Number(adapter.weight ?? 0) === now)) {
    return refuse(
      `${what} already answers ${now} % of the requests for ${adapter.name}`,
      now === 100 ? command("promote") : command("next"),
    );
  }
  return {
    outcome: "update",
    target: withEdits(values, [set(["adapters", index, "weight"], step)]),
    title: staged ? `${what} from ${now} to ${step} %` : `stage ${what} at ${step} %`,
    notes: [],
  };
}

/** The new version becomes the version: only with all of the requests. */
function promoteVersion(values: StackValues, version: UnderWay): Decision {
  const { adapter, staged, share: now } = version;
  const { next: step } = versionSteps(version);
  if (!staged || step.kind !== "promote") {
    return refuse(
      `${versionName(version)} answers ${now} % of the requests for ${adapter.name}; promotion needs 100`,
      command("next"),
    );
  }
  return {
    outcome: "update",
    target: withEdits(values, step.edits),
    title: `promote ${versionName(version)}`,
    notes: [
      `the update unloads ${adapter.name} ${adapter.version ?? "v1"}; going back after that is a new rollout`,
    ],
  };
}

/** All requests back to the version that served before. It stays loaded everywhere, so nothing is waited for. */
function rollbackVersion(values: StackValues, version: UnderWay): Decision {
  return {
    outcome: "update",
    target: withEdits(values, [set(["adapters", version.index, "weight"], 0)]),
    title: `${versionName(version)} from ${version.share} to 0 %`,
    notes: ["adapter versions are not latched after a rollback; only pools are"],
  };
}
