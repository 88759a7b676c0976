import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { Program } from "../../lab/plugins/testing/program";
import { TestLab } from "../../lab/plugins/testing/test-lab";

const components = path.join(__dirname, "..", "..", "components", "route", "inference-route");

/** A program that renders the customers' route and nothing else; its arguments are the stack's config. */
const source = `import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { InferenceRoute } from ${JSON.stringify(components)};
const config = new pulumi.Config();
const provider = new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
new InferenceRoute("llm", {
  service: "llm",
  route: config.get("route") ?? "routes-to-llm",
  namespace: "default",
  gateway: { name: "my-inference-gateway", namespace: "default" },
  backends: config.requireObject("backends"),
  annotations: config.getBoolean("force") ? { "pulumi.com/patchForce": "true" } : {},
  takeOver: config.getBoolean("takeOver") ?? false,
}, { provider });
`;

const backends = (weights: Readonly<Record<string, number>>): string =>
  JSON.stringify(Object.entries(weights).map(([pool, weight]) => ({ pool, namespace: "default", weight })));

interface Route {
  metadata: { uid: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { rules: { backendRefs: { name: string; weight: number }[] }[] };
}

describe("taking over a route of somebody else, with the real engine", () => {
  let lab: TestLab | undefined;
  before(async () => {
    lab = await TestLab.start();
  });
  after(async () => lab?.stop());

  it("imports it, changes nothing for customers, and moves its weights afterwards", async () => {
    assert.ok(lab !== undefined);
    const started = lab;
    const object = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "routes-to-llm", namespace: "default" },
      spec: {
        parentRefs: [{ name: "my-inference-gateway" }],
        rules: [
          { backendRefs: [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm" }] },
        ],
      },
    };
    await started.objects.create(object, undefined, undefined, "helm");
    const live = async (): Promise<Route> => {
      const found = await started.get(object.apiVersion, object.kind, "routes-to-llm", "default");
      return found as unknown as Route;
    };
    const weights = async (): Promise<Record<string, number>> => {
      const refs = (await live()).spec.rules[0]?.backendRefs ?? [];
      return Object.fromEntries(refs.map(({ name, weight }) => [name, weight]));
    };
    const { uid } = (await live()).metadata;
    const program = await Program.make(started, "takeover", source, { backends: backends({ llm: 100 }) });

    const created = await program.up();
    assert.notEqual(created.status, 0);
    assert.match(created.output, /httproutes\S* "routes-to-llm" already exists/);

    // Imported, but not forced: who wrote the rules before still owns them.
    await program.set("takeOver", "true");
    const conflict = await program.up();
    assert.notEqual(conflict.status, 0);
    assert.match(conflict.output, /conflict with "helm".*\.spec\.rules/);
    assert.deepEqual(await weights(), { llm: 1 });

    await program.set("force", "true");
    await program.mustUp();
    assert.deepEqual(await weights(), { llm: 100 });
    assert.equal((await live()).metadata.labels?.["inference-rollout/service"], "llm");

    await program.mustRun("config", "rm", "force");
    await program.mustRun("config", "rm", "takeOver");
    assert.match(await program.mustUp(), /1 updated/);
    assert.match(await program.mustUp(), /unchanged/);
    await program.set("backends", backends({ llm: 90, "llm-new": 10 }));
    await program.mustUp();
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
    assert.equal((await live()).metadata.uid, uid, "it is the same route, never deleted and made anew");
    await program.destroy();
    assert.equal(await started.get(object.apiVersion, object.kind, "routes-to-llm", "default"), undefined);
  });

  it("does it in one update, and shows it in the preview", async () => {
    assert.ok(lab !== undefined);
    const spec = {
      parentRefs: [{ name: "my-inference-gateway" }],
      rules: [
        {
          backendRefs: [
            { group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm", weight: 100 },
          ],
        },
      ],
    };
    const object = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "routes-to-llm", namespace: "default" },
      spec,
    };
    await lab.objects.create(object, undefined, undefined, "helm");
    const program = await Program.make(lab, "takeover-at-once", source, {
      backends: backends({ llm: 100 }),
      takeOver: "true",
      force: "true",
    });
    const preview = await program.preview();
    assert.equal(preview.status, 0, preview.output);
    assert.match(preview.output, /1 to import/);
    const output = await program.mustUp();
    assert.match(output, /1 imported/);
    await program.destroy();
  });
});
