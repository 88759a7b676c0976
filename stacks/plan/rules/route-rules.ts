import { adoptionOf } from "../adoption";
import { adopts, driftOf } from "../drift";
import { allow, fix, pulumiUp, run, set, type Fix } from "../config-edits";
import type { Draft, Finding, Rule } from "../model";
import type { Observed } from "../observed";
import type { ServiceConfig } from "../service-config";
import { redeclare } from "../redeclare";
import { liveShares, sameShares, shareIn, sharesOf, shareText } from "../shares";

/* The customers' route: created outside this stack, gone, or edited in the cluster. */

/**
 * A route that was created outside this stack is taken over in one step that changes nothing for its customers: same shares,
 * same rules, same gateway. Weights move in the update after it.
 */
const routeNotOurs: Rule = {
  id: "route-not-ours",
  summary: `The route that this stack would write exists, and nothing on it says that this stack made it: no label, no annotation.
Taking it over is a step of its own. It imports the route, becomes the owner of its fields, and changes nothing for
customers: the same shares, no other rules, matches, filters or timeouts than this stack writes, the same gateway and
host names. Where something would change, the message lists it and there is no waiver.`,
  fix: "Make the config say what the route does, and take it over; move weights in the update after it.",
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
        found: `${found}; it sends ${shareText(sharesOf(route.backends))}, as the config does`,
        fix: fix`make sure that nobody else writes it any more (helm, a GitOps controller), then take it over: ${[allow("take-over-route"), pulumiUp]}; if another HTTPRoute serves the customers, name that one instead: ${set("route", "NAME")}, then take it over`,
      },
    ];
  },
};

/** Commands that make config and route say the same, where that is possible; else why it is not. */
function wayToTakeOver(config: ServiceConfig, observed: Observed, draft: Draft): Fix {
  const { others } = observed;
  if (others?.customers === undefined) {
    return fix`make the config say what the route does now (${set("weight", candidateShareNow(observed, draft))}), then take it over; change it afterwards`;
  }
  const adoption = adoptionOf(others.customers, config, observed, others, draft);
  return adoption.possible
    ? fix`make the config say what the route does now and take it over: ${adoption.commands}; change it afterwards`
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
  yield* route?.differences?.rules ?? [];
  yield* route?.differences?.attachment ?? [];
}

const candidateShareNow = (observed: Observed, { candidate }: Draft): number =>
  candidate === undefined ? 0 : Math.round(shareIn(liveShares(observed), candidate.name));

/** The customers' route is gone: Pulumi's state still has it, so that a plain update would not bring it back. */
const routeMissing: Rule = {
  id: "route-missing",
  summary: `The customers' route is not in the cluster where the config says that it is, and this stack wrote it. Somebody deleted it,
or \`service\`, \`route\` or \`namespace\` was renamed in the config: then the old route would be deleted under its customers.
(\`route\` can name another HTTPRoute that exists and gets the customers' requests: that one is taken over.)`,
  fix: "Put the names back; a route that is really gone is made anew by `pulumi up --refresh` with the waiver.",
  waiver: { name: "route-missing" },
  check: (config, { route, record }) => {
    if (route !== undefined || record === undefined || config.allow.includes("destroy")) return [];
    const [namespace, name] = (record.route ?? "").split("/");
    if (name !== undefined && namespace === config.namespace && name !== config.route) {
      // A route that is renamed in the config alone would be deleted under its customers.
      return [
        {
          found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}: this stack's route is ${name}, which the last successful update wrote with ${shareText(record.weights)}`,
          fix: fix`${set("route", name)}; route names an HTTPRoute that exists and serves the customers, to take it over`,
          waivable: false,
        },
      ];
    }
    return [
      {
        found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}, and the last successful update wrote it with ${shareText(record.weights)}`,
        fix: fix`put service and namespace back, if the config has others now (a route never moves); else make it anew: ${[allow("route-missing"), run("pulumi up --refresh")]}`,
      },
    ];
  },
};

/** Weights or rules that somebody edited in the cluster. */
const routeEdited: Rule = {
  id: "route-edited",
  summary: `Somebody changed the weights or the rules of the customers' route in the cluster: it does not say what this stack wrote
into it last (the annotation \`inference-rollout/weights\`, written in one request with the weights). An update that broke
off is not mistaken for this. The Kubernetes provider itself would write over an edit by kubectl without a word.`,
  fix: `Say the same in the config to keep what is live (within half a percent: then the update passes with a note), or take
the edit back.`,
  waiver: { name: "route-edited", use: "It writes the config's weights over the edit." },
  check: (config, observed, draft) => {
    const drift = driftOf(observed);
    if (drift === undefined || adopts(observed, draft)) return [];
    const live = liveShares(observed);
    const share = draft.candidate === undefined ? undefined : live[draft.candidate.name];
    const findings: Finding[] = [];
    // An unknown backend changes the shares too: then its own refusal says so.
    if (drift.shares && unknownBackends(observed, draft).length === 0) {
      const same = share === undefined ? fix`` : fix` (${[set("weight", Math.round(share)), pulumiUp]})`;
      findings.push({
        found: `somebody edited the weights of the live route: it sends ${shareText(live)}, this stack wrote ${shareText(observed.route?.written ?? {})}, the config asks for ${shareText(draft.shares)}`,
        fix: fix`keep what is live by saying the same in the config${same}, or take the edit back in the cluster`,
      });
    }
    if (drift.rules.length > 0) {
      findings.push({
        found: `the live route has what this stack did not write and would remove: ${drift.rules.join(", ")}`,
        fix: fix`take it out of the route in the cluster (kubectl edit httproute -n ${config.namespace}), if customers do not need it`,
      });
    }
    return findings;
  },
};

/** A backend that is neither the config's nor this stack's, and gets customers. */
const unknownBackend: Rule = {
  id: "unknown-backend",
  summary: "Somebody added a backend to the customers' route, and it gets traffic.",
  fix: "Take it out, or make it the candidate with the weight it has.",
  waiver: { name: "route-edited", use: "It removes the backend." },
  check: (config, observed, draft) =>
    unknownBackends(observed, draft).map((pool) => ({
      found: `somebody gave ${pool} ${Math.round(shareIn(liveShares(observed), pool))} % of the traffic in the live route; it is neither the stable pool nor the candidate`,
      fix: fix`take it out of the route again (kubectl edit httproute -n ${config.namespace})${asCandidate(pool, config, observed)}`,
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
  return fix`; or make it the candidate with the weight it has: ${[...back, set("candidate", pool), set("weight", share)]}`;
}

export const routeRules: readonly Rule[] = [routeNotOurs, routeMissing, routeEdited, unknownBackend];
