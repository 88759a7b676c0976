import { PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import * as assert from "node:assert/strict";
import * as path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "./program";
import type { TestLab } from "./test-lab";

/** Beginning of the programs below: a provider for the lab's cluster. */
const head = `import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
const config = new pulumi.Config();
const provider = new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
const opts = { provider };
`;

const route = (weight: string, annotations = "{}"): string => `${head}
export const route = new k8s.apiextensions.CustomResource("route", {
  apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute",
  metadata: { name: config.require("name"), namespace: "default", annotations: ${annotations} },
  spec: { rules: [{ backendRefs: [{ name: "a", port: 80, weight: ${weight} }, { name: "b", port: 80, weight: 50 }] }] },
}, opts).metadata.generation;
`;

export function kubernetesSuite(lab: () => TestLab): void {
  const edit = (object: object, manager: string): Promise<unknown> =>
    lab().objects.patch(object, undefined, undefined, manager, undefined, PatchStrategy.MergePatch);
  const weights = (name: string, weight: number): object => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace: "default" },
    spec: {
      rules: [
        {
          backendRefs: [
            { name: "a", port: 80, weight },
            { name: "b", port: 80, weight: 50 },
          ],
        },
      ],
    },
  });
  const dataOf = async (name: string): Promise<unknown> =>
    ((await lab().get("v1", "ConfigMap", name, "default")) as unknown as { data: unknown }).data;
  const weightOf = async (name: string): Promise<unknown> => {
    const found = await lab().get("gateway.networking.k8s.io/v1", "HTTPRoute", name, "default");
    return (found as unknown as { spec: { rules: { backendRefs: { weight: number }[] }[] } }).spec.rules[0]
      ?.backendRefs[0]?.weight;
  };

  describe("what the program relies on", { concurrency: 2 }, () => {
    test("creating what exists is an error, unless the provider upserts", async () => {
      const source = (
        options: string,
      ): string => `${head.replace('process.env["KUBECONFIG"]! }', `process.env["KUBECONFIG"]!${options} }`)}
        new k8s.core.v1.ConfigMap("taken", { metadata: { name: "taken" }, data: { a: "1" } }, opts);`;
      await lab().objects.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "taken", namespace: "default" },
        data: { b: "theirs" },
      });
      const program = await Program.make(lab(), "taken", source(""));
      const { status, output } = await program.up();
      assert.notEqual(status, 0);
      assert.match(output, /configmaps "taken" already exists/);
      assert.match(output, /The resource already exists in the cluster/);
      assert.deepEqual(await dataOf("taken"), { b: "theirs" }, "the object is untouched");
      program.write(source(", upsertExistingObjects: true"));
      await program.mustUp();
      assert.deepEqual(await dataOf("taken"), { a: "1", b: "theirs" });
      await program.destroy();
    });

    test("another address of the API server replaces everything, unless the provider has an identifier", async () => {
      const source = `import * as fs from "node:fs";
        ${head
          .replace(
            'process.env["KUBECONFIG"]! }',
            'fs.readFileSync(process.env["KUBECONFIG"]!, "utf8").replace(/(server"?: "?https:[^"\\s]+?)\\/?("?[,\\s])/, `$1${config.get("end") ?? ""}$2`), clusterIdentifier: config.get("id") }',
          )
          .replace("const config = new pulumi.Config();", "")
          .replace("const provider", "const config = new pulumi.Config();\nconst provider")}
        export const uid = new k8s.core.v1.ConfigMap("kept", { metadata: { name: "kept", namespace: "default" }, data: { a: "1" } }, opts).metadata.uid;`;
      const program = await Program.make(lab(), "identified", source);
      await program.mustUp();
      const before = await program.outputs();
      await program.set("end", "/");
      assert.match((await program.preview()).output, /ConfigMap: \(replace\)/);
      await program.mustRun("config", "rm", "end");
      await program.set("id", "projects/acme/locations/us-central1/clusters/inference");
      assert.doesNotMatch((await program.preview()).output, /replace/);
      await program.mustUp();
      assert.deepEqual(await program.outputs(), before, "to add the identifier replaces nothing");
      await program.set("end", "/");
      assert.doesNotMatch((await program.preview()).output, /replace/);
      await program.mustUp();
      assert.deepEqual(await program.outputs(), before);
      await program.destroy();
    });

    test("fields of another manager conflict, kubectl's are taken over, ignoreChanges leaves them", async () => {
      const program = await Program.make(lab(), "conflict", route('config.requireNumber("w")'), {
        name: "shared",
        w: "10",
      });
      await program.mustUp();
      await program.set("w", "20");
      await program.mustUp();
      await edit(weights("shared", 77), "some-controller");
      await program.set("w", "30");
      const refused = await program.up();
      assert.match(
        refused.output,
        /Apply failed with 1 conflict: conflict with "some-controller" using gateway\.networking\.k8s\.io\/v1: \.spec\.rules/,
      );
      assert.equal(await weightOf("shared"), 77, "the route is untouched");
      program.write(route('config.requireNumber("w")', '{ "pulumi.com/patchForce": "true" }'));
      await program.mustUp();
      assert.equal(await weightOf("shared"), 30);
      // The provider takes what kubectl wrote for its own: only the program's own look at the live route sees it.
      program.write(route('config.requireNumber("w")'));
      await edit(weights("shared", 78), "kubectl-edit");
      await program.set("w", "40");
      await program.mustUp();
      assert.equal(await weightOf("shared"), 40);
      program.write(
        route('config.requireNumber("w")').replace(
          "}, opts).",
          '}, { provider, ignoreChanges: ["spec.rules"] }).',
        ),
      );
      await program.set("w", "50");
      await program.mustUp();
      assert.equal(await weightOf("shared"), 40);
      await program.destroy();
    });

    test("a beforeUpdate hook that throws leaves the object untouched", async () => {
      const source = route('config.requireNumber("w")')
        .replace("}, opts).", "}, { provider, hooks: { beforeUpdate: [guard] } }).")
        .replace(
          "export const route",
          `const guard = new pulumi.ResourceHook("guard", (args) => { if (config.get("closed")) throw new Error("not ready: " + JSON.stringify((args.newInputs as any).spec.rules[0].backendRefs[0].weight)); });\nexport const route`,
        );
      const program = await Program.make(lab(), "hook", source, { name: "guarded", w: "10" });
      await program.mustUp();
      await program.set("closed", "yes");
      await program.set("w", "60");
      const { status, output } = await program.up();
      assert.notEqual(status, 0);
      assert.match(output, /not ready: 60/);
      assert.equal(await weightOf("guarded"), 10);
      await program.mustRun("config", "rm", "closed");
      await program.mustUp();
      assert.equal(await weightOf("guarded"), 60);
      await program.mustRun("destroy", "--yes", "--skip-preview", "--run-program");
    });

    test("what an admission policy says reaches the user", async () => {
      const policy = {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicy",
        metadata: { name: "no-deletes" },
      };
      const binding = { ...policy, kind: "ValidatingAdmissionPolicyBinding" };
      await lab().objects.create({
        ...policy,
        spec: {
          matchConstraints: {
            resourceRules: [
              { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["configmaps"] },
            ],
          },
          validations: [
            {
              expression: "!oldObject.metadata.name.startsWith('guarded')",
              message: "it still gets traffic",
            },
          ],
        },
      } as never);
      await lab().objects.create({
        ...binding,
        spec: { policyName: "no-deletes", validationActions: ["Deny"] },
      } as never);
      const source = `${head} new k8s.core.v1.ConfigMap("guarded", { metadata: { name: "guarded" } }, opts);`;
      const program = await Program.make(lab(), "denied", source);
      await program.mustUp();
      let output = "";
      // A policy takes a few seconds to become active.
      for (let i = 0; i < 10 && !output.includes("traffic"); i++) {
        await program.mustUp();
        output = (await program.run("destroy", "--yes", "--skip-preview")).output;
      }
      assert.match(
        output,
        /ValidatingAdmissionPolicy 'no-deletes' with binding 'no-deletes' denied request: it still gets traffic/,
      );
      assert.notEqual(await lab().get("v1", "ConfigMap", "guarded", "default"), undefined);
      await lab().objects.delete(binding);
      await lab().objects.delete(policy);
      for (let i = 0; i < 10 && (await program.run("destroy", "--yes", "--skip-preview")).status !== 0; i++);
    });

    test("a Deployment whose pods nobody waits for is made at once, and is gone only with its pods", async () => {
      const component = path.join(__dirname, "..", "..", "..", "components", "model-server", "model-server");
      const source = `${head}
        import { madeAtOnce } from ${JSON.stringify(component)};
        const picker = new k8s.core.v1.ConfigMap("picker", { metadata: { name: "lasting-picker" } }, opts);
        new k8s.apps.v1.Deployment("lasting", {
          metadata: { name: "lasting", annotations: madeAtOnce },
          spec: {
            replicas: 2,
            selector: { matchLabels: { app: "lasting" } },
            template: {
              metadata: { labels: { app: "lasting", never: "ready" }, finalizers: ["test/streams"] },
              spec: { containers: [{ name: "server", image: "server" }] },
            },
          },
        }, { provider, dependsOn: [picker] });`;
      const program = await Program.make(lab(), "lasting", source);
      const began = Date.now();
      await program.mustUp();
      assert.ok(Date.now() - began < 60_000, "nothing is waited for");
      const pods = async (): Promise<KubernetesObject[]> =>
        (await lab().list("v1", "Pod", "default")).filter(
          ({ metadata }) => metadata?.labels?.["app"] === "lasting",
        );
      while ((await pods()).length < 2) await sleep(200);
      const destroying = program.destroy();
      let ended = false;
      void destroying.then(
        () => (ended = true),
        () => (ended = true),
      );
      while (!(await pods()).every(({ metadata }) => metadata?.deletionTimestamp !== undefined)) {
        assert.ok(!ended, "it ended before its pods began to");
        await sleep(200);
      }
      await sleep(5000);
      assert.ok(!ended, "it ended before its pods had");
      assert.equal((await pods()).length, 2);
      assert.ok((await lab().get("v1", "ConfigMap", "lasting-picker", "default")) !== undefined);
      for (const { metadata } of await pods()) {
        await edit(
          {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: metadata?.name, namespace: "default", finalizers: null },
          },
          "streams",
        );
      }
      await destroying;
      assert.deepEqual(await pods(), []);
      assert.equal(await lab().get("v1", "ConfigMap", "lasting-picker", "default"), undefined);
    });

    test("no other API server is ever asked", async () => {
      const other = JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "a",
        clusters: [{ name: "a", cluster: { server: "https://127.0.0.1:1" } }],
        contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
        users: [{ name: "a", user: {} }],
      });
      const source = `${head.replace('process.env["KUBECONFIG"]!', `'${other}'`)} new k8s.core.v1.ConfigMap("a", {}, opts);`;
      const program = await Program.make(lab(), "other", source);
      const { status, output } = await program.up();
      assert.notEqual(status, 0);
      assert.match(
        output,
        /connects only to the lab's API server https:\S+, not to https:\/\/127\.0\.0\.1:1/,
      );
    });

    test("existing objects: get, import, patch", async () => {
      const existing = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "theirs", namespace: "default" },
        data: { a: "1" },
      };
      await lab().objects.create(existing);
      const program = await Program.make(
        lab(),
        "existing",
        `${head}
        export const data = k8s.core.v1.ConfigMap.get("got", "default/theirs", opts).data;
        new k8s.core.v1.NamespacePatch("patch", { metadata: { name: "default", labels: { team: config.get("team") ?? "a" } } }, opts);
        new k8s.core.v1.ConfigMap("taken-over", { metadata: { name: "theirs" }, data: { a: "1" } }, { provider, import: "default/theirs", retainOnDelete: true });`,
      );
      await program.mustUp();
      assert.deepEqual((await program.outputs())["data"], { a: "1" });
      const label = async (): Promise<string | undefined> =>
        (
          (await lab().get("v1", "Namespace", "default")) as unknown as {
            metadata: { labels: Record<string, string> };
          }
        ).metadata.labels["team"];
      assert.equal(await label(), "a");
      await program.set("team", "b");
      await program.mustUp();
      assert.equal(await label(), "b");
      assert.match(await program.mustUp(), /unchanged/);
      await program.destroy();
      assert.equal(await label(), undefined);
      assert.notEqual(await lab().get("v1", "ConfigMap", "theirs", "default"), undefined);
    });
  });
}
