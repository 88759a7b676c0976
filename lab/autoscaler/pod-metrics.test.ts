import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../pods/objects";
import { gaugeName, scraped, valueOf } from "./pod-metrics";

const pod = (name: string, labels: Record<string, string>, phase = "Running"): Pod => ({
  metadata: { name, labels },
  spec: { containers: [{ name: "server", ports: [{ name: "http", containerPort: 8000 }] }] },
  status: { phase, podIP: "127.9.0.4" },
});
const monitoring = {
  spec: { selector: { matchLabels: { app: "llm" } }, endpoints: [{ port: "http", path: "/metrics" }] },
};

describe("gauges of pods", () => {
  it("have Cloud Monitoring's names", () => {
    assert.equal(
      gaugeName("prometheus.googleapis.com|vllm:num_requests_waiting|gauge"),
      "vllm:num_requests_waiting",
    );
    for (const name of ["vllm:num_requests_waiting", "prometheus.googleapis.com|x|counter"]) {
      assert.equal(gaugeName(name), undefined);
    }
  });

  it("are there for pods that run and that a PodMonitoring selects", () => {
    const pods = [
      pod("llm-1", { app: "llm" }),
      pod("llm-2", { app: "llm" }, "Pending"),
      pod("x", { app: "x" }),
    ];
    const found = [{ name: "llm-1", url: "http://127.9.0.4:8000/metrics" }];
    assert.deepEqual(scraped(pods, [monitoring]), found);
    assert.deepEqual(scraped(pods, []), []);
    assert.deepEqual(scraped(pods, [{ spec: { ...monitoring.spec, endpoints: [{ port: "other" }] } }]), []);
  });

  it("are the sum of their series, and nothing where there is none", () => {
    const text = '# TYPE a gauge\na{engine="0"} 3\na{engine="1"} 0.5\nab 7\n';
    assert.equal(valueOf(text, "a"), 3.5);
    assert.equal(valueOf(text, "ab"), 7);
    assert.equal(valueOf(text, "b"), undefined);
  });
});
