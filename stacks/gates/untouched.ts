import { changedMeanwhile, meanwhileText } from "../plan/meanwhile";
import { knownOf, observedRoute } from "../state/observe";
import { routePath } from "../state/paths";
import type { UpdateContext } from "./confirm";

/**
 * The customers' route is as it was when the update was planned: what somebody did to it meanwhile stays. The cluster's
 * own guards (MoveGuard; ShapeGuard of a route that keeps its owner's shape) hold the moment from here to the write.
 * @throws Error
 */
export async function untouched({
  config,
  observed,
  reader,
}: Pick<UpdateContext, "config" | "observed" | "reader">): Promise<void> {
  const { route: before, record } = observed;
  if (before === undefined) return;
  const live = await (await reader()).get(routePath(config.namespace, config.route));
  if (live === undefined) return;
  const kept = before.kept === undefined ? {} : { kept: true };
  const now = observedRoute(live, undefined, { ...knownOf(config, record), ...kept });
  const found = changedMeanwhile(before, now);
  if (found !== undefined) throw new Error(meanwhileText(`${config.namespace}/${config.route}`, found));
}
