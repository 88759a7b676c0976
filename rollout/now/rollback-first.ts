import { ownerOn, ownerOutput } from "../../stacks/plan/claims";
import type { Observed } from "../../stacks/plan/observed";
import type { Plan } from "../../stacks/plan/model";
import { plan } from "../../stacks/plan/plan";
import { routeTexts } from "../../stacks/plan/route-texts";
import type { ServiceConfig } from "../../stacks/plan/service-config";
import { clusterWriter, type ClusterWriter } from "../../stacks/state/cluster-reader";
import { routePath } from "../../stacks/state/paths";
import type { First } from "../commands/carry-out";
import { ReadOtherwise, type Session } from "../commands/session";
import { patience, platformOf, type Seen } from "../pulumi/live";
import { resolveValues } from "../steps/resolve-values";
import type { StackValues } from "../steps/values";
import { pinnedPools } from "./live-rollback";
import { previewOf, rollBackNow } from "./route-writer";
import { isDeepStrictEqual } from "node:util";
import { errorText } from "../../stacks/messages/user-error";

/** The same world once the live route is written. */
function observedOnceBack(observed: Observed, planned: Plan): Observed {
  const { route } = observed;
  if (route === undefined) return observed;
  const { backends, shares, latches } = planned;
  return {
    ...observed,
    route: {
      ...route,
      ...{ backends, written: shares, moves: planned.route.moves, latches, coOwners: [] },
      texts: routeTexts(shares, latches),
    },
  };
}

/** Whether the live preview route names these pools as candidate and stable pool. */
async function isRollout(
  client: ClusterWriter,
  { namespace, service }: ServiceConfig,
  pools: readonly string[],
): Promise<boolean> {
  const pinned = pinnedPools(await previewOf(client, namespace, service)).map((pool) => pool?.name);
  return isDeepStrictEqual(pinned.slice(0, pools.length), pools);
}

/** Where the config has a mistake that this very rollback puts right, the cluster is read by the target. */
async function lookAgain(session: Session, target: StackValues, live: Seen): Promise<Seen> {
  if (live.outcome === "read" || resolveValues(session.values).outcome !== "mistakes") return live;
  // What was kept has not been compared with the cluster.
  if (!(await session.confirmed())) throw new ReadOtherwise();
  return session.observe(target);
}

/**
 * The first thing that a rollback does: the live route is written, so that customers are back before Pulumi has
 * started. What Pulumi does afterwards only records it. Where the pool to go back to is too small for all of the
 * traffic, nothing is written: then Pulumi makes it grow first.
 * @param target the config that the rollback will write.
 * @param seen what was just read of the cluster. Default: it is read.
 * @param connect to the cluster of a kubeconfig.
 * @returns where it was not done, why; then Pulumi moves the route instead.
 */
export async function rollBackFirst(
  session: Session,
  target: StackValues,
  seen?: Seen,
  connect: typeof clusterWriter = clusterWriter,
): Promise<First> {
  const otherwise = (why: string): First => ({ isBack: false, text: `${why}: pulumi up moves the route` });
  const resolved = resolveValues(target);
  if (resolved.outcome === "mistakes") return otherwise("the config has mistakes");
  const { config } = resolved;
  const { service } = config;
  const { candidate, rolledBack } = service;
  if (candidate === undefined || rolledBack === undefined) return otherwise("no candidate is rolled back");
  const live = await lookAgain(session, target, seen ?? (await session.observe()));
  if (live.outcome === "unreadable") return otherwise(`the cluster cannot be read (${live.why})`);
  const planned = plan(service, live.observed);
  if (planned.outcome === "refused")
    return otherwise(`the update itself is refused (${planned.refusals.map(({ rule }) => rule).join(", ")})`);
  const small = planned.plan.rising.find(({ pool, needs }) => {
    const ready = live.observed.pools.find(({ name }) => name === pool)?.readyReplicas ?? 0;
    return needs !== undefined && ready < needs;
  });
  if (small !== undefined)
    return otherwise(`${small.pool} has to grow to ${small.needs ?? 0} replicas first`);
  // Only where the update that records it will pass: the plan must not find less to go back from and refuse it then.
  const after = plan(service, observedOnceBack(live.observed, planned.plan));
  if (after.outcome === "refused")
    return otherwise(
      `the update would not pass afterwards (${after.refusals.map(({ rule }) => rule).join(", ")})`,
    );
  try {
    const { kubeconfig } = await platformOf(session.engine, config, session.outputs);
    if (kubeconfig === undefined) return otherwise("the stack's outputs have no kubeconfig");
    const client = await connect(kubeconfig, patience);
    const { name, namespace } = planned.plan.stable;
    const [route, hasRoles] = await Promise.all([
      client.get(routePath(service.namespace, service.route)),
      // A promotion since then changed neither split nor latches; it took the preview route, which names both pools.
      !session.isByKept || isRollout(client, service, [candidate, name]),
    ]);
    if (route === undefined) return otherwise("there is no route");
    if (!(session.isSure(ownerOn(route.metadata)) && hasRoles) && !(await session.confirmed()))
      throw new ReadOtherwise();
    const request = { reason: rolledBack.reason, time: rolledBack.time, from: candidate };
    const owner = session.outputs[ownerOutput];
    const { rollback } = await rollBackNow(
      client,
      route,
      { ...request, to: `${namespace}/${name}` },
      typeof owner === "string" ? { owner } : {},
    );
    if (rollback.outcome === "refused")
      return otherwise(rollback.reasons.map(({ found }) => found).join("; "));
    const text =
      rollback.outcome === "there"
        ? `${candidate} already has no traffic; pulumi up records it`
        : `The live route sends all traffic to ${service.stable}; pulumi up records it`;
    return { isBack: true, text };
  } catch (error) {
    if (error instanceof ReadOtherwise) throw error;
    return otherwise(errorText(error));
  }
}
