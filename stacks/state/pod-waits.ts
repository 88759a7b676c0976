import type { LiveObject } from "./cluster-reader";
import { conditionOf, isReady } from "./selectors";

/*
 * Why pods are not ready, in the words of the component that knows: the cluster autoscaler, the scheduler or the
 * kubelet. Pure: pods and events in, lines out. What only takes its time, as loading a model does, has no line.
 */

/** An event as the core API has it. */
interface Event {
  reason: string;
  message: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Why one pod waits: `kind` decides how it is told, pods of one kind and text are told together. */
interface Wait {
  kind: "node" | "start" | "volume";
  text: string;
}

/**
 * @param pods of one pool; those that are ready, or on their way out, count as nodes only.
 * @param nodes that the pool has once it is complete; unknown: pods are counted instead.
 * @returns a line for each reason, that of the most pods first; empty: nothing is known to be wrong.
 */
export function podWaits(
  pods: readonly LiveObject[],
  events: readonly LiveObject[],
  nodes?: number,
): string[] {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const waits = living
    .filter((pod) => !isReady(pod))
    .flatMap((pod) => waitOf(pod, events.filter((event) => isAbout(event, pod)).flatMap(eventOf)) ?? []);
  const counts = new Map<string, { wait: Wait; count: number }>();
  for (const wait of waits) {
    const key = `${wait.kind} ${wait.text}`;
    counts.set(key, { wait, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const missing = nodes === undefined ? undefined : nodes - nodesUnder(living);
  return [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ wait, count }) => line(wait, count, living.length, nodes, missing));
}

/** Names come again, for instance with a StatefulSet; uids do not. */
function isAbout(event: LiveObject, { metadata }: LiveObject): boolean {
  const { name, uid } = (event["involvedObject"] ?? {}) as { name?: string; uid?: string };
  const known = uid !== undefined && metadata.uid !== undefined;
  return known ? uid === metadata.uid : name === metadata.name;
}

const nodeOf = ({ spec }: LiveObject): string | undefined =>
  (spec as { nodeName?: string } | undefined)?.nodeName;

const nodesUnder = (pods: readonly LiveObject[]): number =>
  new Set(pods.map(nodeOf).filter((name) => name !== undefined)).size;

function line(
  { kind, text }: Wait,
  count: number,
  all: number,
  nodes: number | undefined,
  missing: number | undefined,
): string {
  if (kind === "node") {
    // A node that is full is not the same as one that is missing.
    return nodes === undefined || missing === undefined || missing <= 0
      ? `${count} of ${all} pods wait for a node: ${text}`
      : `waiting for ${Math.min(missing, nodes)} of ${nodes} nodes: ${text}`;
  }
  const pods = count === 1 ? "1 pod" : `${count} pods`;
  return kind === "volume" ? `${pods} without a volume: ${text}` : `${pods} cannot start: ${text}`;
}

function waitOf(pod: LiveObject, events: readonly Event[]): Wait | undefined {
  if (nodeOf(pod) === undefined) {
    const text = withoutNode(pod, events);
    return text === undefined ? undefined : { kind: "node", text };
  }
  const stuck = stuckContainer(pod);
  if (stuck !== undefined) return { kind: "start", text: stuck };
  const volume = newest(events, ["FailedMount", "FailedAttachVolume"]);
  // An event stays for an hour, also of what has succeeded since: then a container runs.
  return volume === undefined || !isBeginning(pod)
    ? undefined
    : { kind: "volume", text: told(pod, `${volume.reason}: ${volume.message}`) };
}

/** GKE's code of a failure to get machines, where its words say so. */
function codeOf(text: string): string {
  if (/out of resources|stockout|resource_pool_exhausted|does not have enough resources/i.test(text))
    return "GCE_STOCKOUT: ";
  return /quota/i.test(text) ? "QUOTA_EXCEEDED: " : "";
}

/**
 * The autoscaler knows more than the scheduler, which says only that no node fits. After a failure it waits, and says
 * of that time that it does not try: the failure is the reason. An attempt that runs is newer than the last failure.
 */
function withoutNode(pod: LiveObject, events: readonly Event[]): string | undefined {
  const tried = newest(events, ["FailedScaleUp", "TriggeredScaleUp"]);
  if (tried?.reason === "FailedScaleUp") {
    const text = told(pod, tried.message);
    return `${codeOf(text)}${text}`;
  }
  if (tried !== undefined) return "the cluster autoscaler is creating them";
  const refused = newest(events, ["NotTriggerScaleUp"]);
  if (refused !== undefined) return told(pod, `NotTriggerScaleUp: ${refused.message}`);
  const scheduled = conditionOf(pod, "PodScheduled");
  const failed = newest(events, ["FailedScheduling"])?.message ?? scheduled?.message;
  return failed === undefined || failed === "" ? undefined : told(pod, `FailedScheduling: ${failed}`);
}

interface ContainerState {
  image?: string;
  state?: { waiting?: { reason?: string; message?: string }; running?: unknown };
  lastState?: { terminated?: { reason?: string; exitCode?: number } };
}

function containersOf(pod: LiveObject): ContainerState[] {
  const status = (pod["status"] ?? {}) as {
    initContainerStatuses?: ContainerState[];
    containerStatuses?: ContainerState[];
  };
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}

/** Reasons that do not pass by themselves, or not soon. */
const stuckReasons = new Set([
  ...["ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"],
  ...["CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"],
]);

function stuckContainer(pod: LiveObject): string | undefined {
  for (const { image, state, lastState } of containersOf(pod)) {
    const { reason = "", message } = state?.waiting ?? {};
    if (!stuckReasons.has(reason)) continue;
    if (reason === "CrashLoopBackOff") {
      const { exitCode, reason: why } = lastState?.terminated ?? {};
      const end =
        exitCode === undefined ? "" : ` (exit status ${exitCode}${why === undefined ? "" : `, ${why}`})`;
      return `CrashLoopBackOff${end}: kubectl logs --previous shows its last output`;
    }
    // Whether it is the first attempt or the wait for the next one is of no interest, and changes by the minute.
    const name = reason === "ErrImagePull" ? "ImagePullBackOff" : reason;
    const detail = name === "ImagePullBackOff" && image !== undefined ? image : message;
    return detail === undefined ? name : told(pod, `${name}: ${detail}`);
  }
  return undefined;
}

const isBeginning = (pod: LiveObject): boolean =>
  containersOf(pod).every(({ state }) => state?.running === undefined);

/** Without the pod's own name, so that pods with one reason are one line; brief, because it is one of several. */
function told(pod: LiveObject, text: string): string {
  return text
    .replaceAll(new RegExp(`(?<![\\w-])${pod.metadata.name}(?![\\w-])`, "g"), "POD")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 240);
}

function newest(events: readonly Event[], reasons: readonly string[]): Event | undefined {
  return events
    .filter(({ reason }) => reasons.includes(reason))
    .reduce<Event | undefined>(
      (last, event) => (last === undefined || event.at >= last.at ? event : last),
      undefined,
    );
}

/** Components write events of the old and of the new API: where the time is differs. */
function eventOf(object: LiveObject): Event[] {
  const { reason, message, lastTimestamp, eventTime, series } = object as LiveObject & {
    reason?: string;
    message?: string;
    lastTimestamp?: string | null;
    eventTime?: string | null;
    series?: { lastObservedTime?: string } | null;
  };
  if (reason === undefined || message === undefined) return [];
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime;
  return [{ reason, message, at: time === undefined || time === null ? 0 : Date.parse(time) }];
}
