import type { ServiceConfig, Observed, Draft, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";
import { sameShares, shareText, sharesOf } from "./shares";
import { redeclare } from "./redeclare";

/*
 * What somebody else changed behind the program's back. Only the route's own annotation can tell: it is written in
 * one request with the weights, so that after an update that broke off the two still agree, whatever the stack's
 * outputs and state say. The field managers of server-side apply cannot: the Kubernetes provider quietly takes over
 * what any client whose name begins with kubectl has written.
 */

/** What the live route says other than what this program wrote into it; undefined where it says the same. */
export interface RouteDrift {
  /** Backends with weight that this program did not write. */
  unknown: readonly string[];
  /** Whether the shares are others. */
  shares: boolean;
  /** What its rules have beyond backends. */
  rules: readonly string[];
}

export function driftOf({ route }: Observed): RouteDrift | undefined {
  if (route === undefined || route.foreign === true) return undefined;
  const live = sharesOf(route.backends);
  // A route of before there was the annotation tells nothing: the record may be behind it.
  const written = route.written === undefined ? live : new Map(Object.entries(route.written));
  const unknown = [...live.keys()].filter((pool) => !written.has(pool));
  const shares = !sameShares(live, written);
  const rules = route.differences?.rules ?? [];
  return shares || rules.length > 0 ? { unknown, shares, rules } : undefined;
}

/**
 * Whether the config says what the live route says: whoever edited the route is right, on purpose. An integer is
 * near enough to a share that was made of other numbers.
 */
export function adopts(observed: Observed, draft: Draft): boolean {
  const drift = driftOf(observed);
  if (drift === undefined || drift.rules.length > 0) return false;
  const live = sharesOf(observed.route?.backends ?? []);
  return sameShares(live, new Map(Object.entries(draft.shares)), 0.5);
}

/** A backend that is neither the config's nor ours, and gets customers. */
export function unknownBackend(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  const live = sharesOf(observed.route?.backends ?? []);
  const known = [draft.stable.name, draft.candidate?.name];
  return (driftOf(observed)?.unknown ?? [])
    .filter((pool) => !known.includes(pool))
    .map((pool) => ({
      rule: "unknown-backend",
      found: `somebody gave ${pool} ${Math.round(live.get(pool) ?? 0)} % of the traffic in the live route; it is neither the stable pool nor the candidate`,
      fix: `take it out of the route again (kubectl edit httproute -n ${config.namespace})${candidateOf(pool, config, observed)}`,
      waiver: "route-edited" as const,
    }));
}

/** Where no other pool is the candidate, one that is there may be. */
function candidateOf(pool: string, config: ServiceConfig, observed: Observed): string {
  const back = redeclare(pool, config, observed);
  if (back === undefined || config.candidate !== undefined) return "";
  const share = Math.round(sharesOf(observed.route?.backends ?? []).get(pool) ?? 0);
  return `; or make it the candidate with the weight it has: ${back}${setCommand("candidate", pool)} && ${setCommand("weight", String(share))}`;
}

/** Weights or rules that somebody edited in the cluster. */
export function routeEdited(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  const drift = driftOf(observed);
  if (drift === undefined || adopts(observed, draft)) return [];
  const live = sharesOf(observed.route?.backends ?? []);
  const wanted = new Map(Object.entries(draft.shares));
  const share = draft.candidate === undefined ? undefined : live.get(draft.candidate.name);
  const refusals: Refusal[] = [];
  // An unknown backend changes the shares too: then its own refusal says so.
  if (drift.shares && unknownBackend(config, observed, draft).length === 0) {
    const written = new Map(Object.entries(observed.route?.written ?? {}));
    refusals.push({
      rule: "route-edited",
      found: `somebody edited the weights of the live route: it sends ${shareText(live)}, this stack wrote ${shareText(written)}, the config asks for ${shareText(wanted)}`,
      fix: `keep what is live by saying the same in the config${share === undefined ? "" : ` (${setCommand("weight", String(Math.round(share)))} && pulumi up)`}, or take the edit back in the cluster`,
      waiver: "route-edited",
    });
  }
  if (drift.rules.length > 0) {
    refusals.push({
      rule: "route-edited",
      found: `the live route has what this stack did not write and would remove: ${drift.rules.join(", ")}`,
      fix: `take it out of the route in the cluster (kubectl edit httproute -n ${config.namespace}), if customers do not need it`,
      waiver: "route-edited",
    });
  }
  return refusals;
}

/**
 * A pool that was made and is gone. Pulumi's state still has it, so that a plain update would change nothing. Taking
 * the traffic off a pool that is gone is not held up: that is the way back.
 */
export function poolMissing(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  if (config.allow.includes("destroy")) return [];
  return missingPools(observed, draft)
    .filter(({ falls }) => !falls)
    .map(({ name, namespace, evidence }) => ({
      rule: "pool-missing",
      found: `InferencePool ${name} is not in namespace ${namespace}, and ${evidence}`,
      fix: `make it anew: ${setCommand("allow[0]", "pool-missing")} && pulumi up --refresh; or send its traffic to the other pool first`,
      waiver: "pool-missing" as const,
    }));
}

export interface MissingPool {
  name: string;
  namespace: string;
  evidence: string;
  /** Whether its share falls in this update, or it has none. */
  falls: boolean;
}

export function missingPools(observed: Observed, draft: Draft): MissingPool[] {
  const live = sharesOf(observed.route?.backends ?? []);
  return draft.pools
    .filter(
      ({ pool, namespace }) =>
        !observed.pools.some((one) => one.name === pool.name && one.namespace === namespace),
    )
    .flatMap(({ pool: { name }, namespace }) => {
      const now = live.get(name) ?? 0;
      const evidence =
        now > 0
          ? `the live route sends it ${Math.round(now)} % of the traffic`
          : observed.record?.pools[name] !== undefined
            ? "the last successful update left it there"
            : undefined;
      const wanted = draft.shares[name] ?? 0;
      const falls = wanted === 0 || wanted < now;
      return evidence === undefined ? [] : [{ name, namespace, evidence, falls }];
    });
}

/** The customers' route is gone: Pulumi's state still has it, so that a plain update would not bring it back. */
export function routeMissing(config: ServiceConfig, observed: Observed): Refusal[] {
  const { route, record } = observed;
  if (route !== undefined || record === undefined || config.allow.includes("destroy")) return [];
  const [namespace, name] = (record.route ?? "").split("/");
  if (name !== undefined && namespace === config.namespace && name !== config.route) {
    // A route that is renamed in the config alone would be deleted under its customers.
    return [
      {
        rule: "route-missing",
        found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}: this stack's route is ${name}, which the last successful update wrote with ${shareText(new Map(Object.entries(record.weights)))}`,
        fix: `${setCommand("route", name)}; route names an HTTPRoute that exists and serves the customers, to take it over`,
      },
    ];
  }
  return [
    {
      rule: "route-missing",
      found: `there is no HTTPRoute ${config.route} in namespace ${config.namespace}, and the last successful update wrote it with ${shareText(new Map(Object.entries(record.weights)))}`,
      fix: `put service and namespace back, if the config has others now (a route never moves); else make it anew: ${setCommand("allow[0]", "route-missing")} && pulumi up --refresh`,
      waiver: "route-missing",
    },
  ];
}
