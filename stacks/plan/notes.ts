import { trafficGuardName } from "../../components/names";
import type { Allowance, ServiceConfig } from "./service-config";
import type { Observed } from "./observed";
import type { Draft } from "./model";
import { adopts, driftOf, missingPools } from "./drift";
import { windowNow } from "./freeze";
import { identityChanges } from "./identity";
import { holds } from "./latch";
import { keptNotes } from "./leaving-pools";
import { tokenNotes } from "./kept-token";
import { liveShares, shareText } from "./shares";
import { otherTraffic, routeNotes } from "./rival-routes";
import { sizeNotes } from "./other-sizes";
import { modelSizeNotes } from "./model-size";
import { metricsNotes } from "./rules/node-rules";
import { ownershipNotes } from "./rules/ownership-rules";
import { shapeNotes } from "./rules/shape-rules";
import { zoneNotes } from "./zones";
import { leaving } from "./waivers";

/** What a person should know of an update, beyond what it does. */
export function notesOf(
  config: ServiceConfig,
  observed: Observed,
  draft: Draft,
  waivers: { waived: readonly Allowance[]; found: readonly Allowance[] },
): string[] {
  return [
    ...waivers.waived.map((name) => `this update used allow: ${name}; remove it from the config now`),
    ...draft.pools
      .filter(({ objectives }) => !objectives && config.objectives.length > 0)
      .map(
        ({ pool, namespace }) =>
          `the objectives do not apply to ${pool.name}: it shares namespace ${namespace} with ${config.stable}, and an objective applies to one pool per namespace`,
      ),
    ...ownershipNotes(config, observed, draft),
    ...keptNotes(
      config,
      observed,
      draft.pools.filter(({ pool: { name } }) => name !== config.stable && name !== config.candidate),
    ),
    ...adoption(observed, draft),
    ...routeNotes(config, observed, draft),
    ...shapeNotes(config, observed),
    ...draft.pools
      .filter(({ pool }) => pool.server.clearSecrets !== undefined)
      .map(
        ({ pool }) =>
          `pool ${pool.name} was created by a version that kept secret arguments in clear text in its pods; replace it with a new pool (pools.NAME: {like: ${pool.name}}), and rotate the secrets`,
      ),
    ...restarts(observed, draft),
    ...tokenNotes(draft.pools),
    ...draft.pools.flatMap(({ pool }) =>
      (observed.settings?.[pool.name]?.unchecked ?? []).map(
        (what) =>
          `could not check whether ${what} exists, which the pods of ${pool.name} need (no permission to read it)`,
      ),
    ),
    ...sizes(config, observed, draft),
    ...draft.pools.flatMap(({ copied }) => copied?.notes ?? []),
    ...sizeNotes(config, observed, draft),
    ...zoneNotes(observed),
    ...modelSizeNotes(observed, draft.pools),
    ...metricsNotes(observed, draft),
    ...scopeNotes(config, observed),
    ...unlatched(config, draft),
    ...missingPools(observed, draft)
      .filter(({ falls }) => falls)
      .map(
        ({ name, namespace }) =>
          `InferencePool ${name} no longer exists in namespace ${namespace}; this update moves its traffic away`,
      ),
    ...draft.latches
      .filter(holds)
      .map(
        ({ candidate, time, reason }) =>
          `${candidate} was rolled back at ${time} (${reason}) and gets no traffic until it is resumed`,
      ),
    ...config.allow
      .filter((name) => !waivers.found.includes(name) && !leaving.includes(name))
      .map((name) => `allow: ${name} is in the config, but this update did not need it`),
  ];
}

/** Changes in place of the pods' template. */
function restarts(observed: Observed, draft: Draft): string[] {
  return draft.pools.flatMap(({ pool, identity }) => {
    const live = observed.pools.find(({ name, owned }) => owned && name === pool.name);
    const changes = live?.identity === undefined ? [] : identityChanges(live.identity, identity);
    const fields = changes.filter(({ inPlace }) => inPlace).map(({ field }) => field);
    return fields.length === 0
      ? []
      : [
          `pool ${pool.name} changes in place (${fields.join(", ")}): its pods restart one at a time, and it has one replica less until the last one is ready`,
        ];
  });
}

/** What a stack without rights in the whole cluster lacks, unless a platform stack has it for the service. */
function scopeNotes(
  { clusterScoped, service, namespace }: ServiceConfig,
  { claims = [] }: Observed,
): string[] {
  const guards = claims.some(
    ({ object }) =>
      object.kind === "ValidatingAdmissionPolicy" &&
      object.service === service &&
      object.name === trafficGuardName(namespace, service),
  );
  return clusterScoped === false && !guards
    ? [
        "clusterScoped: false: the cluster itself does not refuse to delete pools and the route while they have traffic, and the pickers' metrics cannot be read; a platform stack can create both (guardedServices, docs/teams.md)",
      ]
    : [];
}

/** Going back by the weight alone is not remembered: whoever deploys an older config goes up again. */
function unlatched({ candidate, weight }: ServiceConfig, { candidateFalls, latches }: Draft): string[] {
  if (candidate === undefined || weight > 0 || !candidateFalls) return [];
  if (latches.some((latch) => latch.candidate === candidate && holds(latch))) return [];
  return [
    `${candidate} is not latched: an update of an older config (a CI run) that still gives it weight moves the traffic again. To refuse that: npm run rollout -- rollback --reason WHY`,
  ];
}

function adoption(observed: Observed, draft: Draft): string[] {
  if (driftOf(observed) === undefined || !adopts(observed, draft)) return [];
  const live = shareText(liveShares(observed));
  const written = shareText(observed.route?.written ?? {});
  return [
    `the live route was edited outside this stack (${live}; this stack wrote ${written}); the config now has the same weights, so the edit stays`,
  ];
}

function sizes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const frozen = windowNow(config.freeze, observed.now) !== undefined;
  const own = draft.pools.filter(({ scaledBy }) => scaledBy === undefined);
  return own.flatMap(({ pool, namespace, replicas, settled }) => {
    const live = observed.pools.find(
      (one) => one.name === pool.name && one.namespace === namespace,
    )?.replicas;
    const set = observed.record?.sizes?.[pool.name];
    const byHand =
      pool.autoscaling === undefined &&
      live !== undefined &&
      set !== undefined &&
      live !== set &&
      live < replicas
        ? [
            `pool ${pool.name} has ${live} replicas in the cluster, but the last update set ${set}: if someone scaled it by hand, run pulumi up --refresh`,
          ]
        : [];
    if (replicas <= settled) return byHand;
    const others = otherTraffic({ name: pool.name, namespace }, observed);
    const why = frozen
      ? "while the service is frozen"
      : others === undefined
        ? "until the gateway confirms that its traffic has moved"
        : `while ${others}`;
    const then = frozen || others !== undefined ? "a later update" : "another pulumi up";
    return [
      ...byHand,
      `pool ${pool.name} keeps ${pool.autoscaling === undefined ? "" : "at least "}${replicas} replicas ${why}; ${then} reduces it to ${settled}`,
    ];
  });
}
