import { isOwnedBy, listAt, nameOf, namespaceOf, numberAt, textAt, type KubeObject } from "../api/objects";
import type { Value } from "../../protocol/values";

/** What a pod is waiting for, in the order in which a pod gets there. */
export interface PodReport {
  ready: boolean;
  /** The step that it is at. */
  waitingFor: string;
  /** What is wrong, where something is. */
  warning?: string;
}

/** `namespace/name`, without the default namespace. */
export function shortName(object: KubeObject): string {
  const namespace = namespaceOf(object);
  return namespace === "" || namespace === "default" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

/** Source of order and wording: pulumi-kubernetes, provider/pkg/await/checker/pod. */
export function podReport(pod: KubeObject): PodReport {
  const name = shortName(pod);
  const condition = (type: string): Value | undefined =>
    listAt(pod, "status", "conditions").find((one) => textAt(one, "type") === type);
  const isTrue = (type: string): boolean => textAt(condition(type), "status") === "True";
  const waiting = (what: string, type: string): PodReport => {
    const warning = podError(name, condition(type), listAt(pod, "status", "containerStatuses"));
    const waitingFor = `Waiting for Pod "${name}" to be ${what}`;
    return { ready: false, waitingFor, ...(warning === undefined ? {} : { warning }) };
  };
  if (!isTrue("PodScheduled"))
    return { ready: false, waitingFor: `Waiting for Pod "${name}" to be scheduled` };
  if (!isTrue("Initialized")) return waiting("initialized", "Initialized");
  if (!isTrue("Ready") && textAt(pod, "status", "phase") !== "Succeeded") return waiting("ready", "Ready");
  return { ready: true, waitingFor: "" };
}

/** Warnings of an owner's pods. */
export function podWarnings(pods: readonly KubeObject[], owner: KubeObject): string[] {
  return pods
    .filter((pod) => isOwnedBy(pod, owner))
    .flatMap((pod) => {
      const { warning } = podReport(pod);
      return warning === undefined ? [] : [warning];
    });
}

function podError(
  name: string,
  condition: Value | undefined,
  containers: readonly Value[],
): string | undefined {
  if (condition === undefined) return undefined;
  const message = textAt(condition, "message");
  const errors = containers.flatMap(containerErrors).join("\n");
  if (message === "" && errors === "") return undefined;
  return `[Pod ${name}]: ${textAt(condition, "reason") === "" ? "" : message}${errors}`;
}

function containerErrors(container: Value): string[] {
  if (typeof container !== "object" || textAt(container, "name") === "") return [];
  if ((container as KubeObject)["ready"] === true) return [];
  const name = textAt(container, "name");
  const errors: string[] = [];
  const waiting = textAt(container, "state", "waiting", "reason");
  if (waiting !== "" && waiting !== "ContainerCreating")
    errors.push(`[${waiting}] ${textAt(container, "state", "waiting", "message")}`);
  const terminated = textAt(container, "state", "terminated", "reason");
  if (terminated !== "") {
    const message = textAt(container, "state", "terminated", "message");
    const code = numberAt(container, "state", "terminated", "exitCode") ?? 0;
    errors.push(
      message === "" ? `container "${name}" completed with exit code ${code}` : `[${terminated}] ${message}`,
    );
  }
  const last = textAt(container, "lastState", "terminated", "finishedAt");
  if (last !== "") {
    const reason = textAt(container, "lastState", "terminated", "reason");
    const code = numberAt(container, "lastState", "terminated", "exitCode") ?? 0;
    errors.push(`container "${name}" terminated at ${last} (${reason}: exit code ${code})`);
    const message = textAt(container, "lastState", "terminated", "message");
    if (message !== "") errors.push(message);
  }
  return errors;
}
