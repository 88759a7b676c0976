import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { untouched } from "../../../stacks/gates/untouched";
import { annotations, labels, managedBy } from "../../../components/names";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { knownOf, observedRoute } from "../../../stacks/state/observe";
import { nothingDeployed } from "../../../stacks/plan/model";
import { serviceConfig } from "../cases";

/* The last look at the customers' route before it is written. */

const config = serviceConfig({
  model: "Qwen/Qwen3-8B",
  ...{ stable: "llm", candidate: "llm-new", weight: 60 },
  pools: {
    llm: { accelerator: "nvidia-l4", replicas: 2 },
    "llm-new": { accelerator: "nvidia-l4", replicas: 2 },
  },
});

const latched = JSON.stringify([
  { candidate: "llm-new", from: 30, reason: "worse answers", time: "2026-11-26T18:00:00Z" },
]);

interface Change {
  weight?: number;
  generation?: number;
  notes?: Readonly<Record<string, string>>;
  status?: object;
}

const route = ({ weight = 30, generation = 4, notes = {}, status = {} }: Change = {}): LiveObject => ({
  metadata: {
    name: "routes-to-llm",
    namespace: "default",
    generation,
    labels: { [labels.managedBy]: managedBy, [labels.service]: "llm" },
    annotations: {
      [annotations.weights]: '{"llm":70,"llm-new":30}',
      [annotations.moves]: "7",
      ...notes,
    },
  },
  spec: {
    rules: [
      {
        backendRefs: [
          ["llm", 100 - weight],
          ["llm-new", weight],
        ].map(([name, share]) => ({
          ...{ group: "inference.networking.k8s.io", kind: "InferencePool" },
          ...{ name, weight: share },
        })),
      },
    ],
  },
  status,
});

/** @param now the route when it is about to be written; undefined: it is gone. */
function lookAgain(now: LiveObject | undefined): Promise<void> {
  const planned = observedRoute(
    route(),
    { name: "my-inference-gateway", namespace: "default" },
    knownOf(config, undefined),
  );
  return untouched({
    config,
    observed: { ...nothingDeployed, route: planned },
    reader: () => Promise.resolve({ get: () => Promise.resolve(now), list: () => Promise.resolve([]) }),
  });
}

describe("a route that this stack created, just before it is written", () => {
  it("is written where it is as it was, whatever the gateway says of it by now", async () => {
    await lookAgain(route());
    await lookAgain(route({ status: { parents: [{}] } }));
    await lookAgain(undefined);
  });

  it("is not written where somebody went back meanwhile, also from no traffic at all", async () => {
    const said =
      /^Error: llm-new was rolled back at 2026-11-26T18:00:00Z \(worse answers\) while this update ran: HTTPRoute default\/routes-to-llm stays as it is. Record it: npm run rollout -- rollback$/;
    const back = { [annotations.latched]: latched, [annotations.moves]: "8" };
    const moved = { ...back, [annotations.weights]: '{"llm":100}' };
    await assert.rejects(lookAgain(route({ weight: 0, generation: 5, notes: moved })), said);
    await assert.rejects(lookAgain(route({ notes: back })), said);
  });

  it("is not written where somebody edited it, or another update moved it", async () => {
    const said = /was edited while this update ran: nothing was overwritten. Run pulumi up again/;
    await assert.rejects(lookAgain(route({ weight: 50, generation: 5 })), said);
    await assert.rejects(lookAgain(route({ generation: 5 })), said);
    await assert.rejects(lookAgain(route({ notes: { [annotations.moves]: "8" } })), said);
  });
});
