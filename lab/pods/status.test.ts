import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podStatus, type Condition, type ContainerView, type WrittenStatus } from "./status";
import type { Pod } from "./objects";

const now = "2026-01-01T00:00:10.000Z";
const earlier = "2026-01-01T00:00:00.000Z";
const running = { running: { startedAt: earlier } };
const ended = (exitCode: number): ContainerView["state"] => ({
  terminated: { exitCode, reason: "x", startedAt: earlier, finishedAt: now, containerID: "" },
});

function view(name: string, extra: Partial<ContainerView> = {}): ContainerView {
  return {
    ...{ name, image: "i", role: "main", state: running, lastTerminated: undefined, restartCount: 0 },
    ...{ started: true, ready: true, containerID: "", pid: undefined, ports: {}, probes: {} },
    ...extra,
  };
}

const pod = (extra: Partial<NonNullable<Pod["spec"]>> = {}, conditions: object[] = []): Pod =>
  ({ metadata: { name: "p" }, spec: { containers: [], ...extra }, status: { conditions } }) as Pod;

function ready(status: WrittenStatus): [string, string | null | undefined] {
  const found = status.conditions.find(({ type }) => type === "Ready");
  return [found?.status ?? "", found?.message];
}

describe("podStatus", () => {
  it("is Ready when all containers are, sidecars included", () => {
    const sidecar = view("sync", { role: "sidecar" });
    assert.deepEqual(ready(podStatus(pod(), [sidecar, view("a")], [], false, now)), ["True", null]);
    const starting = podStatus(
      pod(),
      [{ ...sidecar, ready: false }, view("a"), view("b", { ready: false })],
      [],
      false,
      now,
    );
    assert.deepEqual(ready(starting), ["False", "containers with unready status: [sync b]"]);
  });

  it("is never Ready while the pod is being deleted", () => {
    const status = podStatus(pod(), [view("a")], [], true, now);
    assert.equal(ready(status)[0], "False");
    assert.equal((status.containerStatuses[0] as { ready: boolean }).ready, false);
  });

  it("waits for readiness gates", () => {
    const gated = { readinessGates: [{ conditionType: "lb" }] };
    const of = (conditions: object[]): [string, string | null | undefined] =>
      ready(podStatus(pod(gated, conditions), [view("a")], [], false, now));
    assert.match(of([])[1] ?? "", /gate "lb" does not exist/);
    assert.match(of([{ type: "lb", status: "False" }])[1] ?? "", /gate "lb" is not "True", but False/);
    assert.equal(of([{ type: "lb", status: "True" }])[0], "True");
  });

  it("keeps the time of a condition that stays", () => {
    const before: Condition[] = [
      { type: "Ready", status: "True", lastTransitionTime: earlier },
      { type: "ContainersReady", status: "False", lastTransitionTime: earlier },
    ];
    const times = podStatus(pod(), [view("a")], before, false, now).conditions;
    assert.equal(times.find(({ type }) => type === "Ready")?.lastTransitionTime, earlier);
    assert.equal(times.find(({ type }) => type === "ContainersReady")?.lastTransitionTime, now);
  });

  it("has been Ready for long when it gets ready: nothing in the lab takes a load balancer's time", () => {
    const times = podStatus(pod(), [view("a")], [], false, "2026-01-02T00:00:00.000Z").conditions;
    assert.equal(times.find(({ type }) => type === "Ready")?.lastTransitionTime, "2026-01-01T23:59:00.000Z");
    const unready = podStatus(pod(), [view("a", { ready: false })], [], false, now).conditions;
    assert.equal(unready.find(({ type }) => type === "Ready")?.lastTransitionTime, now);
  });

  it("has the kubelet's phases", () => {
    const waiting = { state: { waiting: { reason: "ImagePullBackOff" } }, ready: false, started: false };
    const phase = (spec: Partial<NonNullable<Pod["spec"]>>, ...views: ContainerView[]): string =>
      podStatus(pod(spec), views, [], false, now).phase;
    assert.equal(phase({}, view("a"), view("b", waiting)), "Pending");
    assert.equal(phase({}, view("a", { state: ended(1) })), "Running");
    const lastTerminated = {
      exitCode: 1,
      reason: "Error",
      startedAt: earlier,
      finishedAt: now,
      containerID: "",
    };
    assert.equal(phase({}, view("a", { ...waiting, lastTerminated })), "Running");
    assert.equal(phase({}, view("pull", { role: "init" }), view("a", waiting)), "Pending");
    const never = { restartPolicy: "Never" };
    assert.equal(phase(never, view("a", { state: ended(0) })), "Succeeded");
    assert.equal(phase(never, view("a", { state: ended(3) })), "Failed");
    assert.equal(phase(never, view("pull", { role: "init", state: ended(1) }), view("a", waiting)), "Failed");
  });
});
