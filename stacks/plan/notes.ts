import type { Allowance, ServiceConfig } from "./service-config";
import type { Observed } from "./observed";
import type { Draft } from "./model";
import { adopts, driftOf, missingPools } from "./drift";
import { windowNow } from "./freeze";
import { holds } from "./latch";
import { liveShares, shareText } from "./shares";
import { otherTraffic, routeNotes } from "./rival-routes";
import { sizeNotes } from "./other-sizes";
import { modelSizeNotes } from "./model-size";
import { metricsNotes } from "./rules/node-rules";
import { ownershipNotes } from "./rules/ownership-rules";
import { zoneNotes } from "./zones";

/** What a person should know of an update, beyond what it does. */
export function notesOf(
  config: ServiceConfig,
  observed: Observed,
  draft: Draft,
  waivers: { waived: readonly Allowance[]; found: readonly Allowance[] },
): string[] {
  return [
    ...waivers.waived.map(
      (name) => `allow: ${name} was used by this update; take it out of the config again`,
    ),
    ...draft.pools
      .filter(({ objectives }) => !objectives && config.objectives.length > 0)
      .map(
        ({ pool, namespace }) =>
          `the objectives do not hold on ${pool.name}: it shares namespace ${namespace} with ${config.stable}, and an objective is bound to one pool there`,
      ),
    ...ownershipNotes(config, observed, draft),
    ...adoption(observed, draft),
    ...routeNotes(config, observed, draft),
    ...draft.pools
      .filter(({ pool }) => pool.server.clearSecrets !== undefined)
      .map(
        ({ pool }) =>
          `pool ${pool.name} was made before secret arguments had a Secret: they stand in clear in its pods until another pool takes its place (pools.NAME: {like: ${pool.name}}); replace the secrets themselves then, too`,
      ),
    ...sizes(config, observed, draft),
    ...draft.pools.flatMap(({ copied }) => copied?.notes ?? []),
    ...sizeNotes(config, observed, draft),
    ...zoneNotes(observed),
    ...modelSizeNotes(observed, draft.pools),
    ...metricsNotes(observed, draft),
    ...missingPools(observed, draft)
      .filter(({ falls }) => falls)
      .map(
        ({ name, namespace }) =>
          `InferencePool ${name} is not in namespace ${namespace} any more; it gets no more traffic by this update`,
      ),
    ...draft.latches
      .filter(holds)
      .map(
        ({ candidate, time, reason }) =>
          `${candidate} was rolled back at ${time} (${reason}) and gets no traffic until it is resumed`,
      ),
    ...config.allow
      .filter((name) => !waivers.found.includes(name) && name !== "destroy")
      .map((name) => `allow: ${name} is in the config, and nothing needed it`),
  ];
}

function adoption(observed: Observed, draft: Draft): string[] {
  if (driftOf(observed) === undefined || !adopts(observed, draft)) return [];
  const live = shareText(liveShares(observed));
  const written = shareText(observed.route?.written ?? {});
  return [
    `the live route was edited by somebody (${live}; this stack wrote ${written}); the config says the same now, so it stays`,
  ];
}

function sizes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const frozen = windowNow(config.freeze, observed.now) !== undefined;
  return draft.pools.flatMap(({ pool, namespace, replicas, settled }) => {
    const live = observed.pools.find(
      (one) => one.name === pool.name && one.namespace === namespace,
    )?.replicas;
    const set = observed.record?.sizes?.[pool.name];
    const byHand =
      live !== undefined && set !== undefined && live !== set && live < replicas
        ? [
            `pool ${pool.name} has ${live} replicas in the cluster, the last update set ${set}: if somebody scaled it, pulumi up --refresh puts it right`,
          ]
        : [];
    if (replicas <= settled) return byHand;
    const others = otherTraffic({ name: pool.name, namespace }, observed);
    const why = frozen
      ? "while the service is frozen"
      : others === undefined
        ? "until its traffic is known to have moved"
        : `while ${others}`;
    const then = frozen || others !== undefined ? "after that" : "pulumi up once more";
    return [
      ...byHand,
      `pool ${pool.name} keeps ${replicas} replicas ${why}; ${then} shrinks it to ${settled}`,
    ];
  });
}
