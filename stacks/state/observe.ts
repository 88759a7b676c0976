import type { ServiceConfig } from "../plan/service-config";
import type { DeploymentRecord, Observed, ObservedPool, ObservedRoute, PoolIdentity } from "../plan/observed";
import { annotations, apis, labels, managedBy, poolNamespace } from "../../components/names";
import { isOurs } from "./ours";
import { readOtherRoutes, type CustomersGateway } from "./other-routes";
import { poolsPath, routePath } from "./paths";
import { observedRewrites } from "./rewrites";
import type { ClusterReader, LiveObject } from "./cluster-reader";
import type { PoolPlaces } from "./kept-shape";
import { routeShape, type Attachment, type Known } from "./route-shape";
import { everyKind, modelServersIn, podsOf } from "./model-servers";
import { partsBehind } from "./behind-pools";
import { autoscalersIn, sizeOfOthers, sumOf, workloadOf } from "./other-pools";
import { selectorOf, selectsPodsOf } from "./selectors";

/**
 * Reads what is deployed of one service: its route, and the pools in every namespace where one can be.
 * @param belongs whether an object that this program made is this stack's.
 * @param attachment where the route will be attached, to compare with routes of others; absent: they are not read.
 */
export async function observe(
  reader: ClusterReader,
  config: ServiceConfig,
  record: DeploymentRecord | undefined,
  belongs: Belongs,
  attachment?: CustomersGateway,
): Promise<Observed> {
  const names = namespacesOf(config, record);
  const groups = Object.values(config.pools).some((pool) => !pool.existing && pool.placement.hosts > 1);
  const existing = Object.values(config.pools).filter((pool) => pool.existing);
  const external = Object.values(config.pools)
    .filter((pool) => !pool.existing && pool.replicasOwner === "external")
    .map(({ name }) => name);
  const [route, pools, namespaces, rewrites, others] = await Promise.all([
    reader.get(routePath(config.namespace, config.route)),
    Promise.all(
      names.map((namespace) => {
        const theirs = existing.filter((pool) => pool.namespace === namespace).map(({ name }) => name);
        return poolsIn(reader, namespace, config.service, { groups, theirs, external, belongs });
      }),
    ),
    Promise.all(
      // The Gateway's namespace is made, or not, by the stack that makes the Gateway.
      [...new Set([...names, ...(attachment?.configurable === true ? [attachment.namespace] : [])])].map(
        async (namespace) => [namespace, await ownerOf(reader, namespace, belongs)] as const,
      ),
    ),
    Promise.all(names.map((namespace) => observedRewrites(reader, namespace, config.service))),
    attachment === undefined ? undefined : readOtherRoutes(reader, config, attachment, names),
  ]);
  const now = reader.now?.();
  return {
    ...(now === undefined ? {} : { now }),
    ...(route === undefined ? {} : { route: observedRoute(route, attachment, knownOf(config, record)) }),
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
  belongs: Belongs,
): Promise<"owned" | "foreign" | undefined> {
  const live = await reader.get(`/api/v1/namespaces/${namespace}`);
  if (live === undefined) return undefined;
  const made = live.metadata.labels?.[labels.managedBy] === managedBy;
  return made && belongs(live, { group: "", kind: "Namespace" }) ? "owned" : "foreign";
}

/** Whether an object that this program made is this stack's. */
export type Belongs = (object: LiveObject, kind: { group: string; kind: string }) => boolean;

/** Where this service's route and pools can be. */
export function namespacesOf(config: ServiceConfig, record: DeploymentRecord | undefined): string[] {
  const declared = Object.values(config.pools).flatMap(({ name, namespace }) => [
    namespace,
    poolNamespace(config.service, name),
  ]);
  return [...new Set([config.namespace, ...declared, ...Object.values(record?.pools ?? {})])];
}

interface PoolsIn {
  groups: boolean;
  /** Names of the pools there that the config marks as existing. */
  theirs: readonly string[];
  /** Names of this stack's pools whose number of replicas the config leaves to others. */
  external: readonly string[];
  belongs: Belongs;
}

async function poolsIn(
  reader: ClusterReader,
  namespace: string,
  service: string,
  { groups, theirs, external, belongs }: PoolsIn,
): Promise<ObservedPool[]> {
  const others = theirs.length > 0;
  const [pools, servers, autoscalers] = await Promise.all([
    reader.list(poolsPath(namespace)),
    modelServersIn(reader, namespace, others ? everyKind : { groups, statefulSets: false }),
    autoscalersIn(reader, namespace),
  ]);
  return Promise.all(
    pools.map(async (pool) => {
      const seen = observedPool(pool, namespace, isOwned(pool, service, belongs));
      if (!seen.owned && theirs.includes(seen.name)) {
        const [size, parts] = await Promise.all([
          sizeOfOthers(reader, pool, namespace, servers, autoscalers),
          partsBehind(reader, pool, namespace, servers),
        ]);
        return { ...seen, ...size, parts };
      }
      const selector = selectorOf(pool);
      const behind = servers.filter((server) => selectsPodsOf(selector, server));
      if (behind.length === 0) return seen;
      const workloads = behind.map((server) => workloadOf(server, autoscalers));
      const outside =
        workloads.some(({ autoscaler }) => autoscaler !== undefined) || external.includes(seen.name);
      const own = seen.owned ? behind.find(({ metadata }) => metadata.name === seen.name) : undefined;
      const pods = own === undefined ? undefined : podsOf(own);
      return {
        ...{ ...seen, ...sumOf(behind), ...(seen.owned && outside ? { workloads } : {}) },
        ...(pods === undefined ? {} : { pods }),
      };
    }),
  );
}

const isOwned = (pool: LiveObject, service: string, belongs: Belongs): boolean =>
  isOurs(pool, service) && belongs(pool, { group: apis.pool, kind: "InferencePool" });

function observedPool(pool: LiveObject, namespace: string, owned: boolean): ObservedPool {
  const { name, annotations: notes } = pool.metadata;
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

/** The customers' route, as the plan sees it. @param known what is known of whose its backends are. */
export const observedRoute = (route: LiveObject, attachment?: Attachment, known?: Known): ObservedRoute =>
  routeShape(route, attachment, known);

/** What config and record say of whose a route's backends are. */
export function knownOf(config: ServiceConfig, record: DeploymentRecord | undefined): Known {
  const places = new Map<string, Set<string>>();
  const add = (name: string, ...namespaces: string[]): void => {
    places.set(name, new Set([...(places.get(name) ?? []), ...namespaces]));
  };
  for (const name of [config.stable, ...(config.candidate === undefined ? [] : [config.candidate])]) {
    const pool = config.pools[name];
    if (pool === undefined) continue;
    add(name, pool.namespace, ...(pool.existing ? [] : [poolNamespace(config.service, name)]));
  }
  for (const [name, namespace] of Object.entries(record?.pools ?? {})) add(name, namespace);
  for (const name of Object.keys(record?.weights ?? {})) add(name);
  const isSame = record?.route === `${config.namespace}/${config.route}`;
  return {
    places: Object.fromEntries([...places].map(([name, found]) => [name, [...found]])) satisfies PoolPlaces,
    ...(isSame && record.keptShape === true ? { kept: true } : {}),
  };
}
