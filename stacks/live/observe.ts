import { isGrouped } from "../../components/accelerators/placement";
import { annotations, labels, poolNamespace } from "../names";
import type { ServiceConfig } from "../config/resolved";
import type { DeploymentRecord, Observed, ObservedPool, ObservedRoute } from "../plan/observed";
import { isOurs } from "./ours";
import { readOtherRoutes, type CustomersGateway } from "./other-routes";
import { poolsPath, routePath } from "./paths";
import { observedRewrites } from "./rewrites";
import type { PoolIdentity } from "../plan/identity";
import type { ClusterReader, LiveObject } from "./cluster-reader";
import { backendOf, routeShape, type Attachment, type LiveBackendRef } from "./route-shape";
import { everyKind, modelServersIn } from "./model-servers";
import { autoscalersIn, sizeOfOthers, sumOf } from "./other-pools";
import { selectorOf, selectsPodsOf } from "./selectors";

/**
 * Reads what is deployed of one service: its route, and the pools in every namespace where one can be.
 * @param attachment where the route will be attached, to compare with routes of others; absent: they are not read.
 */
export async function observe(
  reader: ClusterReader,
  config: ServiceConfig,
  record: DeploymentRecord | undefined,
  stack: string,
  attachment?: CustomersGateway,
): Promise<Observed> {
  const names = namespacesOf(config, record);
  const groups = Object.values(config.pools).some((pool) => !pool.existing && isGrouped(pool.hardware));
  const existing = Object.values(config.pools).filter((pool) => pool.existing);
  const [route, pools, namespaces, rewrites, others] = await Promise.all([
    reader.get(routePath(config.namespace, config.route)),
    Promise.all(
      names.map((namespace) => {
        const theirs = existing.filter((pool) => pool.namespace === namespace).map(({ name }) => name);
        return poolsIn(reader, namespace, config.service, groups, theirs);
      }),
    ),
    Promise.all(
      names.map(async (namespace) => [namespace, await ownerOf(reader, namespace, stack)] as const),
    ),
    Promise.all(names.map((namespace) => observedRewrites(reader, namespace, config.service))),
    attachment === undefined ? undefined : readOtherRoutes(reader, config, attachment, names),
  ]);
  const now = reader.now?.();
  return {
    ...(now === undefined ? {} : { now }),
    ...(route === undefined ? {} : { route: observedRoute(route, attachment) }),
    pools: pools.flat(),
    namespaces: Object.fromEntries(
      namespaces.filter((entry): entry is readonly [string, "owned" | "foreign"] => entry[1] !== undefined),
    ),
    rewrites: rewrites.flat(),
    ...(others === undefined ? {} : { others }),
    ...(record === undefined ? {} : { record }),
  };
}

/** Who made a namespace; undefined where there is none. */
export async function ownerOf(
  reader: ClusterReader,
  namespace: string,
  stack: string,
): Promise<"owned" | "foreign" | undefined> {
  const live = await reader.get(`/api/v1/namespaces/${namespace}`);
  return live === undefined
    ? undefined
    : live.metadata.labels?.[labels.stack] === stack
      ? "owned"
      : "foreign";
}

/** Where this service's route and pools can be. */
export function namespacesOf(config: ServiceConfig, record: DeploymentRecord | undefined): string[] {
  const declared = Object.values(config.pools).flatMap(({ name, namespace }) => [
    namespace,
    poolNamespace(config.service, name),
  ]);
  return [...new Set([config.namespace, ...declared, ...Object.values(record?.pools ?? {})])];
}

/** @param theirs names of the pools there that the config marks as existing. */
async function poolsIn(
  reader: ClusterReader,
  namespace: string,
  service: string,
  groups: boolean,
  theirs: readonly string[],
): Promise<ObservedPool[]> {
  const others = theirs.length > 0;
  const [pools, servers, autoscalers] = await Promise.all([
    reader.list(poolsPath(namespace)),
    modelServersIn(reader, namespace, others ? everyKind : { groups, statefulSets: false }),
    others ? autoscalersIn(reader, namespace) : [],
  ]);
  return Promise.all(
    pools.map(async (pool) => {
      const seen = observedPool(pool, namespace, service);
      if (!seen.owned && theirs.includes(seen.name)) {
        return { ...seen, ...(await sizeOfOthers(reader, pool, namespace, servers, autoscalers)) };
      }
      const selector = selectorOf(pool);
      const behind = servers.filter((server) => selectsPodsOf(selector, server));
      return behind.length === 0 ? seen : { ...seen, ...sumOf(behind) };
    }),
  );
}

function observedPool(pool: LiveObject, namespace: string, service: string): ObservedPool {
  const { name, annotations: notes } = pool.metadata;
  const owned = isOurs(pool, service);
  const identity = owned ? parseIdentity(notes?.[annotations.identity]) : undefined;
  return { name, namespace, owned, ...(identity === undefined ? {} : { identity }) };
}

function parseIdentity(text: string | undefined): PoolIdentity | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as PoolIdentity);
  } catch {
    // Somebody edited the annotation: an identity that differs in everything makes the plan stop and say so.
    return { annotation: `not readable: ${text ?? ""}` };
  }
}

/** The backends of every rule: the customers' route has one rule, one that was edited by hand may have more. */
export function observedRoute(route: LiveObject, attachment?: Attachment): ObservedRoute {
  const spec = route["spec"] as { rules?: { backendRefs?: LiveBackendRef[] }[] };
  const own = route.metadata.namespace ?? "default";
  const backends = (spec.rules ?? []).flatMap(({ backendRefs }) =>
    (backendRefs ?? []).map((ref) => backendOf(ref, own)),
  );
  return { backends, ...routeShape(route, attachment) };
}
