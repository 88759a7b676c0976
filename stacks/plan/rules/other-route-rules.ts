import { adoptionOf, hostnameKey } from "../adoption";
import { fix, set, type Fix } from "../config-edits";
import type { Draft, Finding, Rule } from "../model";
import type { Observed } from "../observed";
import type { ServiceConfig } from "../service-config";
import { poolsOf, rivalsOfDraft, type Rival } from "../rival-routes";
import { nameOf, ruleSendsTo, type OtherRoutes } from "../routes";

/*
 * What other routes of the cluster speak against. The weights of the customers' route are the customers' split only
 * where no other route gets their requests first.
 */

/**
 * Another route gets the customers' requests, or it is the only way to the pools so far and this stack would make a
 * second one beside it. Going back is never held up: a note says it.
 */
const otherRoute: Rule = {
  id: "other-route",
  summary: `Another HTTPRoute or GRPCRoute in the cluster takes precedence over the customers' route for customers' requests.
Gateway API's order is: the more specific hostname, then the more specific match (exact path, longest prefix,
method, headers, query parameters), then the older route. Those customers get what that route sends, regardless of
the weight. Before the customers' route exists, a route through which requests reach its pools now causes the same
refusal: a second route beside it would split nothing.

These count as customers' requests: completions and chat completions, and every path of an inference API if the
other route sends to one of the two pools. A match that requires an additional header or parameter (testers, a
tenant) is not refused; the update mentions it in a note, and also mentions routes that send to the pools through
another Gateway or hostname. This rule never blocks a lower weight.`,
  fix: `Take the live route over under its own name (\`route\`); the same update removes a former route of this stack that
gets no requests. If the live route cannot be taken over, the message says why: another stack or a controller owns
it, or it has rules, filters, hostnames or parents that this stack does not write.`,
  waiver: {
    name: "other-route",
    use: "The output `state` is then `overridden`, and no output names a weight.",
  },
  check: (config, observed, draft) => {
    const { others } = observed;
    if (others === undefined || config.allow.includes("destroy") || draft.candidateFalls) return [];
    const { winning, beside } = rivalsOfDraft(config, observed, draft);
    const own = `HTTPRoute ${config.namespace}/${config.route}`;
    // A route that is shadowed shadows nothing: only before the customers' route exists is there a choice.
    const first = observed.route === undefined ? beside : [];
    return [
      ...winning.map((rival) => ({
        rival,
        found: `${nameOf(rival.route)} takes precedence over ${own} for customers' requests: ${rival.requests}; it sends ${rival.sends}, regardless of this stack's weight`,
      })),
      ...first.map((rival) => ({
        rival,
        found: `requests reach this service's pools through ${nameOf(rival.route)} now (${rival.requests}; it sends ${rival.sends}); ${own} would be a second route beside it, and the weight would not apply to those requests`,
      })),
    ].map(({ rival, found }) => withWayOut(rival, found, { config, observed, others, draft }));
  },
};

interface Context {
  config: ServiceConfig;
  observed: Observed;
  others: OtherRoutes;
  draft: Draft;
}

function withWayOut(rival: Rival, found: string, context: Context): Finding {
  const { config, observed, others, draft } = context;
  const { route } = rival;
  const adoption = adoptionOf(route, config, observed, others, draft);
  if (adoption.possible) {
    const caution =
      route.service === undefined
        ? "make sure that nothing else writes it (Helm, a GitOps controller), then take it over under its own name: "
        : "";
    return { found, fix: fix`${caution}${adoption.commands}` };
  }
  const edit = `kubectl edit ${route.kind.toLowerCase()} -n ${route.namespace} ${route.name}`;
  return {
    found: `${found}. It cannot be taken over: ${adoption.obstacles.join("; ")}`,
    fix: fix`remove these requests from that route in the cluster (${edit})${ownHostname(rival, context)}`,
  };
}

/** A hostname of its own tells a service apart from a route that has none and sends to other pools. */
function ownHostname({ route }: Rival, { config, others: { gateway }, draft }: Context): Fix {
  const isOurs = route.rules.some((rule) => poolsOf(draft).some((pool) => ruleSendsTo(rule, pool)));
  const alike = isOurs || config.hostname !== undefined || route.hostnames.length > 0;
  if (alike || (gateway.configurable && gateway.hostname !== undefined)) return fix``;
  const name = `${config.service}.${gateway.hostname?.replace(/^\*\./, "") ?? "example.com"}`;
  return fix`, or give this service a hostname of its own (${set(hostnameKey(config, gateway.configurable), name)})`;
}

/** How a route that nobody sees is seen. */
export const readRoutes = fix`let the identity that runs pulumi read routes: kubectl create clusterrole inference-rollout-routes --verb=get,list --resource=httproutes.gateway.networking.k8s.io,grpcroutes.gateway.networking.k8s.io && kubectl create clusterrolebinding inference-rollout-routes --clusterrole=inference-rollout-routes --user=USER`;

/** Where routes could not be read, nobody knows whose requests the customers' route gets. */
const routesUnknown: Rule = {
  id: "routes-unknown",
  summary: `The identity that runs \`pulumi\` may not list the routes of the whole cluster, and the update raises a share,
removes a pool or creates the customers' route. See [permissions.md](permissions.md).`,
  fix: "Grant the permission (USER is what `kubectl auth whoami` prints). Other updates pass with a note.",
  waiver: { name: "routes-unknown" },
  check: (config, { others, route }, draft) => {
    const unseen = others?.unseen ?? [];
    const risks = draft.rising.length > 0 || draft.removed.length > 0 || route === undefined;
    if (unseen.length === 0 || !risks || draft.candidateFalls || config.allow.includes("destroy")) return [];
    return [
      {
        found: `${unseen.join("; ")}: another route may get the customers' requests, or send requests to a pool that this update removes`,
        fix: readRoutes,
      },
    ];
  },
};

export const otherRouteRules: readonly Rule[] = [otherRoute, routesUnknown];
