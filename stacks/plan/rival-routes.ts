import type { Draft, RoutedPool } from "./model";
import type { Observed } from "./observed";
import type { ServiceConfig } from "./service-config";
import { fix, run, type Fix } from "./config-edits";
import { requestFor } from "../answers/endpoints";
import { clientNames } from "./client-names";
import { shareText, sharesOf } from "./shares";
import { reachOf } from "./route-matches";
import { anyHost, hostCovers } from "../../components/gateways/hostnames";
import { overlapsWith, type CustomersRoute, type Overlap } from "./route-overlap";
import { nameOf, ruleSendsTo, sendersTo, type KnownRoute, type OtherRoutes, type PoolRef } from "./routes";

/** Another route that requests come by, and what it does with them. */
export interface Rival {
  route: KnownRoute;
  /** Which requests, and why they are its own, in words. */
  requests: string;
  /** Where it sends them, in words. */
  sends: string;
}

/** What other routes mean for the split that customers get. */
export interface Rivals {
  /** They get customers' requests before the customers' route: the weights mean nothing for those. */
  winning: readonly Rival[];
  /** They send requests to the two pools that the customers' route never sees: the split leaves those out. */
  beside: readonly Rival[];
  /** They take only requests with a header or parameter of their own. */
  narrow: readonly Rival[];
}

const none: Rivals = { winning: [], beside: [], narrow: [] };

/**
 * Compares the customers' route with every other route of the cluster.
 * @param pools the stable pool and the candidate.
 */
export function rivalsOf(
  config: Pick<ServiceConfig, "namespace" | "route"> & {
    names: readonly string[];
    asked?: readonly string[];
  },
  others: OtherRoutes | undefined,
  pools: readonly PoolRef[],
): Rivals {
  if (others === undefined) return none;
  const live = others.customers;
  const shape = live?.keepsShape === true ? shapeOf(live, pools) : undefined;
  const customers = {
    namespace: config.namespace,
    name: config.route,
    ...(live?.created === undefined ? {} : { created: live.created }),
    ...(shape === undefined || shape.matches.length === 0 ? {} : { shape }),
  };
  const lost = overlapsWith(customers, others).filter(({ winner }) => winner === "other");
  const isOurs = ({ rule }: Overlap): boolean => pools.some((pool) => ruleSendsTo(rule, pool));
  const judged = lost.map((overlap) => ({
    overlap,
    ...reachOf(overlap.match, config.names, isOurs(overlap), config.asked),
  }));
  const winning = judged.filter(
    ({ overlap, requests, narrow }) =>
      !narrow && (requests === "completions" || (requests === "further" && isOurs(overlap))),
  );
  const seen = new Set(winning.map(({ overlap }) => overlap.route));
  const narrow = judged.filter(
    (one) =>
      one.narrow && !seen.has(one.overlap.route) && (one.requests !== "unknown" || isOurs(one.overlap)),
  );
  const known = new Set([...seen, ...narrow.map(({ overlap }) => overlap.route)]);
  const beside = others.routes.filter(
    (route) =>
      !known.has(route) &&
      route.rules.some((rule) => pools.some((pool) => ruleSendsTo(rule, pool))) &&
      isReached(route, others, lost),
  );
  return {
    winning: byRoute(winning.map(({ overlap }) => overlap)),
    beside: beside.map((route) => ({ route, requests: waysTo(route), sends: sendsOf(route) })),
    narrow: byRoute(narrow.map(({ overlap }) => overlap)),
  };
}

/** Where a customers' route with its owner's shape gets requests for the pools. */
const shapeOf = (route: KnownRoute, pools: readonly PoolRef[]): NonNullable<CustomersRoute["shape"]> => ({
  parents: route.parents,
  hostnames: route.hostnames,
  matches: route.rules
    .filter((rule) => pools.some((pool) => ruleSendsTo(rule, pool)))
    .flatMap(({ matches }) => matches),
});

/** {@link rivalsOf} for a service as its config has it. */
export function rivalsFor(
  config: ServiceConfig,
  others: OtherRoutes | undefined,
  pools: readonly PoolRef[],
): Rivals {
  const { namespace, route } = config;
  const asked = requestFor(config.gate.endpoint, { model: "", prompt: "", maxTokens: 1 }).path;
  return rivalsOf({ namespace, route, names: clientNames(config), asked: [asked] }, others, pools);
}

export const poolsOf = ({ stable, candidate }: Pick<Draft, "stable" | "candidate">): RoutedPool[] =>
  candidate === undefined ? [stable] : [stable, candidate];

/** The other routes, against the customers' route of a plan. */
export function rivalsOfDraft(
  config: ServiceConfig,
  { others }: Observed,
  draft: Pick<Draft, "stable" | "candidate">,
): Rivals {
  return rivalsFor(config, others, poolsOf(draft));
}

/** Whether any request can come by a route: another Gateway, another hostname, or a match that wins. */
function isReached(route: KnownRoute, { gateway }: OtherRoutes, lost: readonly Overlap[]): boolean {
  const { name, namespace, hostname = anyHost } = gateway;
  const attached = route.parents.filter(({ refused }) => !refused);
  const hosts = route.hostnames.length === 0 ? [anyHost] : route.hostnames;
  return (
    attached.some((parent) => parent.name !== name || parent.namespace !== namespace) ||
    (attached.length > 0 && hosts.some((host) => !hostCovers(hostname.toLowerCase(), host.toLowerCase()))) ||
    lost.some((overlap) => overlap.route === route)
  );
}

function byRoute(overlaps: readonly Overlap[]): Rival[] {
  return [...new Set(overlaps.map(({ route }) => route))].map((route) => {
    const own = overlaps.filter((overlap) => overlap.route === route);
    const texts = [...new Set(own.map(requestsText))];
    return {
      route,
      requests: texts.slice(0, 3).join(", ") + (texts.length > 3 ? ` and ${texts.length - 3} more` : ""),
      sends: sendsOf(route),
    };
  });
}

function requestsText({ match, host, by }: Overlap): string {
  const { path, method, headers, queryParams } = match;
  const conditions = [
    ...(path.type === "PathPrefix" && path.value === "/" ? [] : [`path ${path.value}`]),
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(({ name }) => `header ${name}`),
    ...queryParams.map(({ name }) => `parameter ${name}`),
  ];
  const what = conditions.length === 0 ? "every request" : `requests with ${conditions.join(", ")}`;
  const where = host === anyHost ? "" : ` for ${host}`;
  const why = {
    hostname: "its hostname is more specific",
    match: "its match is more specific",
    age: "it has the same matches and is older",
  }[by];
  return `${what}${where} (${why})`;
}

function waysTo({ parents, hostnames }: KnownRoute): string {
  const gateways = [...new Set(parents.map(({ namespace, name }) => `${namespace}/${name}`))];
  const hosts = hostnames.length === 0 ? "" : ` for ${hostnames.join(", ")}`;
  return `requests through Gateway ${gateways.join(", ")}${hosts}`;
}

/** A redirect sends nothing to anybody. */
function sendsOf({ rules }: KnownRoute): string {
  const texts = rules.map(({ backends }) => shareText(sharesOf(backends)));
  return [...new Set(texts)].join("; ");
}

/** Why a pool must stay although the customers' route does not name it; undefined: nothing else sends to it. */
export function otherTraffic(pool: PoolRef, { others }: Pick<Observed, "others">): string | undefined {
  const senders = sendersTo(pool, others);
  if (senders.length === 0) return undefined;
  const names = senders.map(nameOf).join(", ");
  return `${names} ${senders.length === 1 ? "sends" : "send"} requests to it`;
}

/** The commands that take a pool out of the routes of others. */
export function offOtherRoutes(pool: PoolRef, { others }: Pick<Observed, "others">): Fix {
  const edits = sendersTo(pool, others).map(({ kind, namespace, name }) =>
    run(`kubectl edit ${kind.toLowerCase()} -n ${namespace} ${name}`),
  );
  return fix`first remove the pool from ${edits.length === 1 ? "that route" : "those routes"}: ${edits}`;
}

/** The state of a rollout while another route gets the customers' requests: whatever the weights, they do not apply. */
export const overriddenState = "overridden";

/** Why the weights are not what customers get; empty: they are. */
export function overriddenBy(
  config: ServiceConfig,
  others: OtherRoutes | undefined,
  pools: readonly PoolRef[],
): string[] {
  const own = `HTTPRoute ${config.namespace}/${config.route}`;
  return rivalsFor(config, others, pools).winning.map(
    ({ route, requests, sends }) =>
      `${nameOf(route)} takes precedence over ${own} for customers' requests: ${requests}; it sends ${sends}`,
  );
}

/** What a person should know of the other routes, in every update. */
export function routeNotes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const { beside, narrow } = rivalsOfDraft(config, observed, draft);
  return [
    ...draft.overridden.map((text) => `customers do not get these weights: ${text}`),
    ...beside.map(
      ({ route, requests, sends }) =>
        `${nameOf(route)} sends ${sends} (${requests}): these requests are not part of the split`,
    ),
    ...narrow.map(
      ({ route, requests, sends }) =>
        `${nameOf(route)} takes ${requests} and sends ${sends}: these requests are not part of the split`,
    ),
    ...(observed.others?.unseen ?? []).map(
      (text) => `${text}: other routes may exist that this program cannot see`,
    ),
  ];
}
