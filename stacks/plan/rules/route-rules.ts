import { adoptionOf } from "../adoption";
import { adopts, driftOf } from "../drift";
import { allow, fix, pulumiUp, run, set, type Fix } from "../config-edits";
import type { Draft, Finding, Rule } from "../model";
import { splitsOf } from "../kept-route";
import type { Observed, ObservedRoute } from "../observed";
import type { ServiceConfig } from "../service-config";
import { redeclare } from "../redeclare";
import { liveShares, sameShares, shareIn, sharesOf, shareText } from "../shares";

/* The customers' route: created outside this stack, gone, or edited in the cluster. */

/**
 * A route that was created outside this stack is taken over in one step that changes nothing for its customers, and
 * keeps its shape for good. Weights move in the update after it.
 */
const routeNotOurs: Rule = {
  id: "route-not-ours",
  summary: `The route that this stack would write exists, and it has no label or annotation of this stack. Taking it over is a
separate step: the update imports the route and changes nothing for customers. From then on this stack writes the
weights of the backendRefs that name its pools, in every rule. Everything else stays as its owner has it, also after
later edits: other rules, matches, filters, timeouts, hostnames, parents, labels and annotations. If
the config does not say what the route does now, the message lists the differences and there is no waiver.`,
  fix: "Set the config to what the route does now, and take it over; change weights in a later update.",
  waiver: { name: "take-over-route" },
  check: (config, observed, draft) => {
    const { route } = observed;
    if (route?.foreign !== true) return [];
    const changes = [...differences(observed, draft)];
    const found =
      "the customers' route was created outside this stack (nothing on it says that this stack made it)";
    if (changes.length > 0) {
      return [
        {
          found: `${found}, and taking it over would change ${changes.join("; ")}`,
          fix: wayToTakeOver(config, observed, draft),
          waivable: false,
        },
      ];
    }
    return [
      {
        found: `${found}; it sends ${shareText(sharesOf(route.backends))}, as the config does${keptText(route)}`,
        fix: fix`make sure that nothing else writes it (Helm, a GitOps controller), then take it over: ${[allow("take-over-route"), pulumiUp]}; if another HTTPRoute serves the customers, set that one instead: ${set("route", "NAME")}, then take it over`,
      },
    ];
  },
};

/** What becomes of a route that is taken over, for the person who decides it. */
function keptText({ kept }: ObservedRoute): string {
  if (kept === undefined) return "";
  const rules = splitsOf(kept).map(({ at }) => `rules[${at}]`);
  return `. The update writes weights in ${rules.join(", ")}; the rest of the route stays as it is`;
}

/** Commands that make config and route say the same, where that is possible; else why it is not. */
function wayToTakeOver(config: ServiceConfig, observed: Observed, draft: Draft): Fix {
  const { others } = observed;
  if (others?.customers === undefined) {
    return fix`set the config to what the route does now (${set("weight", candidateShareNow(observed, draft))}), then take it over; change it afterwards`;
  }
  const adoption = adoptionOf(others.customers, config, observed, others, draft);
  return adoption.possible
    ? fix`set the config to what the route does now and take it over: ${adoption.commands}; change it afterwards`
    : fix`it cannot be taken over as it is: ${adoption.obstacles.join("; ")}. Change the route first (kubectl edit httproute -n ${config.namespace} ${config.route})`;
}

function* differences(observed: Observed, draft: Draft): Generator<string> {
  const { route } = observed;
  const live = liveShares(observed);
  if (!sameShares(live, draft.shares)) {
    yield `the shares from ${shareText(live)} to ${shareText(draft.shares)}`;
  }
  for (const { name, namespace } of [draft.stable, draft.candidate].filter((pool) => pool !== undefined)) {
    const elsewhere = route?.backends.find((one) => one.pool === name && one.namespace !== namespace);
    if (elsewhere !== undefined)
      yield `backend ${name} from namespace ${elsewhere.namespace} to ${namespace}`;
  }
  if (route?.uneven !== undefined) yield `the split of single rules (${route.uneven.join("; ")})`;
  yield* route?.differences?.rules ?? [];
  yield* route?.differences?.attachment ?? [];
}

const candidateShareNow = (observed: Observed, { candidate }: Draft): number =>
  candidate === undefined ? 0 : Math.round(shareIn(liveShares(observed), candidate.name));

/** The customers' route is gone: Pulumi's state still has it, so that a plain update would not bring it back. */
const routeMissing: Rule = {
  id: "route-missing",
  summary: `The customers' route that this stack wrote does not exist where the config says. Either someone deleted it, or the
config changed \`service\`, \`route\` or \`namespace\`, in which case the update would delete the old route while
customers use it. (\`route\` may name another existing HTTPRoute that gets the customers' requests: the stack takes
that one over.)`,
  fix: "Restore the names. If the route was deleted, `pulumi up --refresh` with the waiver recreates it.",
  waiver: { name: "route-missing" },
  check: (config, { route, record }) => {
    if (route !== undefined || record === undefined || config.allow.includes("destroy")) return [];
    const [namespace, name] = (record.route ?? "").split("/");
    if (name !== undefined && namespace === config.namespace && name !== config.route) {
      // A route that is renamed in the config alone would be deleted under its customers.
      return [
        {
          found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}: this stack's route is ${name}, which the last successful update wrote with ${shareText(record.weights)}`,
          fix: fix`${set("route", name)}; set route only to the name of an existing HTTPRoute that serves the customers, to take it over`,
          waivable: false,
        },
      ];
    }
    if (record.keptShape === true) {
      // One that this stack would make has none of its owner's rules.
      return [
        {
          found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}: it was created outside this stack, and its rules were its owner's`,
          fix: fix`have its owner create it again, with all of the traffic on ${config.stable}; then take it over: ${[allow("take-over-route"), pulumiUp]}`,
          waivable: false,
        },
      ];
    }
    return [
      {
        found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}, but the last successful update wrote it with ${shareText(record.weights)}`,
        fix: fix`if the config changed service or namespace, restore them (a route never moves); otherwise recreate the route: ${[allow("route-missing"), run("pulumi up --refresh")]}`,
      },
    ];
  },
};

/** Weights or rules that somebody edited in the cluster. */
const routeEdited: Rule = {
  id: "route-edited",
  summary: `The weights or rules of the customers' route were edited in the cluster: the route differs from what this stack last
wrote (the annotation \`inference-rollout/weights\`, written in the same request as the weights). An interrupted
update does not cause this refusal. Without this rule, the Kubernetes provider would silently overwrite an edit made
with kubectl.`,
  fix: `To keep the live weights, set the same weights in the config (within half a percentage point; the update then passes
with a note). Otherwise revert the edit.`,
  waiver: { name: "route-edited", use: "The update overwrites the edit with the config's weights." },
  check: (config, observed, draft) => {
    const drift = driftOf(observed);
    if (drift === undefined || adopts(observed, draft)) return [];
    const live = liveShares(observed);
    const isOut = observed.route?.kept !== undefined && Object.keys(live).length === 0;
    if (isOut && config.allow.includes("release")) return [];
    const share = draft.candidate === undefined ? undefined : live[draft.candidate.name];
    const findings: Finding[] = [];
    // An unknown backend changes the shares too: then its own refusal says so.
    if (drift.shares && unknownBackends(observed, draft).length === 0) {
      const same =
        share === undefined || observed.route?.uneven !== undefined
          ? fix``
          : fix` (${[set("weight", Math.round(share)), pulumiUp]})`;
      findings.push({
        found: `the weights of the live route were edited outside this stack: the route sends ${liveText(observed)}, this stack wrote ${shareText(observed.route?.written ?? {})}, but the config says ${shareText(draft.shares)}`,
        fix: fix`to keep the live weights, set them in the config${same}; otherwise revert the edit in the cluster`,
      });
    }
    if (drift.rules.length > 0) {
      findings.push({
        found: `the live route has parts that this stack did not write and would remove: ${drift.rules.join(", ")}`,
        fix: fix`if customers do not need them, remove them from the route (kubectl edit httproute -n ${config.namespace} ${config.route})`,
      });
    }
    return findings;
  },
};

function liveText(observed: Observed): string {
  const uneven = observed.route?.uneven;
  return uneven === undefined
    ? shareText(liveShares(observed))
    : `${uneven.join("; ")} (one split is expected)`;
}

/** A backend that is neither the config's nor this stack's, and gets customers. */
const unknownBackend: Rule = {
  id: "unknown-backend",
  summary: "The customers' route has a backend that was added outside this stack and gets traffic.",
  fix: "Remove it, or make it the candidate with its current weight.",
  waiver: { name: "route-edited", use: "The update removes the backend." },
  check: (config, observed, draft) =>
    unknownBackends(observed, draft).map((pool) => ({
      found: `the live route sends ${Math.round(shareIn(liveShares(observed), pool))} % of the traffic to ${pool}, which is neither the stable pool nor the candidate`,
      fix: fix`remove it from the route (kubectl edit httproute -n ${config.namespace} ${config.route})${asCandidate(pool, config, observed)}`,
    })),
};

function unknownBackends(observed: Observed, draft: Draft): string[] {
  const known = [draft.stable.name, draft.candidate?.name];
  return (driftOf(observed)?.unknown ?? []).filter((pool) => !known.includes(pool));
}

/** Where no other pool is the candidate, one that is there may be. */
function asCandidate(pool: string, config: ServiceConfig, observed: Observed): Fix {
  const back = redeclare(pool, config, observed);
  if (back === undefined || config.candidate !== undefined) return fix``;
  const share = Math.round(shareIn(liveShares(observed), pool));
  return fix`; or make it the candidate with its current weight: ${[...back, set("candidate", pool), set("weight", share)]}`;
}

export const routeRules: readonly Rule[] = [routeNotOurs, routeMissing, routeEdited, unknownBackend];
