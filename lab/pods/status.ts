import type { ProbeState } from "./prober";
import type { Pod } from "./objects";

export type ContainerState =
  | { waiting: { reason: string; message?: string } }
  | { running: { startedAt: string } }
  | { terminated: Terminated };

export interface Terminated {
  exitCode: number;
  reason: string;
  message?: string;
  startedAt: string;
  finishedAt: string;
  containerID: string;
}

export type Role = "init" | "sidecar" | "main";

/** What is known of one container. */
export interface ContainerView {
  name: string;
  image: string;
  role: Role;
  state: ContainerState;
  lastTerminated: Terminated | undefined;
  restartCount: number;
  started: boolean;
  ready: boolean;
  containerID: string;
  /** For the admin API only. */
  pid: number | undefined;
  ports: Readonly<Record<number, number>>;
  probes: Readonly<Record<string, ProbeState>>;
}

export interface Condition {
  type: string;
  status: string;
  lastTransitionTime?: string | undefined;
  reason?: string | null;
  message?: string | null;
}

/** The part of a pod's status that the lab writes. */
export interface WrittenStatus {
  phase: string;
  conditions: Condition[];
  containerStatuses: object[];
  initContainerStatuses?: object[];
}

/**
 * The status that follows from the containers, as the kubelet derives it.
 * @param before conditions written last: a condition that stays keeps its time
 * @param terminating a pod that is being deleted is never ready, whatever still answers in it
 */
export function podStatus(
  pod: Pod,
  containers: readonly ContainerView[],
  before: readonly Condition[],
  terminating: boolean,
  now: string,
): WrittenStatus {
  const seen = terminating ? containers.map((view) => ({ ...view, ready: false })) : containers;
  const main = seen.filter(({ role }) => role === "main");
  const init = seen.filter(({ role }) => role !== "main");
  // An ordinary init container is ready when it has done its work; a sidecar counts like a main container.
  const serving = seen.filter(({ role }) => role !== "init");
  const unready = serving.filter(({ ready }) => !ready).map(({ name }) => name);
  const incomplete = init.filter((view) => !isInitialized(view)).map(({ name }) => name);
  const notReady = unready.length > 0 ? `containers with unready status: [${unready.join(" ")}]` : undefined;
  const gate = closedGate(pod);
  const found = [
    condition("Initialized", incomplete.length > 0 ? "ContainersNotInitialized" : undefined, () => {
      return `containers with incomplete status: [${incomplete.join(" ")}]`;
    }),
    condition("ContainersReady", notReady && "ContainersNotReady", () => notReady ?? ""),
    notReady === undefined
      ? condition("Ready", gate && "ReadinessGatesNotReady", () => gate ?? "")
      : condition("Ready", "ContainersNotReady", () => notReady),
  ];
  return {
    phase: phaseOf(pod, main, init, incomplete.length === 0),
    conditions: found.map((one) => keepTime(one, before, one.type === "Ready" ? longAgo(one, now) : now)),
    containerStatuses: main.map(containerStatus),
    ...(init.length > 0 ? { initContainerStatuses: init.map(containerStatus) } : {}),
  };
}

/**
 * Whether what was written is still so, as far as others write it: the control plane makes the pods of a node that was
 * late unready, and leaves it to the kubelet to say when they are ready again.
 */
export function isAsWritten(written: WrittenStatus, seen: Pod["status"]): boolean {
  return (
    written.phase === seen?.phase &&
    written.conditions.every(({ type, status }) =>
      seen.conditions?.some((one) => one.type === type && one.status === status),
    )
  );
}

function phaseOf(
  pod: Pod,
  main: readonly ContainerView[],
  init: readonly ContainerView[],
  initialized: boolean,
): string {
  const exitCode = ({ state }: ContainerView): number | undefined =>
    "terminated" in state ? state.terminated.exitCode : undefined;
  const ended = main.map(exitCode);
  const policy = pod.spec?.restartPolicy ?? "Always";
  if (policy === "Never" && init.some((view) => (exitCode(view) ?? 0) !== 0)) return "Failed";
  if (policy !== "Always" && ended.every((code) => code !== undefined)) {
    return ended.every((code) => code === 0) ? "Succeeded" : "Failed";
  }
  // A container that waits for its first start keeps the whole pod pending.
  const fresh = main.some(({ state, lastTerminated }) => "waiting" in state && lastTerminated === undefined);
  return fresh || !initialized ? "Pending" : "Running";
}

function isInitialized({ role, state, started }: ContainerView): boolean {
  if (role === "sidecar") return started;
  return "terminated" in state && state.terminated.exitCode === 0;
}

/** Why a readiness gate is closed, in the kubelet's words; undefined where all are open. */
function closedGate(pod: Pod): string | undefined {
  const messages = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (found === undefined)
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (found.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
  });
  return messages.length === 0 ? undefined : messages.join(", ");
}

/** True without a reason; null removes what an earlier patch wrote. */
function condition(
  type: string,
  reason: string | undefined,
  message: () => string,
): Omit<Condition, "lastTransitionTime"> {
  return reason === undefined
    ? { type, status: "True", reason: null, message: null }
    : { type, status: "False", reason, message: message() };
}

/**
 * A pod that gets ready has been so for long: a Deployment's minReadySeconds is the time of a cloud's load balancer, and
 * the lab's gateway needs none.
 */
const longAgo = ({ status }: Pick<Condition, "status">, now: string): string =>
  status === "True" ? new Date(Date.parse(now) - 60_000).toISOString() : now;

function keepTime(
  found: Omit<Condition, "lastTransitionTime">,
  before: readonly Condition[],
  now: string,
): Condition {
  const old = before.find(({ type }) => type === found.type);
  return { ...found, lastTransitionTime: old?.status === found.status ? old.lastTransitionTime : now };
}

function containerStatus(view: ContainerView): object {
  const { name, image, state, lastTerminated, restartCount, started, ready, containerID, role } = view;
  const done = role === "init" && "terminated" in state && state.terminated.exitCode === 0;
  return {
    ...{ name, image, imageID: image, containerID, restartCount, state },
    lastState: lastTerminated === undefined || "terminated" in state ? {} : { terminated: lastTerminated },
    started: "running" in state && started,
    ready: role === "init" ? done : ready,
  };
}
