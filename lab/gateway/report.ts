import * as http from "node:http";
import type { Done } from "./controller";
import { listenerName } from "./envoy/names";
import type { PickerState } from "./pickers/session";
import { notReconciled } from "./status/route-status";
import { endpointKey } from "./translate/endpoints";
import { namesPool, type RoutePlan } from "./translate/plan";

/** What `GET /state` answers. */
export interface GatewayState {
  envoy: { pid: number; admin: string };
  /** Milliseconds from the last event to Envoy serving what came of it. */
  lastUpdateMs: number | undefined;
  gateways: {
    namespace: string;
    name: string;
    /** Absent where it has none: its status says why. */
    address: string | undefined;
    /** Wanted port -> port that is really bound. */
    ports: Record<string, number>;
    /** Generation that Envoy serves; undefined where it does not serve the present one. */
    programmed: number | undefined;
  }[];
  routes: {
    namespace: string;
    name: string;
    generation: number;
    programmed: number | undefined;
    /** Why it is not programmed. */
    problem: string | undefined;
  }[];
  pools: {
    namespace: string;
    name: string;
    generation: number;
    /** Generation that Envoy serves through every accepted route that names the pool. */
    programmed: number | undefined;
    /** How the pool's share is served: by its picker, without it, or with errors. */
    mode: "picker" | "direct" | "closed";
    picker: { healthy: boolean; problem: string | undefined; endpoints: Record<string, PickerState> };
    readyPods: number;
  }[];
}

export interface Sources {
  envoy: { pid: number; admin: string };
  done: () => Done | undefined;
  pickerState: (endpoint: string) => PickerState;
  /** Why the program is not healthy; undefined when it is. */
  unhealthy: () => Promise<string | undefined>;
}

function stateOf(sources: Sources): GatewayState {
  const done = sources.done();
  const { gateways = [], pools = [] } = done?.plan ?? {};
  const served = done === undefined ? [] : servedRoutes(done);
  return {
    envoy: sources.envoy,
    lastUpdateMs: done?.took,
    gateways: gateways.map(({ gateway, place, ports }) => {
      const address = "address" in place ? place.address : undefined;
      const failed = [...ports.keys()].some((port) =>
        done?.outcome.listeners.has(listenerName(gateway, port)),
      );
      const { name, namespace = "", generation = 0 } = gateway.metadata;
      return {
        namespace,
        name,
        address,
        ports: Object.fromEntries(ports),
        programmed: failed || address === undefined ? undefined : generation,
      };
    }),
    routes: served.map(({ plan: { route }, problem }) => {
      const { name, namespace = "", generation = 0 } = route.metadata;
      return {
        namespace,
        name,
        generation,
        programmed: problem === undefined ? generation : undefined,
        problem,
      };
    }),
    pools: pools.map(({ pool, mode, problem, candidates, pickers, pods }) => ({
      namespace: pool.metadata.namespace ?? "",
      name: pool.metadata.name,
      generation: pool.metadata.generation ?? 0,
      programmed: served.some((one) => isMissing(one) && namesPool(one.plan, pool))
        ? undefined
        : (pool.metadata.generation ?? 0),
      mode,
      picker: {
        healthy: pickers.length > 0,
        problem,
        endpoints: Object.fromEntries(
          candidates.map(endpointKey).map((key) => [key, sources.pickerState(key)]),
        ),
      },
      readyPods: pods.length,
    })),
  };
}

interface ServedRoute {
  plan: RoutePlan;
  /** Why Envoy does not serve it. */
  problem: string | undefined;
}

/** Whether Envoy should serve a route and does not; one that is not accepted it should not. */
function isMissing({ plan, problem }: ServedRoute): boolean {
  return problem !== undefined && plan.unsupported === undefined;
}

function servedRoutes({ plan, outcome }: Done): ServedRoute[] {
  return plan.routes.map((one) => {
    const problems = one.attachments.map((attachment) => notReconciled(attachment, one.unsupported, outcome));
    return { plan: one, problem: problems.find((problem) => problem !== undefined)?.message };
  });
}

/** Serves /healthz and /state. */
export async function serveReport(host: string, port: number, sources: Sources): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const answer = (status: number, body: string, type = "text/plain"): void => {
      response.writeHead(status, { "content-type": type });
      response.end(body);
    };
    if (request.method !== "GET") {
      answer(405, "GET only\n");
      return;
    }
    if (request.url === "/state") {
      answer(200, `${JSON.stringify(stateOf(sources), undefined, 2)}\n`, "application/json");
      return;
    }
    if (request.url !== "/healthz") {
      answer(404, "there are /healthz and /state\n");
      return;
    }
    sources.unhealthy().then(
      (why) => answer(why === undefined ? 200 : 503, `${why ?? "ok"}\n`),
      (error: unknown) => answer(503, `${error instanceof Error ? error.message : String(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return server;
}
