import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { annotations, labels, previewRouteName } from "../../components/names";
import { ReadOtherwise, type Session } from "../../rollout/commands/session";
import { rollBackFirst } from "../../rollout/now/rollback-first";
import { rollback } from "../../rollout/steps/moves";
import { isCalled, type Owner } from "../../stacks/plan/claims";
import type { ClusterPatcher, LiveObject } from "../../stacks/state/cluster-reader";
import { at, Simulated, values } from "./steps/cases";

/* The write that comes first, by a session that has not heard of the CLI yet. */

const owner: Owner = { id: "c0ffee", stack: "acme/inference-rollout/dev" };

interface Case {
  /** Whether the outputs are what was kept on this machine. */
  isByKept: boolean;
  /** Pools of the preview route, as the cluster has them; undefined: there is no such route. */
  preview?: readonly string[];
  /** Whose mark the route has. */
  mark?: Owner;
  isSure?: boolean;
  /** Whether the CLI says the same. */
  isSame?: boolean;
}

/** @returns what happened, in order. */
async function goneBack({ isByKept, preview, mark = owner, isSure = true, isSame = true }: Case): Promise<{
  events: string[];
  error: unknown;
}> {
  const world = new Simulated(values(at(0))).up().up(values(at(30)));
  const decision = rollback(world.values, world.deployed, { now: new Date("2026-11-22T12:00:00Z") });
  if (decision.outcome !== "update") assert.fail(JSON.stringify(decision));
  const events: string[] = [];
  const ref = (name: string, weight: number): object => ({
    group: "inference.networking.k8s.io",
    kind: "InferencePool",
    name,
    weight,
  });
  const route: LiveObject = {
    metadata: {
      name: "routes-to-llm",
      namespace: "default",
      labels: { [labels.service]: "llm" },
      annotations: {
        [annotations.weights]: JSON.stringify({ llm: 70, "llm-new": 30 }),
        [annotations.moves]: "3",
        [annotations.owner]: JSON.stringify(mark),
      },
    },
    spec: { rules: [{ backendRefs: [ref("llm", 70), ref("llm-new", 30)] }] },
  };
  const previewRoute: LiveObject = {
    metadata: { name: previewRouteName("llm"), namespace: "default" },
    spec: { rules: (preview ?? []).map((name) => ({ backendRefs: [ref(name, 1)] })) },
  };
  const pool: LiveObject = {
    metadata: { name: "llm", namespace: "default", labels: { [labels.service]: "llm" } },
    spec: { selector: { matchLabels: { app: "llm" } } },
  };
  const pod: LiveObject = {
    metadata: { name: "llm-0", namespace: "default" },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
  const client = {
    get: (path: string) =>
      Promise.resolve(
        path.endsWith(previewRouteName("llm"))
          ? preview === undefined
            ? undefined
            : previewRoute
          : path.includes("/httproutes/")
            ? route
            : pool,
      ),
    list: (path: string) => Promise.resolve(path.includes("/pods") ? [pod] : [pool]),
    apply: (_: string, object: LiveObject) => {
      events.push(`write ${object.metadata.annotations?.[annotations.weights] ?? "nothing"}`);
      return Promise.resolve(object);
    },
  };
  const session = {
    outputs: { kubeconfig: "{}", owner: owner.id },
    engine: {},
    isByKept,
    isSure: () => isSure,
    confirmed: () => {
      events.push("ask");
      return Promise.resolve(isSame);
    },
    observe: () => Promise.resolve({ outcome: "read", observed: world.observed }),
  };
  try {
    const { isBack } = await rollBackFirst(session as unknown as Session, decision.target, undefined, () =>
      Promise.resolve(client as unknown as ClusterPatcher),
    );
    events.push(isBack ? "back" : "not back");
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

const written = 'write {"llm":100}';

describe("the first write of a rollback", () => {
  it("asks nobody where the CLI has given the outputs and the route is the stack's", async () => {
    for (const preview of [undefined, ["llm-new", "llm"]]) {
      const { events } = await goneBack({ isByKept: false, ...(preview === undefined ? {} : { preview }) });
      assert.deepEqual(events, [written, "back"]);
    }
  });

  it("asks nobody by kept outputs where the preview route names the same roles", async () => {
    const { events } = await goneBack({ isByKept: true, preview: ["llm-new", "llm"] });
    assert.deepEqual(events, [written, "back"]);
  });

  for (const [what, preview] of [
    ["is gone: somebody promoted", undefined],
    ["names other roles: they were swapped", ["llm", "llm-new"]],
    ["names another candidate", ["llm-third", "llm"]],
    ["names no stable pool", ["llm-new"]],
    ["names nothing", []],
  ] as const) {
    it(`asks the CLI by kept outputs where the preview route ${what}`, async () => {
      const known = { isByKept: true, ...(preview === undefined ? {} : { preview }) };
      assert.deepEqual((await goneBack(known)).events, ["ask", written, "back"]);
      const { events, error } = await goneBack({ ...known, isSame: false });
      assert.deepEqual(events, ["ask"], "nothing is written by what is out of date");
      assert.ok(error instanceof ReadOtherwise);
    });
  }

  it("asks the CLI where the route's mark does not say enough", async () => {
    const unsure = { isByKept: false, isSure: false };
    assert.deepEqual((await goneBack(unsure)).events, ["ask", written, "back"]);
    const { events, error } = await goneBack({ ...unsure, isSame: false });
    assert.deepEqual(events, ["ask"]);
    assert.ok(error instanceof ReadOtherwise);
  });

  it("never writes a route with another stack's id, whoever is sure", async () => {
    for (const isByKept of [true, false]) {
      const mark = { ...owner, id: "somebody-else" };
      const { events } = await goneBack({ isByKept, preview: ["llm-new", "llm"], mark });
      assert.deepEqual(events, ["not back"]);
    }
  });
});

describe("an owner's stack", () => {
  it("is meant by its name, with the organisation and the project where they are given", () => {
    for (const name of ["dev", "acme/dev", "acme/inference-rollout/dev"])
      assert.ok(isCalled(owner, name), name);
    for (const name of [
      "prod",
      "other/dev",
      "other/inference-rollout/dev",
      "acme/other/dev",
      "acme/prod",
      "",
    ])
      assert.ok(!isCalled(owner, name), name);
  });
});
