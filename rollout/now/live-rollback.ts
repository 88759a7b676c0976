import { annotations, apis } from "../../components/names";
import { holds, latchesOf, timeAfter } from "../../stacks/plan/latch";
import type { Latch } from "../../stacks/plan/observed";
import { shareIn, sharesOf } from "../../stacks/plan/shares";
import type { LiveObject } from "../../stacks/state/cluster-reader";
import { backendOf, rulesWith, type LiveBackendRef, type LiveRule } from "../../stacks/plan/kept-route";
import { isPoolName } from "../../stacks/plan/routes";
import { observedRoute } from "../../stacks/state/observe";
import type { Known } from "../../stacks/state/route-shape";

/*
 * The rollback that needs nothing but the cluster: the live route is written as the program would write it, the latch
 * included, and Pulumi records it later. Pure: the route, the preview route and the service's pools in, the route out.
 */

/** A pool of the service, as the cluster has it. */
export interface ServicePool {
  name: string;
  namespace: string;
}

/** What the cluster says of a service. */
export interface LiveService {
  /** The customers' HTTPRoute. */
  route: LiveObject;
  /** The preview route: its first rule names the candidate, its second one the stable pool. Absent: there is none. */
  preview?: LiveObject;
  /** InferencePools of this very service: a service of the same name in another namespace is another one. */
  pools: readonly ServicePool[];
}

export interface RollbackRequest {
  reason: string;
  now: Date;
  /** When it was rolled back, where that is written elsewhere too: ISO 8601. Default: now. */
  time?: string;
  /** The pool that loses its traffic. Default: the candidate, by the preview route. */
  from?: string;
  /** The pool that gets all of it: NAME, or NAMESPACE/NAME. Default: the stable pool. */
  to?: string;
}

export type LiveRollback =
  | {
      outcome: "move";
      from: string;
      to: ServicePool;
      /** Percent of the traffic that `from` had. */
      share: number;
      /** Replicas with which `to`, a pool created outside this stack, last served all of the traffic. */
      served?: number;
      reason: string;
      /** Whether `from` is the candidate of a rollout, by the preview route; else the user named both. */
      isCandidate: boolean;
      /** Field manager of server-side apply that owns the rules: the one that Pulumi writes with. */
      manager: string;
      /** The whole object to apply. */
      object: LiveObject;
    }
  /** The candidate has no traffic, and its latch holds. */
  | { outcome: "there"; from: string; to: ServicePool; latch: Latch }
  | { outcome: "refused"; reasons: readonly { found: string; fix: string }[] };

/** Field manager where nothing on the route says who wrote the rules. */
const ownManager = "gke-inference-rollout";

export function liveRollback(service: LiveService, request: RollbackRequest): LiveRollback {
  const { route } = service;
  const {
    backends,
    written,
    moves,
    kept,
    latches = [],
    carried = {},
  } = observedRoute(route, undefined, knownOf(service));
  const name = `HTTPRoute ${route.metadata.namespace ?? "default"}/${route.metadata.name}`;
  const rules = (route["spec"] as { rules?: LiveRule[] }).rules ?? [];
  if (written === undefined) {
    return refused(
      `this program has never written ${name}: it has no ${annotations.weights} annotation`,
      `edit it by hand: kubectl edit httproute -n ${route.metadata.namespace ?? "default"} ${route.metadata.name}`,
    );
  }
  const [rule, ...more] = rules;
  const isOwnShape =
    rule !== undefined && more.length === 0 && backends.every(({ pool }) => isPoolName(pool));
  if (kept === undefined && !isOwnShape) {
    return refused(
      `${name} has ${rules.length} rules and the backends ${backends.map(({ pool }) => pool).join(", ")}; expected: one rule with InferencePools`,
      `edit it by hand: kubectl edit httproute -n ${route.metadata.namespace ?? "default"} ${route.metadata.name}`,
    );
  }
  const roles = rolesOf(service, request, backends);
  if ("reasons" in roles) return { outcome: "refused", reasons: roles.reasons };
  const { from, to } = roles;
  const share = shareIn(sharesOf(backends), from);
  const held = latches.find((latch) => latch.candidate === from && holds(latch));
  if (share === 0 && held !== undefined) return { outcome: "there", from, to, latch: held };
  const mark = {
    candidate: from,
    reason: request.reason,
    time: request.time ?? timeAfter([...latches, ...latches.map(({ resumed }) => resumed)], request.now),
  };
  const own = route.metadata.namespace ?? "default";
  return {
    outcome: "move",
    from,
    to,
    share,
    reason: request.reason,
    ...(carried[to.name] === undefined ? {} : { served: carried[to.name] }),
    isCandidate: pinnedPools(service.preview)[0]?.name === from,
    ...applied(route, {
      rules:
        kept === undefined
          ? rules.map((one) => ({ ...withoutDefaultMatch(one), backendRefs: [refTo(one, to, own)] }))
          : rulesWith(kept, [{ pool: to.name, namespace: to.namespace, weight: 100 }]).rules,
      notes: {
        // The cluster's guard of a route that keeps its shape asks what the write was made from.
        ...(kept === undefined ? {} : { [annotations.writtenFrom]: String(kept.generation) }),
        [annotations.weights]: JSON.stringify({ [to.name]: 100 }),
        [annotations.moves]: String((moves ?? 0) + 1),
        [annotations.latched]: JSON.stringify(
          latchesOf({ rolledBack: mark }, { route: { backends, latches } }, () => share),
        ),
      },
    }),
  };
}

/** The pools that the service is known to have: of a route that keeps its owner's shape only their weights move. */
function knownOf({ pools, preview }: LiveService): Known {
  const places = new Map<string, string[]>();
  for (const pool of [...pools, ...pinnedPools(preview)]) {
    if (pool !== undefined) places.set(pool.name, [...(places.get(pool.name) ?? []), pool.namespace]);
  }
  return { places: Object.fromEntries(places) };
}

const refused = (found: string, fix: string): LiveRollback => ({
  outcome: "refused",
  reasons: [{ found, fix }],
});

/** Who loses the traffic and who gets it: what the user says counts, then the preview route, then what is left over. */
function rolesOf(
  { route, preview, pools }: LiveService,
  { from, to }: RollbackRequest,
  backends: readonly { pool: string; namespace: string; weight: number }[],
): { from: string; to: ServicePool } | { reasons: { found: string; fix: string }[] } {
  const own = route.metadata.namespace ?? "default";
  const [candidate, stable] = pinnedPools(preview);
  // Those that a route names count before those that only have the service's label.
  const known = new Map<string, ServicePool>();
  for (const pool of [
    ...backends.map(({ pool: name, namespace }) => ({ name, namespace })),
    ...[candidate, stable].filter((one) => one !== undefined),
    ...pools,
  ]) {
    if (!known.has(pool.name)) known.set(pool.name, pool);
  }
  const names = [...known.keys()].join(", ");
  const losing = from ?? candidate?.name;
  if (losing === undefined) {
    const serving = Object.entries(sharesOf(backends))
      .map(([pool, share]) => `${pool} ${Math.round(share)} %`)
      .join(", ");
    return oneReason(
      `no rollout is in progress in the cluster: there is no preview route, and the route sends ${serving}`,
      "name both pools: --from POOL --to POOL",
    );
  }
  if (!known.has(losing)) {
    return oneReason(`the service has no pool ${losing}`, `name one of ${names}: --from POOL`);
  }
  const others = [...known.values()].filter(({ name }) => name !== losing);
  const live = others.filter(({ name }) => shareIn(sharesOf(backends), name) > 0);
  const gaining =
    to === undefined
      ? ((live.length === 1 ? live[0] : undefined) ?? stable ?? (others.length === 1 ? others[0] : undefined))
      : placed(to, known, own);
  if (gaining === undefined) {
    const left = others.map(({ name }) => name).join(", ") || "none";
    return oneReason(
      `the cluster does not say which pool served before ${losing} (other pools: ${left})`,
      "name the pool that gets the traffic: --to POOL, or --to NAMESPACE/POOL",
    );
  }
  if (gaining.name === losing) {
    return oneReason(
      `${losing} is both the pool that loses its traffic and the pool that gets it`,
      "name another pool: --to POOL",
    );
  }
  return { from: losing, to: gaining };
}

const oneReason = (found: string, fix: string): { reasons: { found: string; fix: string }[] } => ({
  reasons: [{ found, fix }],
});

/** NAME or NAMESPACE/NAME; a name that nothing knows is looked for beside the route. */
function placed(text: string, known: ReadonlyMap<string, ServicePool>, own: string): ServicePool {
  const [first = "", second] = text.split("/");
  if (second !== undefined) return { name: second, namespace: first };
  return known.get(first) ?? { name: first, namespace: own };
}

/** The pools of the preview route's rules: the candidate, and the stable pool where it is asked too. */
export function pinnedPools(preview: LiveObject | undefined): (ServicePool | undefined)[] {
  const rules =
    (preview?.["spec"] as { rules?: { backendRefs?: LiveBackendRef[] }[] } | undefined)?.rules ?? [];
  const own = preview?.metadata.namespace ?? "default";
  return rules.map(({ backendRefs }) => {
    const [ref] = backendRefs ?? [];
    if (ref === undefined) return undefined;
    const { pool, namespace } = backendOf(ref, own);
    return { name: pool, namespace };
  });
}

/** As the program writes it, so that the next update finds what it would write itself. */
function refTo(rule: LiveRule, to: ServicePool, own: string): LiveBackendRef {
  const live = (rule.backendRefs ?? []).find(
    (ref) => ref.name === to.name && (ref.namespace ?? own) === to.namespace,
  );
  return {
    group: apis.pool,
    kind: "InferencePool",
    ...live,
    name: to.name,
    ...(to.namespace === own ? {} : { namespace: to.namespace }),
    weight: 100,
  };
}

/** The API server fills it in; the program does not write it. */
function withoutDefaultMatch({ matches, ...rule }: LiveRule): LiveRule {
  const isDefault =
    Array.isArray(matches) &&
    matches.length === 1 &&
    JSON.stringify(matches[0]) === JSON.stringify({ path: { type: "PathPrefix", value: "/" } });
  return matches === undefined || isDefault ? rule : { ...rule, matches };
}

/** What Pulumi's field manager owns, with what changes: server-side apply removes what its manager leaves out. */
function applied(
  route: LiveObject,
  { rules, notes }: { rules: LiveRule[]; notes: Record<string, string> },
): { manager: string; object: LiveObject } {
  const { metadata } = route;
  const owners = (metadata.managedFields ?? []).filter(({ subresource }) => (subresource ?? "") === "");
  const ownsRules = owners.filter(
    ({ fieldsV1 }) => "f:rules" in ((fieldsV1?.["f:spec"] as object | undefined) ?? {}),
  );
  const owner =
    ownsRules.find(({ manager, operation }) => operation === "Apply" && manager?.startsWith("pulumi")) ??
    ownsRules.find(({ operation }) => operation === "Apply");
  const owned = (field: "labels" | "annotations"): Record<string, string> => {
    const fields =
      (owner?.fieldsV1?.["f:metadata"] as Record<string, object> | undefined)?.[`f:${field}`] ?? {};
    return Object.fromEntries(Object.entries(metadata[field] ?? {}).filter(([key]) => `f:${key}` in fields));
  };
  const { resourceVersion } = metadata;
  // What others added to the route (host names, say) stays theirs: Pulumi would remove it with its next update.
  const ownedFields = (owner?.fieldsV1?.["f:spec"] as Record<string, object> | undefined) ?? {};
  const ownedSpec = Object.fromEntries(
    Object.entries(route["spec"] as object).filter(
      ([field]) => owner === undefined || `f:${field}` in ownedFields,
    ),
  );
  return {
    manager: owner?.manager ?? ownManager,
    object: {
      apiVersion: route.apiVersion ?? "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: {
        name: metadata.name,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        labels: owned("labels"),
        annotations: { ...owned("annotations"), ...notes },
      },
      spec: { ...ownedSpec, rules },
    },
  };
}
