import type { ServiceConfig, Observed, Draft, RoutedPool, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";
import { adoptionOf } from "./adoption";
import { rivalsFor, type Rival, type Rivals } from "./rival-routes";
import { nameOf, ruleSendsTo, sendersTo, type OtherRoutes, type PoolRef } from "./routes";

/*
 * What other routes of the cluster speak against. The weights of the customers' route are the customers' split only
 * where no other route gets their requests first.
 */

const poolsOf = ({ stable, candidate }: Pick<Draft, "stable" | "candidate">): RoutedPool[] =>
  candidate === undefined ? [stable] : [stable, candidate];

/** The other routes, against the customers' route of a plan. */
export function rivalsOfDraft(
  config: ServiceConfig,
  { others }: Observed,
  draft: Pick<Draft, "stable" | "candidate">,
): Rivals {
  return rivalsFor(config, others, poolsOf(draft));
}

/**
 * Another route gets the customers' requests, or it is the only way to the pools so far and this stack would make a
 * second one beside it. Going back is never held up: it is told in a note.
 */
export function otherRoute(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  const { others } = observed;
  if (others === undefined || config.allow.includes("destroy") || draft.candidateFalls) return [];
  const { winning, beside } = rivalsOfDraft(config, observed, draft);
  const own = `HTTPRoute ${config.namespace}/${config.route}`;
  // A route that is shadowed shadows nothing: only before the customers' route exists is there a choice.
  const first = observed.route === undefined ? beside : [];
  return [
    ...winning.map((rival) => ({
      rival,
      found: `${nameOf(rival.route)} gets customers' requests before ${own} does: ${rival.requests}; it sends ${rival.sends}, whatever this stack's weight is`,
    })),
    ...first.map((rival) => ({
      rival,
      found: `${nameOf(rival.route)} is how requests reach this service's pools now (${rival.requests}; it sends ${rival.sends}), and ${own} would be made beside it: the weight would not count for those requests`,
    })),
  ].map(({ rival, found }) => ({
    rule: "other-route",
    ...withWayOut(rival, found, { config, observed, others, draft }),
    waiver: "other-route" as const,
  }));
}

interface Context {
  config: ServiceConfig;
  observed: Observed;
  others: OtherRoutes;
  draft: Draft;
}

function withWayOut(rival: Rival, found: string, context: Context): { found: string; fix: string } {
  const { config, observed, others, draft } = context;
  const { route } = rival;
  const adoption = adoptionOf(route, config, observed, others, draft);
  if ("commands" in adoption) {
    const caution =
      route.service === undefined
        ? "make sure that nothing else writes it (helm, a GitOps controller), then take it over under its own name: "
        : "";
    return { found, fix: `${caution}${adoption.commands.join(" && ")}` };
  }
  const edit = `kubectl edit ${route.kind.toLowerCase()} -n ${route.namespace} ${route.name}`;
  return {
    found: `${found}. It cannot be taken over: ${adoption.obstacles.join("; ")}`,
    fix: `take these requests off it in the cluster (${edit})${ownHostname(rival, context)}`,
  };
}

/** A hostname of its own tells a service apart from a route that has none and sends to other pools. */
function ownHostname({ route }: Rival, { others: { gateway }, draft }: Context): string {
  const isOurs = route.rules.some((rule) => poolsOf(draft).some((pool) => ruleSendsTo(rule, pool)));
  if (isOurs || !gateway.configurable || gateway.hostname !== undefined || route.hostnames.length > 0)
    return "";
  return `, or give this service a hostname of its own (${setCommand("gateway.hostname", "llm.example.com")})`;
}

/** Where routes could not be read, nobody knows whose requests the customers' route gets. */
export function routesUnknown(config: ServiceConfig, { others, route }: Observed, draft: Draft): Refusal[] {
  const unseen = others?.unseen ?? [];
  const risks = draft.rising.length > 0 || draft.removed.length > 0 || route === undefined;
  if (unseen.length === 0 || !risks || draft.candidateFalls || config.allow.includes("destroy")) return [];
  return [
    {
      rule: "routes-unknown",
      found: `${unseen.join("; ")}: another route may get the customers' requests, or send to a pool that is removed`,
      fix: `let the identity that runs pulumi read routes: kubectl create clusterrole inference-rollout-routes --verb=get,list --resource=httproutes.gateway.networking.k8s.io,grpcroutes.gateway.networking.k8s.io && kubectl create clusterrolebinding inference-rollout-routes --clusterrole=inference-rollout-routes --user=USER`,
      waiver: "routes-unknown",
    },
  ];
}

/** Why a pool must stay although the customers' route does not name it; undefined: nothing else sends to it. */
export function otherTraffic(pool: PoolRef, { others }: Pick<Observed, "others">): string | undefined {
  const senders = sendersTo(pool, others);
  if (senders.length === 0) return undefined;
  const names = senders.map(nameOf).join(", ");
  return `${names} ${senders.length === 1 ? "sends" : "send"} requests to it`;
}

/** The commands that take a pool out of the routes of others. */
export function offOtherRoutes(pool: PoolRef, { others }: Pick<Observed, "others">): string {
  const edits = sendersTo(pool, others).map(
    ({ kind, namespace, name }) => `kubectl edit ${kind.toLowerCase()} -n ${namespace} ${name}`,
  );
  return `take it out of ${edits.length === 1 ? "that route" : "those routes"} first: ${edits.join(" && ")}`;
}

/** Why the weights are not what customers get; empty: they are. */
export function overriddenBy(
  config: ServiceConfig,
  others: OtherRoutes | undefined,
  pools: readonly PoolRef[],
): string[] {
  const own = `HTTPRoute ${config.namespace}/${config.route}`;
  return rivalsFor(config, others, pools).winning.map(
    ({ route, requests, sends }) =>
      `${nameOf(route)} gets customers' requests before ${own} does: ${requests}; it sends ${sends}`,
  );
}

/** What a person should know of the other routes, in every update. */
export function routeNotes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const { beside, narrow } = rivalsOfDraft(config, observed, draft);
  return [
    ...draft.overridden.map((text) => `the weights are not what customers get: ${text}`),
    ...beside.map(
      ({ route, requests, sends }) =>
        `${nameOf(route)} sends ${sends} (${requests}): these requests are not part of the split`,
    ),
    ...narrow.map(
      ({ route, requests, sends }) =>
        `${nameOf(route)} takes ${requests} and sends ${sends}: these requests are not part of the split`,
    ),
    ...(observed.others?.unseen ?? []).map((text) => `${text}: other routes are not known`),
  ];
}
