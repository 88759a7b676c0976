import { nextVersion, promoteVersion, rollbackVersion, versionUnderWay } from "./adapter-moves";
import { command, refuse, type Decision, type Reason } from "./decision";
import { defaults } from "../../stacks/config/defaults";
import { clientNames } from "../../stacks/plan/model-names";
import type { Deployed } from "./deployed";
import { shareOf } from "./deployed";
import { latchesHeld, latchOn, markTime } from "./latch";
import { resolveValues } from "./resolved";
import { valueOf, withValues, type StackValues } from "./values";

/** The keys of the config that say where a rollout stands. */
export function rolesOf(values: StackValues): { stable?: string; candidate?: string; weight: number } {
  const [stable, candidate] = [valueOf(values, "stable"), valueOf(values, "candidate")];
  const weight = Number(valueOf(values, "weight") ?? 0);
  return {
    ...(typeof stable === "string" ? { stable } : {}),
    ...(typeof candidate === "string" ? { candidate } : {}),
    weight: Number.isFinite(weight) ? weight : 0,
  };
}

function ladderOf(values: StackValues): number[] {
  const ladder = valueOf(values, "ladder");
  const steps = Array.isArray(ladder) && ladder.length > 0 ? ladder.map(Number) : [...defaults.ladder];
  return steps.filter((step) => Number.isInteger(step)).sort((a, b) => a - b);
}

const noRollOut = (): Decision =>
  refuse(
    "no rollout is under way: the config names no candidate",
    "declare the new pool (pools.NAME) and name it: pulumi config set candidate NAME",
  );

/**
 * The next step of the ladder. It is counted from what is deployed, not from the config: a step that failed is taken
 * again, and none is left out. A candidate that is not deployed yet is staged first, at weight 0.
 * @param to another weight than the ladder's next.
 */
export function next(values: StackValues, deployed: Deployed | undefined, to?: number): Decision {
  const { candidate, weight: configured } = rolesOf(values);
  if (candidate === undefined) {
    const version = versionUnderWay(values, deployed);
    return version === undefined ? noRollOut() : nextVersion(values, version, ladderOf(values), to);
  }
  const staged = deployed?.candidate === candidate;
  const now = staged ? shareOf(deployed, candidate) : 0;
  const step = to ?? (staged ? ladderOf(values).find((weight) => weight > now) : 0);
  if (step === undefined) {
    return refuse(
      `${candidate} has ${now} % of the traffic, and the ladder has no higher step`,
      now === 100 ? command("promote") : command("next --to 100"),
    );
  }
  const latch = latchOn(candidate, values, deployed);
  // Down is no coming back: where the stable pool is small for now, going back takes steps.
  if (step > 0 && step >= now && latch !== undefined) {
    return refuse(
      `${candidate} was rolled back at ${latch.time} (${latch.reason}) and stays without traffic`,
      command("resume --reason WHY"),
    );
  }
  if (staged && step === now && configured === now) {
    return refuse(
      `${candidate} has ${now} % of the traffic already`,
      now === 100 ? command("promote") : command("next"),
    );
  }
  const notes = [
    ...(staged && configured !== now
      ? [
          `the config says weight ${configured}, deployed is ${now}: the step is counted from what is deployed`,
        ]
      : []),
    ...(staged && step < now ? [`${candidate} goes down from ${now} to ${step} %`] : []),
    ...(!staged && step > 0
      ? [`${candidate} is not staged yet: it is built, asked, and gets ${step} % at once`]
      : []),
  ];
  return {
    wanted: withValues(values, { weight: step }),
    title: staged ? `${candidate} from ${now} to ${step} %` : `stage ${candidate} at ${step} %`,
    notes,
  };
}

/** The candidate becomes the stable pool: only with all of the traffic, and in one change of the config. */
export function promote(values: StackValues, deployed: Deployed | undefined): Decision {
  const { stable, candidate, weight } = rolesOf(values);
  if (candidate === undefined) {
    const version = versionUnderWay(values, deployed);
    return version === undefined ? noRollOut() : promoteVersion(values, version);
  }
  const share = deployed?.candidate === candidate ? shareOf(deployed, candidate) : 0;
  const reasons: Reason[] = [];
  if (share !== 100) {
    reasons.push({
      found: `${candidate} has ${share} % of the traffic; promotion needs 100`,
      fix: command("next"),
    });
  }
  if (weight !== 100 && share === 100) {
    reasons.push({
      found: `the config says weight ${weight}, deployed is 100: somebody means to go back`,
      fix: `${command("rollback")} or ${command("next --to 100")}`,
    });
  }
  if (deployed !== undefined && stable !== deployed.stable) {
    reasons.push({
      found: `the config says stable ${stable ?? "(nothing)"}, deployed is ${deployed.stable}`,
      fix: `pulumi config set stable ${deployed.stable}`,
    });
  }
  if (reasons.length > 0) return { refused: reasons };
  const promoted = withValues(values, { stable: candidate, candidate: undefined, weight: undefined });
  const { wanted, kept } = withNames(promoted, deployed?.names ?? []);
  return {
    wanted,
    title: `promote ${candidate}`,
    notes: [
      `${stable ?? "the old pool"} is removed: after this, going back is a rollout of its own`,
      ...(kept.length === 0
        ? []
        : [`${kept.join(", ")} stays a name of the base model (aliases): clients ask for it`]),
    ],
  };
}

/** Names that clients are answered for, and that a config would drop, become aliases: the old base model's, say. */
function withNames(
  values: StackValues,
  names: readonly string[],
): { wanted: StackValues; kept: readonly string[] } {
  const resolved = resolveValues(values);
  const answered = "config" in resolved ? clientNames(resolved.config.service) : names;
  const kept = names.filter((name) => !answered.includes(name));
  if (kept.length === 0) return { wanted: values, kept };
  const before = valueOf(values, "aliases");
  return {
    wanted: withValues(values, {
      aliases: [...(Array.isArray(before) ? (before as string[]) : []), ...kept],
    }),
    kept,
  };
}

/**
 * All traffic back to the stable pool, and the candidate latched. Where the config names other roles than the ones
 * that are deployed (a promotion that failed half-way, a candidate taken out of the config), those deployed count.
 * @param live percent of the traffic by pool, by the live route: where the config and the last update name different
 * candidates, the one that customers are connected to is the one to roll back.
 */
export function rollback(
  values: StackValues,
  deployed: Deployed | undefined,
  { reason, now, live = {} }: { reason: string; now: Date; live?: Readonly<Record<string, number>> },
): Decision {
  const roles = rolesOf(values);
  const share = (pool: string): number => Math.max(shareOf(deployed, pool), live[pool] ?? 0);
  const [candidate] = [roles.candidate, deployed?.candidate]
    .filter((name) => name !== undefined)
    .sort((a, b) => share(b) - share(a));
  if (candidate === undefined) {
    const version = versionUnderWay(values, deployed);
    if (version !== undefined) return rollbackVersion(values, version);
    return refuse(
      "no rollout is under way: there is no candidate that could be rolled back",
      `to go back to an earlier update: ${command("rollback --list")}`,
    );
  }
  const stable = candidate === deployed?.candidate ? deployed.stable : roles.stable;
  const other = roles.candidate !== candidate || roles.stable !== stable;
  return {
    wanted: withValues(values, {
      ...(stable === undefined ? {} : { stable }),
      candidate,
      weight: 0,
      rolledBack: { candidate, reason, time: markTime(values, deployed, now) },
    }),
    title: `${candidate} from ${share(candidate)} to 0 %, latched`,
    notes: other
      ? [`the config had other roles than the deployed ones: stable ${stable ?? ""}, candidate ${candidate}`]
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
  return {
    wanted: withValues(values, {
      resumed: { candidate: latch.candidate, reason, time: markTime(values, deployed, now) },
    }),
    title: `${latch.candidate} may have traffic again`,
    notes: [`it was rolled back at ${latch.time}: ${latch.reason}`],
  };
}

/** The waiver that lets a service be taken down, in the config and out of it again. */
export function allowDestroy(values: StackValues, allowed: boolean): StackValues {
  const present = valueOf(values, "allow");
  const list: unknown[] = Array.isArray(present) ? present : [];
  const others = list.filter((name) => name !== "destroy");
  const wanted = allowed ? [...others, "destroy"] : others;
  return withValues(values, { allow: wanted.length === 0 ? undefined : wanted });
}
