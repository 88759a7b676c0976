import { annotations, labels, overtaken, poolNamespace, previewRouteName } from "../../components/names";
import { ownerOn } from "../../stacks/plan/claims";
import {
  ClusterUnreadable,
  permitted,
  type ClusterWriter,
  type LiveObject,
} from "../../stacks/state/cluster-reader";
import { poolsPath, routePath, routesPath } from "../../stacks/state/paths";
import { sharesOf, shareText } from "../../stacks/plan/shares";
import { observedRoute } from "../../stacks/state/observe";
import { isReady, selectorOf } from "../../stacks/state/selectors";
import { liveRollback, type LiveRollback, type RollbackRequest, type ServicePool } from "./live-rollback";

/** Which service, where the cluster has several; and which of its routes, where it has several of them. */
export interface ServiceChoice {
  service?: string;
  namespace?: string;
  route?: string;
}

/** Routes of one service; or why it is not known which service is meant. */
export type Choice =
  { routes: readonly LiveObject[] } | { reasons: readonly { found: string; fix: string }[] };

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

/**
 * The routes that are meant: of one service in one namespace. It can have several, where one was taken over after
 * another: whoever goes back wants the traffic off the candidate, by whichever route it comes.
 * @param command what is typed, up to the options that choose.
 */
export function chooseRoutes(
  routes: readonly LiveObject[],
  { service, namespace, route }: ServiceChoice,
  command = "npm run rollout -- rollback --now --kubeconfig FILE",
): Choice {
  const where = namespace === undefined ? "the cluster" : `namespace ${namespace}`;
  const fitting = routes.filter(
    ({ metadata }) =>
      (service === undefined || serviceOf(metadata) === service) &&
      (route === undefined || metadata.name === route),
  );
  if (new Set(fitting.map(({ metadata }) => wordsFor(metadata))).size === 1) return { routes: fitting };
  const choices = [
    ...new Set((fitting.length === 0 ? routes : fitting).map(({ metadata }) => wordsFor(metadata))),
  ];
  const what = [
    ...(service === undefined ? [] : [`of service ${service}`]),
    ...(route === undefined ? [] : [`named ${route}`]),
  ].join(" ");
  return {
    reasons: [
      {
        found:
          fitting.length === 0
            ? `${where} has no route ${what === "" ? "of this program" : what}`
            : `${where} has routes of ${choices.length} services: ${fitting.map(routeText).join("; ")}`,
        fix:
          choices.length === 0
            ? "check the kubeconfig's current context"
            : choices.map((words) => `${command} ${words}`).join(", or "),
      },
    ],
  };
}

const wordsFor = (metadata: LiveObject["metadata"]): string =>
  `--service ${serviceOf(metadata)} --namespace ${metadata.namespace ?? "default"}`;

/** A route and its split, for whoever has to choose. */
function routeText(route: LiveObject): string {
  const { namespace = "default", name } = route.metadata;
  return `${namespace}/${name} (${shareText(sharesOf(observedRoute(route).backends))})`;
}

/**
 * Of a service's routes, those to write: which send requests to the pool that loses its traffic; where none does, all,
 * because the latch is written there.
 * @param from the pool, where it is named. Default: the candidate, by the preview route.
 */
export async function routesToMove(
  client: ClusterWriter,
  routes: readonly LiveObject[],
  from?: string,
): Promise<readonly LiveObject[]> {
  const [first, ...more] = routes;
  if (first === undefined || more.length === 0) return routes;
  const { namespace = "default" } = first.metadata;
  const losing = from ?? (await candidateBy(client, namespace, serviceOf(first.metadata)));
  const sending = routes.filter((route) =>
    observedRoute(route).backends.some(({ pool, weight }) => pool === losing && weight > 0),
  );
  return sending.length === 0 ? routes : sending;
}

/** Where nobody can say it, all routes go back. */
async function candidateBy(
  client: ClusterWriter,
  namespace: string,
  service: string,
): Promise<string | undefined> {
  const preview = await previewOf(client, namespace, service).catch(() => undefined);
  return preview === undefined ? undefined : observedRoute(preview).backends[0]?.pool;
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
 * @param owner id of the stack that goes back: another stack's route is not written. Default: whoever's it is.
 */
export async function rollBackNow(
  client: ClusterWriter,
  route: LiveObject,
  request: Omit<RollbackRequest, "now">,
  { dryRun = false, force = false, owner }: { dryRun?: boolean; force?: boolean; owner?: string } = {},
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
  const its = ownerOn(route.metadata)?.id;
  if (owner !== undefined && its !== undefined && its !== owner) {
    const found = `HTTPRoute ${namespace}/${name} is another stack's`;
    return written({ outcome: "refused", reasons: [{ found, fix: "name that stack: --stack NAME" }] }, route);
  }
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
      if (!isOvertaken(error) || attempt === 5) throw error;
      live = (await client.get(routePath(namespace, name))) ?? live;
    }
  }
}

/** The route has changed since it was read: by its version, or by the word of the guard that counts its moves. */
const isOvertaken = (error: unknown): boolean =>
  error instanceof ClusterUnreadable && (error.reason === "conflict" || error.message.includes(overtaken));

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
      const [mine, its] = [ownerOn(route.metadata)?.id, ownerOn(metadata)?.id];
      if (mine !== undefined && its !== undefined) return mine === its;
      return metadata.namespace === home || metadata.namespace === poolNamespace(service, metadata.name);
    })
    .map(({ metadata }) => ({ name: metadata.name, namespace: metadata.namespace ?? "default" }));
}

/** The preview route; credentials that may read only the customers' route do without it. */
export const previewOf = (
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
