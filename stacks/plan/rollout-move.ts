import { isSameImage, upstreamImage, type ImageMirrors } from "../../components/cluster/mirrored-images";
import { pickerImage } from "../../components/pool/picker-settings";
import type { Draft, RouteMove } from "./model";
import type { LastMove, Observed } from "./observed";
import { pickerIdentity } from "./identity";
import { changesServer } from "../../components/model-server/copied/overrides";
import { overridesOf } from "./copied-pools";
import type { OwnedPool, Pool, RolloutKind, ServiceConfig } from "./service-config";
import { routeTexts, sameTexts } from "./route-texts";
import { serverSettings } from "./server-settings";
import { liveShares, sameShares, shareIn } from "./shares";

/* What an update is as a step of a rollout: of which kind, what it moves, and how the live route comes to say it. */

/**
 * What kind of rollout two pools make up: another model is a base-model rollout, else another server a model-server
 * rollout, else other nodes a node update, else another picker a picker rollout. The same of everything is a node
 * update too: new nodes of the same kind. A copy of the stable pool's pods runs the same server, unless its overrides
 * change what is run. Undefined where an existing pool does not say what it serves and the new one
 * is not made after its template.
 * @param mirrors an image is the same one wherever it is read from.
 */
export function kindOf(stable: Pool, candidate: Pool, mirrors: ImageMirrors = {}): RolloutKind | undefined {
  if (!candidate.existing && candidate.templateOf?.name === stable.name) {
    return changesServer(overridesOf(candidate.templateOf)) ? "model-server" : "node-update";
  }
  if (stable.model === undefined || candidate.model === undefined) return undefined;
  if (stable.model !== candidate.model) return "base-model";
  if (stable.existing || candidate.existing) return undefined;
  const [a, b] = [stable.server, candidate.server];
  const sameServer =
    !isChangedCopy(stable, candidate) &&
    isSameImage(a.image, b.image, mirrors) &&
    JSON.stringify(a.args) === JSON.stringify(b.args) &&
    serverSettings(a) === serverSettings(b);
  if (!sameServer) return "model-server";
  const sameNodes = JSON.stringify(nodesOf(stable)) === JSON.stringify(nodesOf(candidate));
  const samePicker =
    JSON.stringify(pickerOf(stable, mirrors)) === JSON.stringify(pickerOf(candidate, mirrors));
  return sameNodes && !samePicker ? "picker" : "node-update";
}

/** Whether two pools that run copied pods run other ones, by what the config changes of them. */
function isChangedCopy({ name, templateOf: before }: OwnedPool, { templateOf: after }: OwnedPool): boolean {
  if (after === undefined) return false;
  if (after.through.includes(name)) return changesServer(overridesOf(after, name));
  const [was, is] = [before === undefined ? [] : overridesOf(before), overridesOf(after)];
  return JSON.stringify(was) !== JSON.stringify(is) && changesServer([...was, ...is]);
}

/** Through a mirror it is the same picker. */
const pickerOf = ({ picker = {} }: OwnedPool, mirrors: ImageMirrors): object =>
  pickerIdentity({ ...picker, image: upstreamImage(picker.image ?? pickerImage, mirrors) });

/** Weights too: where a model comes from is not what serves it. */
const nodesOf = ({ hardware, placement, weights, server }: OwnedPool): unknown => [
  ...Object.entries(hardware).sort(([a], [b]) => (a < b ? -1 : 1)),
  ...[placement.machine.type, weights, server.port],
];

/** Without a candidate pool, only a version of an adapter can be under way. */
export function adapterKind({ adapters }: ServiceConfig): RolloutKind | undefined {
  return adapters.some(({ candidate }) => candidate !== undefined) ? "adapter" : undefined;
}

export function lastMove(
  { stable, candidate, weight }: ServiceConfig,
  observed: Observed,
  removed: readonly { name: string }[],
): LastMove {
  const before = observed.record?.move;
  const same = before?.stable === stable && before.candidate === candidate && before.weight === weight;
  if (same && removed.length === 0) return before;
  return {
    stable,
    ...(candidate === undefined ? {} : { candidate }),
    weight,
    previousWeight: candidate === undefined ? 0 : Math.min(...sharesBefore(candidate, observed)),
    removed: removed.map(({ name }) => ({ pool: name, share: Math.max(...sharesBefore(name, observed)) })),
  };
}

/**
 * What is known of a pool's share: the live route's word and the last record's. Of a step up the smaller one counts
 * (after an update that failed half-way the route may have taken the step already), of a removal the larger one.
 */
function sharesBefore(pool: string, { route, record }: Observed): [number, ...number[]] {
  const rounded = (share: number): number => Math.round(share * 100) / 100;
  const live = route === undefined ? undefined : rounded(shareIn(liveShares({ route }), pool));
  const recorded = record === undefined ? undefined : rounded(shareIn(record.weights, pool));
  if (live === undefined) return [recorded ?? 0];
  return recorded === undefined ? [live] : [live, recorded];
}

export function moveOf(observed: Observed, draft: Draft, waived: readonly string[]): RouteMove {
  const { route } = observed;
  const isThere =
    sameShares(liveShares(observed), draft.shares) &&
    (route?.uneven ?? []).length === 0 &&
    (route?.texts === undefined || sameTexts(route.texts, routeTexts(draft.shares, draft.latches)));
  const moves = route === undefined || isThere ? 0 : 1;
  const takeOver = waived.includes("take-over-route");
  // Whoever edited weights that we adopt owns all rules with us (the list is atomic, with the API server's defaults
  // in it), and every later move would conflict. What may not pass of it was refused by a rule.
  const conflicts = (route?.coOwners ?? []).length > 0;
  return {
    moves: (route?.moves ?? Math.floor((observed.now?.getTime() ?? 0) / 1000)) + moves,
    force: takeOver || waived.includes("route-edited") || (conflicts && route?.foreign !== true),
    takeOver,
    ...(takeOver || route?.takenOver === true ? { isTakenOver: true } : {}),
    ...(route?.original === undefined || (route.foreign === true && !takeOver)
      ? {}
      : { original: route.original }),
  };
}
