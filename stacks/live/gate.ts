import * as http from "node:http";
import * as https from "node:https";
import { setCommand } from "../config/mistakes";
import type { RisingPool } from "../plan/rising";
import type { ClusterReader, LiveObject } from "./cluster-reader";
import { missingFromList } from "./models";
import { modelServersIn } from "./model-servers";
import { poolsPath, selectsPodsOf } from "./observe";
import { lookAtRoute } from "./programmed";
import { lookAtServers } from "./servers";
import { until, type Progress, type WaitOptions } from "./wait";

/** What the candidate has to prove before its share rises. */
export interface GateTask {
  via: "gateway" | "api-server";
  pool: { name: string; namespace: string };
  /** Model servers that have to be ready: the declared size, so that no weight exceeds what is there. */
  replicas?: number;
  /** Whether its replicas are groups of pods. Default: they are single ones. */
  groups?: boolean;
  /** Names that clients ask for; the candidate must answer for every one. */
  models: readonly string[];
  /**
   * Names that a model server of the candidate has to list as loaded: a server may answer for a name that it does
   * not know with another model. Absent: it is not asked.
   */
  serves?: readonly string[];
  /** The list of adapters that its pods have to have loaded. */
  revision?: string;
  previewRoute: { name: string; namespace: string };
  gateway: { name: string; namespace: string };
  endpoint: {
    port: number;
    tls: boolean;
    hostname?: string;
    /** host:port instead of the gateway's address. */ address?: string;
  };
  header: { name: string; value: string };
}

/** The candidate did not prove itself; the route is as it was. */
export class GateClosed extends Error {
  constructor(
    task: GateTask,
    readonly missing: readonly string[],
    seconds: number,
  ) {
    super(
      [
        `The route was not changed: candidate ${task.pool.name} is not ready for more traffic after ${seconds} s.`,
        ...missing.map((text) => `  - ${text}`),
        "Mend it and run pulumi up again; or go back: pulumi config set weight 0 && pulumi up",
      ].join("\n"),
    );
  }
}

/** The stable pool is not ready for what it would get back; the route is as it was. */
export class StableUnready extends Error {
  constructor({ pool, share }: RisingPool, missing: readonly string[], seconds: number) {
    super(
      [
        `The route was not changed: stable pool ${pool} is not ready for ${share} % of the traffic after ${seconds} s.`,
        ...missing.map((text) => `  - ${text}`),
        `Mend it and run pulumi up again; or send the traffic there all the same: ${setCommand("allow[0]", "unready-stable")} && pulumi up`,
      ].join("\n"),
    );
  }
}

/** The gate could not ask: that says nothing about the candidate. */
export class GateUnreachable extends Error {}

/** @throws GateClosed, GateUnreachable */
export async function passGate(reader: ClusterReader, task: GateTask, options: WaitOptions): Promise<void> {
  let unreachableSince: number | undefined;
  const look = async (): Promise<Progress<true>> => {
    const progress = await lookAtCandidate(reader, task);
    const unreachable = unreachableOf(progress);
    if (unreachable === undefined) unreachableSince = undefined;
    else unreachableSince ??= Date.now();
    if (unreachable !== undefined && Date.now() - (unreachableSince ?? 0) > patience * 1000) {
      throw unreachableGateway(unreachable);
    }
    return progress;
  };
  const result = await until(look, options);
  if ("done" in result) return;
  const unreachable = unreachableOf(result);
  if (unreachable !== undefined) throw unreachableGateway(unreachable);
  throw new GateClosed(task, result.missing, options.timeoutSeconds);
}

/** Seconds without any answer of an accepted gateway: a new load balancer may need one minute, not ten. */
const patience = 120;

const unreachablePrefix = "the gateway cannot be reached";

function unreachableOf(progress: Progress<true>): string | undefined {
  return "missing" in progress
    ? progress.missing.find((text) => text.startsWith(unreachablePrefix))
    : undefined;
}

function unreachableGateway(unreachable: string): GateUnreachable {
  return new GateUnreachable(
    [
      `The route was not changed: ${unreachable}.`,
      "  Whether the candidate is ready is not known: the machine that runs pulumi does not reach the gateway.",
      "  - run pulumi from inside the network, or name a tunnel: pulumi config set --path gate.address HOST:PORT",
      "  - or ask the API server only: pulumi config set --path gate.via api-server",
    ].join("\n"),
  );
}

/**
 * Waits for the stable pool to be ready for what it gets back: what the API server says of its model servers, and
 * nothing else. Going back must not depend on anything that a candidate has to prove.
 * @throws StableUnready
 */
export async function passReadiness(
  reader: ClusterReader,
  rising: RisingPool,
  options: WaitOptions,
): Promise<void> {
  const pool = { name: rising.pool, namespace: rising.namespace };
  const waive = setCommand("allow[0]", "unready-stable");
  const look = async (): Promise<Progress<true>> => {
    const missing = await missingServers(reader, {
      pool,
      ...(rising.needs === undefined ? {} : { replicas: rising.needs }),
    });
    return missing.length === 0 ? { done: true } : { missing };
  };
  // Who goes back in need is told at once that nobody has to wait.
  const report = (text: string): void => options.report?.(`${text} (${waive} does not wait for it)`);
  const result = await until(look, { ...options, report });
  if ("missing" in result) throw new StableUnready(rising, result.missing, options.timeoutSeconds);
}

async function lookAtCandidate(reader: ClusterReader, task: GateTask): Promise<Progress<true>> {
  const servers = [...(await missingServers(reader, task)), ...(await missingAdapters(reader, task))];
  const route = await lookAtRoute(reader, task.previewRoute, task.gateway);
  const missing = [...servers, ...("missing" in route ? route.missing : [])];
  if (missing.length > 0 || !("done" in route)) return { missing };
  if (task.via === "gateway") missing.push(...(await missingAnswers(route.done, task)));
  return missing.length === 0 ? { done: true } : { missing };
}

async function missingServers(
  reader: ClusterReader,
  { pool, replicas, groups }: Pick<GateTask, "pool" | "replicas" | "groups">,
): Promise<string[]> {
  if (replicas === undefined) return [];
  const [live, servers] = await Promise.all([
    reader.get(`${poolsPath(pool.namespace)}/${pool.name}`),
    modelServersIn(reader, pool.namespace, groups ?? false),
  ]);
  if (live === undefined) return [`there is no InferencePool ${pool.name} in namespace ${pool.namespace}`];
  const selector = (live["spec"] as { selector?: { matchLabels?: Record<string, string> } }).selector;
  const server = servers.find((deployment) => selectsPodsOf(selector?.matchLabels, deployment));
  if (server === undefined) return [`pool ${pool.name} has no model servers`];
  const ready = readyReplicas(server);
  if (ready >= replicas) return [];
  const asked = (server["spec"] as { replicas?: number }).replicas ?? 1;
  const scaled =
    asked < replicas ? `; its Deployment asks for ${asked} only: pulumi up --refresh puts that right` : "";
  return [`${ready} of ${replicas} model servers of ${pool.name} are ready${scaled}`];
}

/** Which pods lack an adapter, and what their servers said of it. */
async function missingAdapters(reader: ClusterReader, { pool, revision }: GateTask): Promise<string[]> {
  if (revision === undefined) return [];
  const progress = await lookAtServers(reader, { pool, revision });
  if (!("done" in progress)) return [...progress.missing];
  return progress.done === "ready" ? [] : [...progress.done.failing];
}

/** Ready pods of the present template: those of an older one are on their way out. */
function readyReplicas(deployment: LiveObject): number {
  const status = deployment["status"] as
    { observedGeneration?: number; readyReplicas?: number; updatedReplicas?: number } | undefined;
  if (status?.observedGeneration !== deployment.metadata.generation) return 0;
  return Math.min(status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0);
}

/** Every model name is asked for once through the preview route, with one token to generate. */
async function missingAnswers(address: string, task: GateTask): Promise<string[]> {
  const asked = task.models.map((model) => ask(address, task, model));
  const answers = await Promise.all([...asked, ...(task.serves === undefined ? [] : [list(address, task)])]);
  return answers.filter((text): text is string => text !== undefined);
}

/** What a model server itself says that it has loaded. */
async function list(address: string, task: GateTask): Promise<string | undefined> {
  const { pool, serves = [] } = task;
  try {
    const { status, text } = await send({ ...requestTo(address, task), method: "GET", path: "/v1/models" });
    if (status !== 200)
      return `${pool.name} answered ${status} for its list of models: ${text.slice(0, 200).trim()}`;
    const missing = missingFromList(text, serves);
    return missing.length === 0 ? undefined : `${pool.name} does not list ${missing.join(", ")} as loaded`;
  } catch (error) {
    return unreachable(address, task, error as Error);
  }
}

async function ask(address: string, task: GateTask, model: string): Promise<string | undefined> {
  const body = JSON.stringify({ model, prompt: "ready?", max_tokens: 1 });
  try {
    const to = requestTo(address, task);
    const { status, text } = await send({ ...to, method: "POST", path: "/v1/completions", body });
    if (status === 200) return undefined;
    return `${task.pool.name} answered ${status} for model ${model}: ${text.slice(0, 200).trim()}`;
  } catch (error) {
    return unreachable(address, task, error as Error);
  }
}

const hostAndPort = (address: string, { endpoint }: GateTask): [string, string] =>
  (endpoint.address ?? `${address}:${endpoint.port}`).split(":") as [string, string];

function unreachable(address: string, task: GateTask, error: Error): string {
  return `${unreachablePrefix} at ${hostAndPort(address, task).join(":")} (${error.message})`;
}

interface Exchange {
  tls: boolean;
  host: string;
  port: number;
  headers: Record<string, string>;
  servername?: string;
  method: "GET" | "POST";
  path: string;
  body?: string;
}

function requestTo(address: string, task: GateTask): Omit<Exchange, "method" | "path"> {
  const { endpoint, header } = task;
  const [host, port] = hostAndPort(address, task);
  return {
    tls: endpoint.tls,
    host,
    port: Number(port),
    headers: {
      [header.name]: header.value,
      "content-type": "application/json",
      host: endpoint.hostname ?? host,
    },
    ...(endpoint.hostname === undefined ? {} : { servername: endpoint.hostname }),
  };
}

function send(options: Exchange): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = (options.tls ? https : http).request(
      {
        host: options.host,
        port: options.port,
        method: options.method,
        path: options.path,
        headers: {
          ...options.headers,
          ...(options.body === undefined ? {} : { "content-length": Buffer.byteLength(options.body) }),
        },
        timeout: 30_000,
        ...(options.servername === undefined ? {} : { servername: options.servername }),
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer for 30 s")));
    request.on("error", reject);
    request.end(options.body);
  });
}
