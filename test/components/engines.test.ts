// First: the schema lists the engines when it is loaded.
import "./made-up-engine";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { before, describe, it } from "node:test";
import type { Registered } from "../rendering";
import { renderService } from "../stacks/rendered-service";
import { engineNamed, engines } from "../../components/engines/catalogue";
import type { ProbeTimes } from "../../components/engines/engine";
import { gke } from "../../components/gateways/gke";
import type { PodSpec } from "../../components/model-server/copied/pod";
import { engineOf, portFlagOf, speaksTls, usedBy } from "../../components/model-server/copied/server";
import { kindOf } from "../../stacks/answers/fault";
import { resolveConfig } from "../../stacks/config/resolve";
import type { Mistake } from "../../stacks/messages/mistakes";
import { servedNames } from "../../stacks/plan/served-names";
import { cloud } from "../stacks/cases";

const root = path.join(__dirname, "..", "..");

const l4 = { accelerator: "nvidia-l4", replicas: 2 };
const withEngine = { model: "acme/model", stable: "llm", server: { engine: "made-up" }, pools: { llm: l4 } };

describe("an engine that is added", () => {
  let resources: Registered[] = [];
  before(async () => {
    const pools = { llm: { ...l4, acceleratorsPerReplica: 2, weights: { from: "disk", claim: "models" } } };
    resources = await renderService({ ...withEngine, pools });
  });

  const template = (name: string): { containers: [Record<string, unknown>] } => {
    const found = resources.find(({ type, name: own }) => type.endsWith(":Deployment") && own === name);
    return (found?.inputs["spec"] as { template: { spec: { containers: [Record<string, unknown>] } } })
      .template.spec;
  };

  it("is started with its own command, flags, environment and port", () => {
    const [container] = template("llm").containers;
    assert.equal(container["name"], "made-up");
    assert.equal(container["image"], "example/made-up:v1.2.3");
    assert.deepEqual(container["command"], ["made-up", "serve"]);
    assert.deepEqual(container["args"], [
      ...["--weights-of", "/weights/acme/model", "--known-as", "acme/model"],
      ...["--listen", "9999", "--chips", "2", "--leave-after", "90"],
    ]);
    assert.ok((container["env"] as { name: string }[]).some(({ name }) => name === "MADE_UP"));
  });

  it("is asked for its health where it answers, by Kubernetes and by the load balancer", () => {
    const [container] = template("llm").containers;
    const times = ["startupProbe", "readinessProbe", "livenessProbe"].map((probe) => {
      const { httpGet, ...rest } = container[probe] as { httpGet: { path: string } };
      assert.equal(httpGet.path, "/ready");
      return rest;
    });
    assert.deepEqual(times, [
      { initialDelaySeconds: 2, periodSeconds: 7, timeoutSeconds: 6, failureThreshold: 386 },
      { periodSeconds: 8, timeoutSeconds: 6, failureThreshold: 4 },
      { periodSeconds: 9, timeoutSeconds: 6, failureThreshold: 7 },
    ]);
    const policy = resources.find(({ inputs }) => inputs["kind"] === "HealthCheckPolicy");
    assert.match(JSON.stringify(policy?.inputs["spec"]), /"port":9999.*"requestPath":"\/ready"/);
    const { default: check } = policy?.inputs["spec"] as { default: Record<string, unknown> };
    assert.deepEqual(
      [check["checkIntervalSec"], check["timeoutSec"], check["unhealthyThreshold"]],
      [8, 6, 4],
    );
  });

  it("is named to its picker", () => {
    const config = resources.find(({ type, name }) => type.endsWith(":ConfigMap") && name === "llm-epp");
    assert.match(JSON.stringify(config?.inputs["data"]), /defaultEngine: made-up-metrics/);
  });

  it("is recognized in pods that were created outside this stack", () => {
    const pod = (args: string[], image = "registry.example.com/server:1"): PodSpec => ({
      containers: [{ name: "server", image, args, resources: { limits: { "nvidia.com/gpu": 4 } } }],
    });
    const own = pod(["made-up", "serve", "--listen=7000", "--chips", "4", "--encrypted"]);
    assert.equal(engineOf(own, {}), "made-up");
    assert.equal(engineOf(pod([], "example/made-up:v2"), {}), "made-up");
    assert.equal(engineOf(pod([]), { "llm-d.ai/engine-type": "made-up" }), "made-up");
    assert.deepEqual([portFlagOf(own), usedBy(own), speaksTls(own)], [7000, 4, true]);
  });

  it("says by its own flag which names it answers to", () => {
    assert.deepEqual(servedNames("made-up", ["--known-as", "a", "b"], "acme/model"), ["a"]);
    assert.deepEqual(servedNames("made-up", ["--served-model-name", "a"], "acme/model"), ["acme/model"]);
  });

  it("words its errors in its own way", () => {
    assert.deepEqual([kindOf(400, "no such weights"), kindOf(400, "no such door")], ["name", "endpoint"]);
  });

  const mistakes = (raw: Record<string, unknown>): Mistake[] => resolveConfig(raw, cloud).mistakes;

  it("is refused for what it does not support, with an engine that does", () => {
    const refused: Record<string, Record<string, unknown>> = {
      "pools.llm.server.engine": { ...withEngine, adapters: [{ name: "food", source: "acme/food" }] },
      "pools.llm.autoscaling": { ...withEngine, pools: { llm: { ...l4, autoscaling: { max: 4 } } } },
      "pools.llm.weights.loader": {
        ...withEngine,
        pools: { llm: { ...l4, weights: { from: "gcs", bucket: "acme-models", loader: "stream" } } },
      },
    };
    for (const [key, raw] of Object.entries(refused)) {
      const found = mistakes(raw).find((mistake) => mistake.key === key);
      assert.match(found?.allowed ?? "", /vLLM/, key);
      assert.doesNotMatch(found?.allowed ?? "", /Made-Up/, key);
    }
    const onTpus = { ...withEngine, pools: { llm: { accelerator: "tpu-v6e-slice", replicas: 1 } } };
    const [tpu] = mistakes(onTpus);
    assert.deepEqual(
      [tpu?.key, tpu?.allowed],
      ["pools.llm.server.engine", "vllm: the only engine that this program supports on TPUs"],
    );
  });

  it("is among those that a wrong name is answered with", () => {
    const [wrong] = mistakes({ ...withEngine, server: { engine: "other" } });
    assert.match(wrong?.allowed ?? "", /one of vllm, sglang, made-up/);
  });
});

describe("the engines", () => {
  it("are named nowhere in the product but in components/engines", () => {
    const words = new RegExp(engines.map(({ name, title }) => `${name}|${title}`).join("|"), "i");
    const naming = ["components", "stacks", "rollout"]
      .flatMap((folder) =>
        fs
          .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
          .map((file) => path.join(folder, file)),
      )
      .filter((file) => file.endsWith(".ts") && !file.startsWith(path.join("components", "engines")))
      // The index exports them, and its example names one.
      .filter((file) => file !== path.join("components", "index.ts"))
      .filter((file) => words.test(fs.readFileSync(path.join(root, file), "utf8")));
    assert.deepEqual(naming, []);
  });

  it("have images with a fixed tag, a name that is a label, and a loader where they load adapters", () => {
    for (const { name, images, adapters } of engines) {
      assert.match(name, /^[a-z][a-z0-9-]*$/);
      for (const { version } of [images.gpu, images.tpu ?? images.gpu])
        assert.match(version, /^v\d+\.\d+\.\d+$/);
      const loader = adapters.supported ? adapters.loader : "adapter-loading.ts";
      assert.ok(fs.existsSync(path.join(root, "components", "adapters", loader)), loader);
    }
    assert.equal(new Set(engines.map(({ name }) => name)).size, engines.length);
  });

  it("are asked for their health in a way that Kubernetes and the load balancer take", () => {
    for (const { name, probes } of engines) {
      const { loadBalancer } = probes;
      // GKE's HealthCheckPolicy: timeoutSec is at most checkIntervalSec.
      if (loadBalancer !== undefined)
        assert.ok(loadBalancer.timeoutSeconds <= loadBalancer.periodSeconds, name);
    }
  });

  it("leave a server that is busy in its pool, and in its load balancer", () => {
    for (const { name, probes } of engines) {
      const { startup, readiness, liveness, loadBalancer } = probes;
      for (const { periodSeconds, timeoutSeconds } of [startup, readiness, liveness])
        assert.ok(periodSeconds >= 1 && timeoutSeconds >= 5, name);
      assert.ok(readiness.failureThreshold >= 3, `${name}: one answer decides`);
      const patience = (probe: ProbeTimes & { failureThreshold: number }): number =>
        probe.failureThreshold * Math.max(probe.periodSeconds, probe.timeoutSeconds);
      assert.ok(patience(liveness) >= 60, `${name}: a restart costs a reload`);
      assert.ok(patience(liveness) >= patience(readiness), `${name}: it is started again while it is in use`);
      if (loadBalancer !== undefined) assert.ok(patience(loadBalancer) >= 15, name);
    }
    const [policy] = gke.poolPolicies({
      ...{ pool: "llm", port: 8000, healthPath: "/health", drainSeconds: 1 },
      ...{ timeoutSeconds: 1, logging: true },
    });
    const { default: check } = policy?.spec as { default: Record<string, number> };
    assert.ok((check["timeoutSec"] ?? 0) * (check["unhealthyThreshold"] ?? 0) >= 15, "the gateway's own");
  });

  it("wait longer than SGLang's /health takes, and restart no server that is only busy", () => {
    const { startup, readiness, liveness, loadBalancer } = engineNamed("sglang").probes;
    // Its handler sleeps 1 s at least, and gives up after 20 s.
    for (const { timeoutSeconds } of [startup, readiness, liveness]) assert.ok(timeoutSeconds > 20);
    assert.ok((loadBalancer?.timeoutSeconds ?? 2) >= 5);
    assert.ok(liveness.failureThreshold * 20 >= 60);
  });
});
