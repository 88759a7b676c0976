import {
  anyHost,
  bestHost,
  bySpecificity,
  commonHost,
  hostCovers,
  hostsOn,
} from "../../components/gateways/hostnames";
import {
  canBothFit,
  everything,
  isEverything,
  leavesNothing,
  takesBefore,
  type Placed,
} from "./route-matches";
import type { KnownListener, KnownRoute, OtherRoutes, RouteMatch, RouteRule } from "./routes";

/** Requests that fit the customers' route and another one. */
export interface Overlap {
  route: KnownRoute;
  rule: RouteRule;
  match: RouteMatch;
  /** The hostnames of these requests, as one name, `*.name` or `*`. */
  host: string;
  port: number;
  /** Which of the two routes the gateway gives them to. */
  winner: "other" | "customers";
  /** What decides it: the more specific hostname, the more specific match, or the age of the routes. */
  by: "hostname" | "match" | "age";
}

/** The customers' route as this program writes it. */
export interface CustomersRoute {
  namespace: string;
  name: string;
  /** Absent: it is still to be made. */
  created?: string;
  /** Where it keeps the shape of its owner. Default: it matches everything, on every listener of the Gateway. */
  shape?: {
    parents: KnownRoute["parents"];
    hostnames: readonly string[];
    /** Matches of the rules that send to the service's pools. */
    matches: readonly RouteMatch[];
  };
}

/** Where customers' requests also fit another route, listener by listener, and which route gets them. */
export function overlapsWith(customers: CustomersRoute, others: OtherRoutes): Overlap[] {
  const { gateway, routes } = others;
  const { shape } = customers;
  const own = shape?.hostnames ?? (gateway.hostname === undefined ? [] : [gateway.hostname]);
  return listenersOf(others).flatMap((listener) => {
    if (shape !== undefined && !isOn(shape, listener, gateway)) return [];
    const ownHosts = hostsOn(listener.hostname, own);
    return routes.flatMap((route) => {
      if (!isOn(route, listener, gateway)) return [];
      const otherHosts = hostsOn(listener.hostname, route.hostnames);
      return meetings(ownHosts, otherHosts)
        .filter((host) => isOf(listener, host, listenersOf(others)))
        .flatMap((host) => meet(customers, route, listener, { host, ownHosts, otherHosts }));
    });
  });
}

/** A Gateway that is still to be made has the listeners that routes ask for. */
function listenersOf({ listeners }: OtherRoutes): readonly KnownListener[] {
  return listeners.length === 0 ? [{ name: "", port: 0 }] : listeners;
}

function isOn(
  route: Pick<KnownRoute, "parents">,
  listener: KnownListener,
  gateway: OtherRoutes["gateway"],
): boolean {
  return route.parents.some(
    ({ namespace, name, sectionName, port, refused }) =>
      !refused &&
      namespace === gateway.namespace &&
      name === gateway.name &&
      (listener.name === "" || sectionName === undefined || sectionName === listener.name) &&
      (listener.port === 0 || port === undefined || port === listener.port),
  );
}

function meetings(ownHosts: readonly string[], otherHosts: readonly string[]): string[] {
  const common = ownHosts.flatMap((a) => otherHosts.map((b) => commonHost(a, b)));
  return [...new Set(common.filter((host) => host !== undefined))];
}

/** A request belongs to the listener with the most specific hostname that fits, and sees only its routes. */
function isOf(listener: KnownListener, host: string, all: readonly KnownListener[]): boolean {
  const nameOf = ({ hostname }: KnownListener): string => hostname?.toLowerCase() ?? anyHost;
  return !all.some(
    (other) =>
      other !== listener &&
      other.port === listener.port &&
      hostCovers(nameOf(other), host) &&
      bySpecificity(nameOf(other), nameOf(listener)) < 0,
  );
}

function meet(
  customers: CustomersRoute,
  route: KnownRoute,
  { port }: KnownListener,
  {
    host,
    ownHosts,
    otherHosts,
  }: { host: string; ownHosts: readonly string[]; otherHosts: readonly string[] },
): Overlap[] {
  const [own, other] = [bestHost(ownHosts, host), bestHost(otherHosts, host)];
  if (own === undefined || other === undefined) return [];
  const byHost = bySpecificity(other, own);
  const matches = customers.shape?.matches ?? [everything];
  return route.rules.flatMap((rule) =>
    rule.matches
      .filter((match) => matches.some((mine) => canBothFit(match, mine)))
      .map((match): Overlap => {
        const before = byHost === 0 ? takesFrom({ route, match }, customers, matches) : byHost < 0;
        const alike = customers.shape === undefined ? isEverything(match) : hasLike(match, matches);
        const by = byHost !== 0 ? "hostname" : alike ? "age" : "match";
        return { route, rule, match, host, port, winner: before ? "other" : "customers", by };
      }),
  );
}

/** Whether a match of another route takes requests of an inference API that would else fit one of the customers' own. */
function takesFrom(other: Placed, customers: CustomersRoute, matches: readonly RouteMatch[]): boolean {
  const isBeaten = (match: RouteMatch): boolean => takesBefore(other, { route: customers, match });
  return matches.some(
    (match) =>
      canBothFit(other.match, match) &&
      isBeaten(match) &&
      // What a better match of the customers' route has anyway is not taken.
      !leavesNothing(
        other.match,
        match,
        matches.filter((one) => !isBeaten(one)),
      ),
  );
}

const hasLike = (match: RouteMatch, matches: readonly RouteMatch[]): boolean =>
  matches.some((mine) => JSON.stringify(mine) === JSON.stringify(match));
