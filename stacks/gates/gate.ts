import type { RisingPool } from "../plan/model";
import type { Endpoint } from "../../components/gateways/endpoint";
import type { EndpointName } from "../answers/endpoints";
import { listOf, unreachablePrefix, type Way } from "./asking";
import { AskingRound, wordsOf } from "./asking-round";
import type { ClusterReader, LiveObject } from "../state/cluster-reader";
import { everyKind, modelServersIn } from "../state/model-servers";
import { sumOf } from "../state/other-pools";
import { poolsPath } from "../state/paths";
import { routeProgress } from "./programmed";
import { isReady, isSelected, selectorOf, selectsPodsOf, type Labels } from "../state/selectors";
import { WaitingPods } from "../state/waiting-pods";
import { UnreadMetrics, type MetricsTask } from "./picker-metrics";
import { reasonsFor, serversProgress } from "./servers";
import { StableNames, type StableTask } from "./stable-names";
import { progressOf, until, type Progress, type WaitOptions } from "./wait";

/** What the candidate has to prove before its share rises. */
export interface GateTask {
  via: "gateway" | "api-server";
  pool: { name: string; namespace: string };
  /** Model servers that have to be ready: the declared size, so that no weight exceeds what is there. */
  replicas?: number;
  /** Nodes that the candidate has once it is complete; absent: unknown. */
  nodes?: number;
  /** Whether its replicas are groups of pods. Default: they are single ones. */
  groups?: boolean;
  /** Whether it was created outside this stack: then any kind of workload can be behind it. Default: it was not. */
  existing?: boolean;
  /** Who sets its number of replicas from outside this stack, in words. Default: this stack does. */
  scaledBy?: string;
  /** Names that clients ask for; the candidate must answer for every one. */
  models: readonly string[];
  /** The API on which the gate sends the candidate requests, and the key for it. */
  api: EndpointName;
  apiKey?: string;
  /** The stable pool, whose own names count too; absent: only those in `models`. */
  stable?: StableTask;
  /**
   * Names that a model server of the candidate has to list as loaded: a server may answer for a name that it does
   * not know with another model. Absent: it is not asked.
   */
  serves?: readonly string[];
  /** Which metrics its picker has to find; absent: it is not asked. */
  metrics?: MetricsTask;
  /** The list of adapters that its pods have to have loaded. */
  revision?: string;
  previewRoute: { name: string; namespace: string };
  gateway: { name: string; namespace: string };
  endpoint: Endpoint;
  header: { name: string; value: string };
  /** What to do where the gateway does not take the preview route; absent: nothing in particular. */
  otherMode?: string;
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
        ...(task.otherMode !== undefined && missing.some((text) => isOfRoute(text, task.previewRoute))
          ? [task.otherMode]
          : []),
        "Fix this and run pulumi up again, or go back: pulumi config set weight 0 && pulumi up",
      ].join("\n"),
    );
  }
}

const isOfRoute = (text: string, { name, namespace }: GateTask["previewRoute"]): boolean =>
  text.includes(`route ${namespace}/${name}`);

/** The stable pool is not ready for what it would get back; the route is as it was. */
export class StableUnready extends Error {
  /** @param waive the command that moves the traffic without waiting. */
  constructor({ pool, share }: RisingPool, missing: readonly string[], seconds: number, waive: string) {
    super(
      [
        `The route was not changed: stable pool ${pool} is not ready for ${share} % of the traffic after ${seconds} s.`,
        ...missing.map((text) => `  - ${text}`),
        `Fix this and run pulumi up again, or move the traffic without waiting: ${waive} && pulumi up`,
      ].join("\n"),
    );
  }
}

/** The gate could not send its requests: that says nothing about the candidate. */
export class GateUnreachable extends Error {}

/** @throws GateClosed, GateUnreachable */
export async function passGate(reader: ClusterReader, task: GateTask, options: WaitOptions): Promise<void> {
  let unreachableSince: number | undefined;
  const stable = task.stable === undefined ? undefined : new StableNames(reader, task.stable);
  const metrics =
    task.metrics === undefined ? undefined : new UnreadMetrics(reader, { ...task.metrics, pool: task.pool });
  const waits = new WaitingPods(reader);
  const deadline = performance.now() + options.timeoutSeconds * 1000;
  let before: readonly string[] = [];
  let first: ReadonlySet<string> = new Set();
  const check = async (): Promise<Progress<true>> => {
    const round = new AskingRound({
      ...{ who: task.pool.name, report: options.report },
      ...{ deadline, before, first },
    });
    const progress = await candidateProgress(reader, task, { stable, metrics, waits, round }).finally(() =>
      round.end(),
    );
    first = round.unasked;
    before = progress.state === "waiting" ? progress.missing : [];
    const unreachable = unreachableOf(progress);
    if (unreachable === undefined) unreachableSince = undefined;
    else unreachableSince ??= performance.now();
    if (unreachable !== undefined && performance.now() - (unreachableSince ?? 0) > patience * 1000) {
      throw unreachableGateway(unreachable);
    }
    return progress;
  };
  const result = await until(check, options);
  if (result.state === "done") return;
  const unreachable = unreachableOf(result);
  if (unreachable !== undefined) throw unreachableGateway(unreachable);
  throw new GateClosed(task, result.missing, options.timeoutSeconds);
}

/** Seconds without any answer of an accepted gateway: a new load balancer may need one minute, not ten. */
const patience = 120;

function unreachableOf(progress: Progress<true>): string | undefined {
  return progress.state === "waiting"
    ? progress.missing.find((text) => text.startsWith(unreachablePrefix))
    : undefined;
}

function unreachableGateway(unreachable: string): GateUnreachable {
  return new GateUnreachable(
    [
      `The route was not changed: ${unreachable}.`,
      "  The gate cannot check the candidate, because the machine that runs pulumi cannot reach the gateway.",
      "  - run pulumi inside the network, or set the address of a tunnel: pulumi config set --path gate.address HOST:PORT",
      "  - or check only through the API server: pulumi config set --path gate.via api-server",
    ].join("\n"),
  );
}

/**
 * Waits for the stable pool to be ready for what it gets back: what the API server says of its model servers, and
 * nothing else. Going back must not depend on anything that a candidate has to prove.
 * @param how the command that moves the traffic without waiting, and the nodes of the pool where they are known.
 * @throws StableUnready
 */
export async function passReadiness(
  reader: ClusterReader,
  rising: RisingPool,
  options: WaitOptions,
  { waive, nodes }: { waive: string; nodes?: number },
): Promise<void> {
  const waits = new WaitingPods(reader);
  const pool = { name: rising.pool, namespace: rising.namespace };
  const check = async (): Promise<Progress<true>> => {
    const missing =
      rising.needs === undefined
        ? await missingReadyServer(reader, pool, waits)
        : await missingServers(
            reader,
            {
              ...{ pool, replicas: rising.needs, groups: rising.groups ?? false },
              ...{ existing: rising.existing ?? false },
              ...(rising.scaledBy === undefined ? {} : { scaledBy: rising.scaledBy }),
              ...(nodes === undefined ? {} : { nodes }),
            },
            waits,
          );
    return progressOf(missing, true);
  };
  // Going back can be urgent: every report says how not to wait.
  const report = (text: string): void =>
    options.report?.(`${text} (to move the traffic without waiting: ${waive})`);
  const result = await until(check, { ...options, report });
  if (result.state === "waiting") {
    throw new StableUnready(rising, result.missing, options.timeoutSeconds, waive);
  }
}

/** What one gate checks besides the candidate's own answers, and how it asks for those. */
interface Others {
  stable: StableNames | undefined;
  metrics: UnreadMetrics | undefined;
  /** What its pods wait for, while they are not ready. */
  waits: WaitingPods;
  round: AskingRound;
}

async function candidateProgress(
  reader: ClusterReader,
  task: GateTask,
  others: Others,
): Promise<Progress<true>> {
  const servers = [
    ...(await missingServers(reader, task, others.waits)),
    ...(await missingAdapters(reader, task)),
  ];
  const route = await routeProgress(reader, task.previewRoute, task.gateway);
  const missing = [...servers, ...(route.state === "waiting" ? route.missing : [])];
  if (missing.length > 0 || route.state === "waiting") return { state: "waiting", missing };
  if (task.via === "gateway") missing.push(...(await missingAnswers(route.value, task, others)));
  return progressOf(missing, true);
}

interface PoolName {
  name: string;
  namespace: string;
}

const livePool = (reader: ClusterReader, { name, namespace }: PoolName): Promise<LiveObject | undefined> =>
  reader.get(`${poolsPath(namespace)}/${name}`);

const noPool = ({ name, namespace }: PoolName): string[] => [
  `there is no InferencePool ${name} in namespace ${namespace}`,
];

/** Of a pool whose size is not known (no Deployment stands behind it), at least one server has to be ready. */
async function missingReadyServer(
  reader: ClusterReader,
  pool: PoolName,
  waits: WaitingPods,
): Promise<string[]> {
  const [live, pods] = await Promise.all([
    livePool(reader, pool),
    reader.list(`/api/v1/namespaces/${pool.namespace}/pods`),
  ]);
  if (live === undefined) return noPool(pool);
  const selector = selectorOf(live);
  const ready = pods.some((pod) => isSelected(pod, selector) && isReady(pod));
  if (ready) return [];
  return [
    `no model server of ${pool.name} is ready`,
    ...(await reasonsFor(pool, selector, undefined, waits)),
  ];
}

async function missingServers(
  reader: ClusterReader,
  {
    pool,
    replicas,
    groups,
    existing,
    nodes,
    scaledBy,
  }: Pick<GateTask, "pool" | "replicas" | "groups" | "existing" | "nodes" | "scaledBy">,
  waits: WaitingPods,
): Promise<string[]> {
  if (replicas === undefined) return [];
  const [live, servers] = await Promise.all([
    livePool(reader, pool),
    modelServersIn(
      reader,
      pool.namespace,
      existing === true ? everyKind : { groups: groups ?? false, statefulSets: false },
    ),
  ]);
  if (live === undefined) return noPool(pool);
  const selector = selectorOf(live);
  const behind = servers.filter((server) => selectsPodsOf(selector, server));
  if (existing === true && behind.length === 0) return missingPods(reader, pool, selector, replicas, waits);
  if (behind.length === 0) return [`pool ${pool.name} has no model servers`];
  const { replicas: asked, readyReplicas: answering } = sumOf(behind);
  // Its owner decides which template its pods have: a StatefulSet may keep older ones for good.
  const ready =
    existing === true ? answering : behind.reduce((sum, server) => sum + readyReplicas(server), 0);
  if (ready >= replicas) return [];
  const names = behind.map(({ kind, metadata }) => `${kind ?? ""} ${metadata.name}`).join(", ");
  const scaled =
    asked >= replicas
      ? ""
      : existing === true || scaledBy !== undefined
        ? `; ${names} has only ${asked} replicas, and ${scaledBy ?? "its owner"} must scale it`
        : `; its ${behind[0]?.kind ?? "Deployment"} has only ${asked} replicas; to fix it: pulumi up --refresh`;
  return [
    `${ready} of ${replicas} model servers of ${pool.name} are ready${scaled}`,
    ...(await reasonsFor(pool, selector, nodes, waits)),
  ];
}

/** Pods that no workload makes, or none that is known. */
async function missingPods(
  reader: ClusterReader,
  { name, namespace }: PoolName,
  selector: Labels,
  replicas: number,
  waits: WaitingPods,
): Promise<string[]> {
  const pods = await reader.list(`/api/v1/namespaces/${namespace}/pods`);
  const ready = pods.filter((pod) => isSelected(pod, selector) && isReady(pod)).length;
  if (ready >= replicas) return [];
  return [
    `${ready} of ${replicas} model servers of ${name} are ready`,
    ...(await reasonsFor({ name, namespace }, selector, undefined, waits)),
  ];
}

/** Which pods lack an adapter, and what their servers said of it. */
async function missingAdapters(reader: ClusterReader, { pool, revision }: GateTask): Promise<string[]> {
  if (revision === undefined) return [];
  const progress = await serversProgress(reader, { pool, revision });
  if (progress.state === "waiting") return [...progress.missing];
  return progress.value === "ready" ? [] : [...progress.value.failing];
}

/** Ready pods of the present template: those of an older one are leaving. */
function readyReplicas(deployment: LiveObject): number {
  const status = deployment["status"] as
    { observedGeneration?: number; readyReplicas?: number; updatedReplicas?: number } | undefined;
  if (status?.observedGeneration !== deployment.metadata.generation) return 0;
  return Math.min(status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0);
}

/** The gate requests every model name through the preview route: those declared, and those that the stable pool serves. */
async function missingAnswers(
  address: string,
  task: GateTask,
  { stable, metrics, round }: Others,
): Promise<string[]> {
  const { pool, endpoint, header, models, serves, api, apiKey } = task;
  const candidate: Way = {
    ...{ who: pool.name, address, endpoint, header, api },
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  const [answers, loaded, names] = await Promise.all([
    round.ask(candidate, models),
    serves === undefined ? undefined : loads(candidate, serves),
    stable === undefined ? [] : stable.missing(candidate, models, round),
  ]);
  // Several questions may have met the same wall.
  const missing = [
    ...new Set([...wordsOf(candidate, answers), ...(loaded === undefined ? [] : [loaded]), ...names]),
  ];
  // Some servers have no metrics before their first request.
  return missing.length > 0 || metrics === undefined ? missing : [...(await metrics.missing(candidate))];
}

/** What a model server itself says that it has loaded. */
async function loads(candidate: Way, names: readonly string[]): Promise<string | undefined> {
  const listed = await listOf(candidate);
  if (typeof listed === "string") return listed;
  const missing = names.filter((name) => !listed.some((model) => model.name === name));
  return missing.length === 0 ? undefined : `${candidate.who} does not list ${missing.join(", ")} as loaded`;
}
