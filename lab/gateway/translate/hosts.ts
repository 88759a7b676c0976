import { splitAction, type VirtualHost } from "../envoy/routes";
import type { Json } from "../envoy/types";
import { keyOf, type HTTPRoute } from "../objects/types";
import { envoyRedirect } from "./filters";
import { anyHost, bestCover } from "./hostnames";
import type { ListenerPlan } from "./listeners";
import { byPrecedence, type Candidate } from "./precedence";
import type { CompiledRoute } from "./rules";

/** A route as one listener serves it. */
export interface Attached {
  listener: ListenerPlan;
  hostnames: readonly string[];
  route: HTTPRoute;
  compiled: CompiledRoute;
}

/**
 * The virtual hosts of one socket. A request belongs to the listener with the most specific hostname that fits,
 * and sees only that one's routes; among these every route with a fitting hostname takes part.
 */
export function virtualHosts(
  listeners: readonly ListenerPlan[],
  attached: readonly Attached[],
  bound: (port: number) => number,
): VirtualHost[] {
  const hostOf = ({ listener }: ListenerPlan): string => listener.hostname?.toLowerCase() ?? anyHost;
  const domains = new Set([...listeners.map(hostOf), ...attached.flatMap(({ hostnames }) => hostnames)]);
  return [...domains].sort().map((domain) => {
    const owner = bestCover(listeners.map(hostOf), domain);
    const here = attached.filter(({ listener }) => hostOf(listener) === owner);
    const candidates = here.flatMap((one) => candidatesOf(one, domain));
    return {
      domain,
      routes: candidates
        .sort((a, b) => byPrecedence(a.candidate, b.candidate))
        .map(({ candidate, from }) => envoyRoute(candidate, from, bound)),
    };
  });
}

interface Placed {
  candidate: Candidate;
  from: Attached;
}

function candidatesOf(from: Attached, domain: string): Placed[] {
  const hostname = bestCover(from.hostnames, domain);
  if (hostname === undefined) return [];
  return from.compiled.rules.flatMap((rule, i) =>
    rule.matches.map(({ match }, position) => ({
      from,
      candidate: { route: from.route, rule: i, position, match, hostname },
    })),
  );
}

function envoyRoute(
  candidate: Candidate,
  { compiled, listener }: Attached,
  bound: (port: number) => number,
): Json {
  const rule = compiled.rules[candidate.rule];
  const match = rule?.matches[candidate.position];
  if (rule === undefined || match === undefined) throw new Error("a candidate without its rule");
  const { protocol, port } = listener.listener;
  const action =
    rule.redirect === undefined
      ? splitAction(rule.shares, rule.timeout, rule.upgrades)
      : {
          redirect: envoyRedirect(
            rule.redirect,
            { scheme: protocol === "HTTPS" ? "https" : "http", port: bound(port) },
            bound,
            match.match.path?.value,
          ),
        };
  return {
    name: `${keyOf(candidate.route)}/${candidate.rule}/${candidate.position}`,
    match: match.envoy,
    ...action,
    ...rule.headers,
  };
}
