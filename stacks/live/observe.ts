import { isGrouped } from "../../components/accelerators/placement";
import { annotations, apis, labels, poolNamespace, routeName } from "../names";
import type { ServiceConfig } from "../config/resolved";
import type { Backend, DeploymentRecord, Observed, ObservedPool, ObservedRoute } from "../plan/observed";
import { isOurs } from "./ours";
import { observedRewrites } from "./rewrites";
import type { PoolIdentity } from "../plan/identity";
import type { ClusterReader, LiveObject } from "./cluster-reader";
import { isPoolRef, routeShape, type Attachment } from "./route-shape";
import { modelServersIn } from "./model-servers";
import { selectorOf, selectsPodsOf } from "./selectors";

/**
 * Reads what is deployed of one service: its route, and the pools in every namespace where one can be.
 * @param attachment where the route will be attached, to compare with a route of somebody else.
 */
export async function observe(
  reader: ClusterReader,
  config: ServiceConfig,
  record: DeploymentRecord | undefined,
  stack: string,
  attachment?: Attachment,
): Promise<Observed> {
  const names = namespacesOf(config, record);
  const groups = Object.values(config.pools).some((pool) => !pool.existing && isGrouped(pool.hardware));
  const [route, pools, namespaces, rewrites] = await Promise.all([
    reader.get(routePath(config.namespace, routeName(config.service))),
    Promise.all(names.map((namespace) => poolsIn(reader, namespace, config.service, groups))),
    Promise.all(
      [...new Set([...names, ...(attachment === undefined ? [] : [attachment.namespace])])].map(
        async (namespace) => [namespace, await ownerOf(reader, namespace, stack)] as const,
      ),
    ),
    Promise.all(names.map((namespace) => observedRewrites(reader, namespace, config.service))),
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

export const routePath = (namespace: string, name: string): string =>
  `/apis/${apis.gateway}/v1/namespaces/${namespace}/httproutes/${name}`;

export const poolsPath = (namespace: string): string =>
  `/apis/${apis.pool}/v1/namespaces/${namespace}/inferencepools`;

function namespacesOf(config: ServiceConfig, record: DeploymentRecord | undefined): string[] {
  const declared = Object.values(config.pools).flatMap(({ name, namespace }) => [
    namespace,
    poolNamespace(config.service, name),
  ]);
  return [...new Set([config.namespace, ...declared, ...Object.values(record?.pools ?? {})])];
}

async function poolsIn(
  reader: ClusterReader,
  namespace: string,
  service: string,
  groups: boolean,
): Promise<ObservedPool[]> {
  const [pools, deployments] = await Promise.all([
    reader.list(poolsPath(namespace)),
    modelServersIn(reader, namespace, groups),
  ]);
  return pools.map((pool) => observedPool(pool, namespace, deployments, service));
}

function observedPool(
  pool: LiveObject,
  namespace: string,
  deployments: readonly LiveObject[],
  service: string,
): ObservedPool {
  const { name, annotations: notes } = pool.metadata;
  const owned = isOurs(pool, service);
  const selector = selectorOf(pool);
  const server = deployments.find((deployment) => selectsPodsOf(selector, deployment));
  const identity = owned ? parseIdentity(notes?.[annotations.identity]) : undefined;
  return {
    name,
    namespace,
    owned,
    ...(identity === undefined ? {} : { identity }),
    ...(server === undefined
      ? {}
      : {
          replicas: (server["spec"] as { replicas?: number }).replicas ?? 1,
          readyReplicas: (server["status"] as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0,
        }),
  };
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
    (backendRefs ?? []).map((ref) => backend(ref, own)),
  );
  return { backends, ...routeShape(route, attachment) };
}

interface LiveBackendRef {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  weight?: number;
}

/** A weight that is absent is 1 (Gateway API). */
function backend(ref: LiveBackendRef, own: string): Backend {
  const { name, namespace, weight } = ref;
  const pool = isPoolRef(ref) ? name : `${ref.kind ?? "Service"}/${name}`;
  return { pool, namespace: namespace ?? own, weight: weight ?? 1 };
}
