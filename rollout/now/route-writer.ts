import { annotations, labels, poolNamespace, previewRouteName } from "../../components/names";
import { parseOwner } from "../../stacks/plan/claims";
import {
  ClusterUnreadable,
  permitted,
  type ClusterWriter,
  type LiveObject,
} from "../../stacks/state/cluster-reader";
import { poolsPath, routePath, routesPath } from "../../stacks/state/paths";
import { isReady, selectorOf } from "../../stacks/state/selectors";
import { liveRollback, type LiveRollback, type RollbackRequest, type ServicePool } from "./live-rollback";

/** Which service, where the cluster has several. */
export interface ServiceChoice {
  service?: string;
  namespace?: string;
}

export type Choice = { route: LiveObject } | { reasons: readonly { found: string; fix: string }[] };

/** The customers' routes of this program: those that say what was written. */
export async function customersRoutes(
  client: ClusterWriter,
  { namespace }: ServiceChoice,
): Promise<LiveObject[]> {
  // Not by the managed-by label: a route created outside this program keeps its own value there.
  const query = new URLSearchParams({ labelSelector: labels.service });
  const routes = await client.list(`${routesPath("httproutes", namespace)}?${query.toString()}`);
  return routes.filter(({ metadata }) => metadata.annotations?.[annotations.weights] !== undefined);
}

/** The one route that is meant. */
export function chooseRoute(routes: readonly LiveObject[], { service, namespace }: ServiceChoice): Choice {
  const where = namespace === undefined ? "the cluster" : `namespace ${namespace}`;
  const fitting = routes.filter(({ metadata }) => service === undefined || serviceOf(metadata) === service);
  const [route, ...more] = fitting;
  if (route !== undefined && more.length === 0) return { route };
  const names = (route === undefined ? routes : fitting).map(
    ({ metadata }) => `--service ${serviceOf(metadata)} --namespace ${metadata.namespace ?? "default"}`,
  );
  return {
    reasons: [
      {
        found:
          route === undefined
            ? `${where} has no route of ${service === undefined ? "this program" : `service ${service}`}`
            : `${where} has ${fitting.length} routes of this program`,
        fix:
          names.length === 0
            ? "check the kubeconfig's current context"
            : `choose one: ${names.join(", or ")}`,
      },
    ],
  };
}

const serviceOf = ({ labels: marks }: LiveObject["metadata"]): string => marks?.[labels.service] ?? "";

export interface Written {
  rollback: LiveRollback;
  route: LiveObject;
  /** Pods of the pool that gets the traffic; undefined where they cannot be read. */
  ready?: { ready: number; all: number };
  /** Milliseconds from the first request to the API server's answer to the last one. */
  milliseconds: number;
}

/**
 * Writes the live route. It waits for nothing: neither the gate nor Pulumi. Only a pool that does not exist, or has no
 * ready pod, gets no traffic: that would drop every request.
 * @param request without the time: the API server's clock counts.
 * @param force also to a pool without a ready pod.
 */
export async function rollBackNow(
  client: ClusterWriter,
  route: LiveObject,
  request: Omit<RollbackRequest, "now">,
  { dryRun = false, force = false }: { dryRun?: boolean; force?: boolean } = {},
): Promise<Written> {
  const began = performance.now();
  const written = (rollback: LiveRollback, at: LiveObject, ready?: Written["ready"]): Written => ({
    rollback,
    route: at,
    ...(ready === undefined ? {} : { ready }),
    milliseconds: performance.now() - began,
  });
  const { namespace = "default", name } = route.metadata;
  const service = serviceOf(route.metadata);
  const [preview, pools] = await Promise.all([previewOf(client, namespace, service), poolsOf(client, route)]);
  let live = route;
  for (let attempt = 1; ; attempt++) {
    const rollback = liveRollback(
      { route: live, pools, ...(preview === undefined ? {} : { preview }) },
      { ...request, now: client.now?.() ?? new Date() },
    );
    if (rollback.outcome !== "move") return written(rollback, live);
    const ready = await readyPods(client, rollback.to);
    const unfit = unfitFor(rollback.to, ready, force);
    if (unfit !== undefined) return written({ outcome: "refused", reasons: [unfit] }, live);
    const pods = typeof ready === "object" ? ready : undefined;
    if (dryRun) return written(rollback, live, pods);
    try {
      const after = await client.apply(routePath(namespace, name), rollback.object, rollback.manager);
      return written(rollback, after, pods);
    } catch (error) {
      // Somebody else wrote at the same moment: read it again.
      if (!(error instanceof ClusterUnreadable) || error.reason !== "conflict" || attempt === 5) throw error;
      live = (await client.get(routePath(namespace, name))) ?? live;
    }
  }
}

/**
 * InferencePools of the service that the route belongs to: with its label, and with the same owner's mark, or in a
 * namespace that only this service's pools use. Those that this program did not make have no label; routes name them.
 */
async function poolsOf(client: ClusterWriter, route: LiveObject): Promise<ServicePool[]> {
  const { namespace: home = "default" } = route.metadata;
  const service = serviceOf(route.metadata);
  const query = new URLSearchParams({ labelSelector: `${labels.service}=${service}` });
  const everywhere = poolsPath("").replace("namespaces//", "");
  const pools = await client.list(`${everywhere}?${query.toString()}`).catch(() => []);
  return pools
    .filter(({ metadata }) => {
      const [mine, its] = [ownerOf(route.metadata), ownerOf(metadata)];
      if (mine !== undefined && its !== undefined) return mine === its;
      return metadata.namespace === home || metadata.namespace === poolNamespace(service, metadata.name);
    })
    .map(({ metadata }) => ({ name: metadata.name, namespace: metadata.namespace ?? "default" }));
}

/** The stack that made an object, by its mark. */
const ownerOf = ({ annotations: notes }: LiveObject["metadata"]): string | undefined =>
  parseOwner(notes?.[annotations.owner])?.id;

/** The preview route; credentials that may read only the customers' route do without it. */
const previewOf = (
  client: ClusterWriter,
  namespace: string,
  service: string,
): Promise<LiveObject | undefined> =>
  permitted(() => client.get(routePath(namespace, previewRouteName(service))), undefined);

type Readiness = { ready: number; all: number } | "no pool" | "unknown";

async function readyPods(client: ClusterWriter, { name, namespace }: ServicePool): Promise<Readiness> {
  try {
    const pool = await client.get(`${poolsPath(namespace)}/${name}`);
    if (pool === undefined) return "no pool";
    const query = new URLSearchParams({
      labelSelector: Object.entries(selectorOf(pool))
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    });
    const pods = await client.list(`/api/v1/namespaces/${namespace}/pods?${query.toString()}`);
    return {
      ready: pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined).length,
      all: pods.length,
    };
  } catch {
    return "unknown";
  }
}

function unfitFor(
  { name, namespace }: ServicePool,
  ready: Readiness,
  force: boolean,
): { found: string; fix: string } | undefined {
  if (ready === "no pool") {
    return {
      found: `there is no InferencePool ${name} in namespace ${namespace}: every request would fail`,
      fix: "name an existing pool: --to POOL",
    };
  }
  if (ready === "unknown" || ready.ready > 0 || force) return undefined;
  return {
    found: `pool ${name} has no ready pod (0 of ${ready.all}): every request would fail`,
    fix: "wait until a pod is ready, name another pool (--to POOL), or move the traffic anyway: --force",
  };
}
