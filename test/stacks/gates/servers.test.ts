import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { serversProgress, type ServersTask } from "../../../stacks/gates/servers";

const pool = { name: "llm", namespace: "default" };

type Said = [status: string, reason: string, message: string];

interface PodFacts {
  ready?: boolean;
  says?: Said;
  leaving?: boolean;
  app?: string;
  phase?: string;
}

function pod(name: string, facts: PodFacts): LiveObject {
  const { ready = true, says, leaving = false, app = "llm", phase = "Running" } = facts;
  const conditions = [
    { type: "Ready", status: ready ? "True" : "False" },
    ...(says === undefined
      ? []
      : [{ type: "inference-rollout/adapters", status: says[0], reason: says[1], message: says[2] }]),
  ];
  return {
    metadata: { name, labels: { app }, ...(leaving ? { deletionTimestamp: "now" } : {}) },
    status: { phase, conditions },
  };
}

const look = (task: Partial<ServersTask>, ...pods: LiveObject[]): ReturnType<typeof serversProgress> => {
  const reader: ClusterReader = {
    get: () => Promise.resolve(undefined),
    list: (path) => Promise.resolve(path === "/api/v1/namespaces/default/pods" ? pods : []),
  };
  return serversProgress(reader, { pool, ...task });
};

const loaded = (revision: string): Said => ["True", "Loaded", `revision ${revision}: food-v1`];

describe("a pool's model servers", () => {
  it("are there when as many are ready as are asked for", async () => {
    assert.deepEqual(await look({ replicas: 2 }, pod("a", {}), pod("b", {})), {
      state: "done",
      value: "ready",
    });
    assert.deepEqual(await look({ replicas: 2 }, pod("a", {}), pod("b", { ready: false })), {
      state: "waiting",
      missing: ["1 of 2 model servers of llm are ready"],
    });
    assert.deepEqual(await look({}), {
      state: "waiting",
      missing: ["0 of 1 model servers of llm are ready"],
    });
  });

  it("do not count while they leave, or where they are another pool's", async () => {
    const others = [pod("a", { leaving: true, says: loaded("old") }), pod("b", { app: "other" })];
    assert.deepEqual(await look({ revision: "r2" }, pod("c", { says: loaded("r2") }), ...others), {
      state: "done",
      value: "ready",
    });
  });

  it("do not count once they have ended: an evicted pod stays as an object, with what it said last", async () => {
    const refused: Said = ["False", "Failed", "revision r2: adapter food-v2: no space left on device"];
    const ended = [
      pod("a", { phase: "Failed", ready: false, says: loaded("r1") }),
      pod("b", { phase: "Failed", ready: false, says: refused }),
      pod("c", { phase: "Succeeded", says: loaded("r1") }),
    ];
    assert.deepEqual(await look({ revision: "r2" }, pod("d", { says: loaded("r2") }), ...ended), {
      state: "done",
      value: "ready",
    });
    assert.deepEqual(await look({ replicas: 1 }, ...ended), {
      state: "waiting",
      missing: ["0 of 1 model servers of llm are ready"],
    });
  });

  it("have to have loaded the present list, also those that are ready with an older one", async () => {
    const result = await look(
      { revision: "r2" },
      pod("a", { says: loaded("r2") }),
      pod("b", { says: loaded("r1") }),
    );
    assert.deepEqual(result, {
      state: "waiting",
      missing: ["pool llm, pod b has not loaded the current list of adapters yet"],
    });
    const silent = await look({ revision: "r2" }, pod("a", { says: loaded("r2") }), pod("b", {}));
    assert.ok(silent.state === "waiting", "a ready pod that says nothing is not believed");
  });

  it("may be starting: a pod that begins now reads the present list", async () => {
    const result = await look(
      { revision: "r2" },
      pod("a", { says: loaded("r2") }),
      pod("b", { ready: false }),
    );
    assert.deepEqual(result, { state: "done", value: "ready" });
  });

  it("are told by pool, pod, adapter and the server's own words when they refuse one", async () => {
    const says: Said = ["False", "Failed", "revision r2: adapter food-v2: 404 No adapter found"];
    assert.deepEqual(await look({ revision: "r2" }, pod("a", { says: loaded("r2") }), pod("b", { says })), {
      state: "done",
      value: { failing: ["pool llm, pod b: adapter food-v2: 404 No adapter found"] },
    });
    const stale = await look({ revision: "r3" }, pod("b", { says }));
    assert.ok(stale.state === "waiting", "what an older list said may have been fixed");
  });
});
