import { engines, pickerNameOf } from "../../components/engines/catalogue";
import { engineLabel } from "../../components/pool/endpoint-picker";
import type { ClusterReader, LiveObject } from "../state/cluster-reader";
import { poolsPath } from "../state/paths";
import { isReady, isSelected, selectorOf } from "../state/selectors";
import { metricsOf, type Way } from "./asking";
import { asksFor } from "./stable-names";

/*
 * Whether a pool's picker can tell how busy its pods are. A picker that finds none of the metrics that it reads of a pod
 * takes the pod for idle, and says so nowhere: requests are then spread without regard to load and cache. So the model
 * servers are asked what they report, through the preview route, where each request goes to a pod by chance.
 */

export interface MetricsTask {
  /** The engine that the picker takes pods for that do not say which they run. */
  engine: string;
  /** The commands that go on without this check. */
  without: string;
}

/** Metrics by the name that a picker has for their engine. */
const metricsRead: ReadonlyMap<string, readonly string[]> = new Map(
  engines.map((engine) => [pickerNameOf(engine), engine.pickerMetrics ?? []]),
);

/** Engines that pickers know besides ours: their metrics are not checked. Source: the extension's EPP v1.5.0. */
const otherEngines: ReadonlySet<string> = new Set(["trtllm-serve", "triton-tensorrt-llm"]);

/** Requests at a time. */
const batch = 10;

/** Seconds for which an answer counts: a report is long, and the gate looks four times a second. */
const answerLives = 5;

/** What the pods do not report, in the course of one gate. */
export class UnreadMetrics {
  private known: { at: number; missing: readonly string[] } | undefined;

  constructor(
    private readonly reader: ClusterReader,
    private readonly task: MetricsTask & { pool: { name: string; namespace: string } },
  ) {}

  async missing(candidate: Way): Promise<readonly string[]> {
    const { pool, ...task } = this.task;
    if (this.known === undefined || performance.now() - this.known.at > answerLives * 1000) {
      const missing = await unreadMetrics(this.reader, pool, candidate, task);
      this.known = { at: performance.now(), missing };
    }
    return this.known.missing;
  }
}

/** @returns which of the metrics that the picker reads the pods do not report; empty: they report all. */
async function unreadMetrics(
  reader: ClusterReader,
  pool: { name: string; namespace: string },
  candidate: Way,
  { engine, without }: MetricsTask,
): Promise<string[]> {
  const [live, all] = await Promise.all([
    reader.get(`${poolsPath(pool.namespace)}/${pool.name}`),
    reader.list(`/api/v1/namespaces/${pool.namespace}/pods`),
  ]);
  const selector = selectorOf(live);
  const pods = all.filter((pod) => isSelected(pod, selector) && isReady(pod));
  const engines = [...new Set(pods.map((pod) => engineOf(pod, engine)))];
  const reports = await asked(candidate, asksFor(pods.length));
  if (typeof reports === "string") return [reports];
  const refused = reports.find(({ status }) => status !== 200);
  // A policy of the gateway's, or the server's own key: what the picker sees, it sees without either.
  if (refused !== undefined && (refused.status === 401 || refused.status === 403)) return [];
  if (refused !== undefined) {
    return [
      `${pool.name} answered ${refused.status} for /metrics, which its picker reads: requests would be spread without regard to load (enable the servers' metrics); to continue without this check: ${without}`,
    ];
  }
  const blind = reports.find(({ text }) => !engines.some((name) => lacking(name, text).length === 0));
  if (blind === undefined) return [];
  const [name = engine] = engines;
  const found = knownIn(blind.text);
  const said = found.length === 0 ? "none that a picker knows" : found.join(", ");
  return [
    `${pool.name} does not report ${lacking(name, blind.text).join(", ")}, which its picker reads (engine ${name}); its servers report ${said}. Requests would be spread without regard to load: set the label ${engineLabel} of its pods, or server.engine, to the engine that they run; to continue without this check: ${without}`,
  ];
}

/** The engine whose metrics the picker reads of a pod: that of its label, if the picker knows it. */
function engineOf({ metadata }: LiveObject, engine: string): string {
  const labelled = metadata.labels?.[engineLabel];
  return labelled !== undefined && (metricsRead.has(labelled) || otherEngines.has(labelled))
    ? labelled
    : engine;
}

/** @returns what came back; or, in words, why nobody could be asked. */
async function asked(candidate: Way, times: number): Promise<{ status: number; text: string }[] | string> {
  const reports: { status: number; text: string }[] = [];
  for (let left = times; left > 0; left -= batch) {
    const some = await Promise.all(Array.from({ length: Math.min(batch, left) }, () => metricsOf(candidate)));
    const unreachable = some.find((one) => typeof one === "string");
    if (unreachable !== undefined) return unreachable;
    reports.push(...some.filter((one) => typeof one !== "string"));
    // One that refuses is enough to know.
    if (reports.some(({ status }) => status !== 200)) break;
  }
  return reports;
}

/** Names of an engine's metrics that a report does not have. */
function lacking(engine: string, report: string): string[] {
  const families = familiesIn(report);
  return (metricsRead.get(engine) ?? []).filter((name) => !families.has(name));
}

const knownIn = (report: string): string[] => {
  const families = familiesIn(report);
  return [...metricsRead.values()].flat().filter((name) => families.has(name));
};

/** Names of the metrics that have a value, in Prometheus' text format. */
function familiesIn(report: string): ReadonlySet<string> {
  return new Set(
    report.split("\n").flatMap((line) => {
      const [, name] = /^([A-Za-z_:][\w:]*)(?:\{|\s)/.exec(line) ?? [];
      return name === undefined ? [] : [name];
    }),
  );
}
