import type { ServiceConfig } from "../plan/service-config";
import { isPoolName } from "../plan/routes";
import { closedPathsName, previewRouteName } from "../../components/names";
import type { KnownListener, KnownRoute, OtherRoutes } from "../plan/routes";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "./cluster-reader";
import { knownRoute } from "./known-route";
import { gatewayPath, routesPath } from "./paths";

/** The Gateway that the customers' route attaches to, and the route's hostname. */
export interface CustomersGateway {
  namespace: string;
  name: string;
  hostname?: string;
  /** Whether the config of this stack names it. */
  configurable: boolean;
}

const kinds = [
  { kind: "HTTPRoute", resource: "httproutes" },
  { kind: "GRPCRoute", resource: "grpcroutes" },
] as const;

/**
 * Reads every route of the cluster that names an InferencePool or attaches to the service's Gateway: one list for each
 * kind. GRPCRoute need not be installed. Without the right to list in the whole cluster, it lists namespace by
 * namespace, and reports what stays unknown.
 * @param namespaces where this service's route and pools are.
 */
export async function readOtherRoutes(
  reader: ClusterReader,
  config: Pick<ServiceConfig, "service" | "namespace" | "route">,
  gateway: CustomersGateway,
  namespaces: readonly string[],
): Promise<OtherRoutes> {
  const places = [...new Set([...namespaces, gateway.namespace])];
  const [live, ...lists] = await Promise.all([
    unlessUnreadable(() => reader.get(gatewayPath(gateway))),
    ...kinds.map((kind) => listEverywhere(reader, kind, places)),
  ]);
  const known = lists.flatMap(({ routes }) => routes);
  const customers = known.find(
    ({ kind, namespace, name }) =>
      kind === "HTTPRoute" && namespace === config.namespace && name === config.route,
  );
  return {
    gateway: {
      namespace: gateway.namespace,
      name: gateway.name,
      ...(gateway.hostname === undefined ? {} : { hostname: gateway.hostname }),
      configurable: gateway.configurable,
    },
    listeners: listenersOf(live.value),
    routes: known.filter(
      (route) => route !== customers && !isOwnHelper(route, config) && matters(route, gateway),
    ),
    ...(customers === undefined ? {} : { customers }),
    unseen: [
      ...(live.why === undefined ? [] : [`the Gateway cannot be read (${live.why})`]),
      ...lists.flatMap(({ unseen }) => unseen),
    ],
  };
}

async function listEverywhere(
  reader: ClusterReader,
  { kind, resource }: (typeof kinds)[number],
  places: readonly string[],
): Promise<{ routes: KnownRoute[]; unseen: string[] }> {
  const read = (objects: readonly LiveObject[]): KnownRoute[] =>
    objects.map((object) => knownRoute(object, kind));
  const all = await unlessUnreadable(() => reader.list(routesPath(resource)));
  if (all.value !== undefined) return { routes: read(all.value), unseen: [] };
  const found = await Promise.all(
    places.map((namespace) => unlessUnreadable(() => reader.list(routesPath(resource, namespace)))),
  );
  return {
    routes: read(found.flatMap(({ value }) => value ?? [])),
    unseen: [`${kind}s of the whole cluster cannot be listed (${all.why ?? "forbidden"})`],
  };
}

/** What is not known is said, and refuses what depends on it: going back does not. */
async function unlessUnreadable<T>(read: () => Promise<T>): Promise<{ value?: T; why?: string }> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!(error instanceof ClusterUnreadable)) throw error;
    return { why: error.reason === "forbidden" ? "forbidden" : error.message };
  }
}

/** The preview route and the closed paths, which this program writes beside the customers' route. */
function isOwnHelper(
  { kind, namespace, name, service }: KnownRoute,
  config: Pick<ServiceConfig, "service" | "namespace">,
): boolean {
  return (
    kind === "HTTPRoute" &&
    namespace === config.namespace &&
    service === config.service &&
    [previewRouteName(config.service), closedPathsName(config.service)].includes(name)
  );
}

function matters({ parents, rules }: KnownRoute, gateway: CustomersGateway): boolean {
  return (
    parents.some(({ namespace, name }) => namespace === gateway.namespace && name === gateway.name) ||
    rules.some(({ backends, mirrors }) => [...backends, ...mirrors].some(({ pool }) => isPoolName(pool)))
  );
}

function listenersOf(gateway: LiveObject | undefined): KnownListener[] {
  const { listeners = [] } = (gateway?.["spec"] ?? {}) as { listeners?: KnownListener[] };
  return listeners.map(({ name, port, hostname }) => ({
    name,
    port,
    ...(hostname === undefined ? {} : { hostname }),
  }));
}
