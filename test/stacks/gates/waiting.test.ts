import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { passReadiness } from "../../../stacks/gates/gate";
import { watchPods } from "../../../stacks/gates/pod-watch";
import { until, type Progress } from "../../../stacks/gates/wait";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "../../../stacks/state/cluster-reader";
import { nothingDeployed } from "../../../stacks/plan/model";
import { planFor, serviceConfig } from "../cases";

/* What is printed while an update waits for pods: why, and each reason once. */

const exhausted =
  "Node scale up in zones us-central1-a associated with this pod failed: GCE out of resources.";

/** A cluster whose pool llm has one ready pod and five that wait for nodes. */
function cluster({ forbidden = false } = {}): { reader: ClusterReader; eventLists: () => number } {
  let eventLists = 0;
  const labels = { app: "llm" };
  const pods: LiveObject[] = Array.from({ length: 6 }, (_, i) => ({
    metadata: { name: `llm-${i}`, labels },
    spec: i === 0 ? { nodeName: "node-0" } : {},
    status: { conditions: [{ type: "Ready", status: i === 0 ? "True" : "False" }] },
  }));
  const deployment: LiveObject = {
    metadata: { name: "llm", generation: 1 },
    spec: { replicas: 6, template: { metadata: { labels } } },
    status: { observedGeneration: 1, readyReplicas: 1, updatedReplicas: 6 },
  };
  const events = pods.map(({ metadata: { name } }) => ({
    metadata: { name: `${name}.1` },
    ...{ involvedObject: { kind: "Pod", name }, reason: "FailedScaleUp", message: exhausted },
  }));
  return {
    eventLists: () => eventLists,
    reader: {
      get: (url) =>
        Promise.resolve(
          url.endsWith("/inferencepools/llm")
            ? { metadata: { name: "llm" }, spec: { selector: { matchLabels: labels } } }
            : undefined,
        ),
      list: (url) => {
        if (url.includes("/events?")) {
          eventLists++;
          if (forbidden) return Promise.reject(new ClusterUnreadable("forbidden", "events is forbidden"));
          return Promise.resolve(events);
        }
        return Promise.resolve(
          url.endsWith("/pods") ? pods : url.endsWith("/deployments") ? [deployment] : [],
        );
      },
    },
  };
}

const rising = { pool: "llm", namespace: "default", share: 100, needs: 6 };

describe("a gate that waits for pods", () => {
  it("says that nodes are missing, and why; a message that stays the same is printed once", async () => {
    const { reader, eventLists } = cluster();
    const told: string[] = [];
    const report = (text: string): number => told.push(text);
    const options = { timeoutSeconds: 0.3, everyMs: 5, report };
    const error = await passReadiness(reader, rising, options, { waive: "x", nodes: 6 }).catch(
      (thrown: unknown) => thrown as Error,
    );
    const line = `llm: waiting for 5 of 6 nodes: GCE_STOCKOUT: ${exhausted}`;
    assert.equal(told.length, 1);
    assert.ok(told[0]?.startsWith(`1 of 6 model servers of llm are ready; ${line} (to move`), told[0]);
    assert.ok((error?.message ?? "").includes(`  - ${line}\n`), error?.message);
    assert.equal(eventLists(), 1, "whoever asks often reads seldom");
  });

  it("goes on without the reason where nobody may read events", async () => {
    const { reader } = cluster({ forbidden: true });
    const error = await passReadiness(reader, rising, { timeoutSeconds: 0 }, { waive: "x" }).catch(
      (thrown: unknown) => thrown as Error,
    );
    assert.match(error?.message ?? "", /1 of 6 model servers of llm are ready\n/);
  });
});

describe("a wait", () => {
  it("reports what changes at once, and what stays the same ever more seldom", async (context) => {
    let time = 0;
    context.mock.method(performance, "now", () => time);
    const told: string[] = [];
    let asked = 0;
    const check = (): Promise<Progress<true>> => {
      asked++;
      // Each look is ten seconds later.
      time += 10_000;
      const missing = [asked <= 2 ? "1 of 2" : "2 of 2"];
      return Promise.resolve(asked > 60 ? { state: "done", value: true } : { state: "waiting", missing });
    };
    await until(check, { timeoutSeconds: 3600, everyMs: 0, report: (text) => told.push(text) });
    assert.deepEqual(told, [
      "1 of 2",
      "2 of 2",
      "2 of 2 (for 1 min)",
      "2 of 2 (for 2 min)",
      "2 of 2 (for 4 min)",
      "2 of 2 (for 8 min)",
    ]);
  });
});

describe("an update that Pulumi's provider waits in", () => {
  const { pools } = planFor(serviceConfig(), nothingDeployed);
  const watch = async (reader: ClusterReader, ms: number): Promise<string[]> => {
    const told: string[] = [];
    const end = new AbortController();
    const report = (text: string): number => told.push(text);
    const given = { plan: { pools }, report, signal: end.signal, everyMs: 5 };
    const done = watchPods({ ...given, reader: () => Promise.resolve(reader) });
    await new Promise((resolve) => setTimeout(resolve, ms));
    end.abort();
    await done;
    return told;
  };

  it("says once what its pods wait for", async () => {
    assert.deepEqual(await watch(cluster().reader, 200), [
      `llm: waiting for 5 of 6 nodes: GCE_STOCKOUT: ${exhausted}`,
    ]);
  });

  it("is not disturbed by a cluster that does not answer", async () => {
    const away = (): Promise<never> => Promise.reject(new Error("away"));
    assert.deepEqual(await watch({ get: away, list: away }, 50), []);
  });
});
