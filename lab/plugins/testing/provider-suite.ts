import type { KubernetesObject } from "@kubernetes/client-node";
import * as assert from "node:assert/strict";
import * as path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { head, LiveObjects, route } from "./kubernetes-programs";
import { Program } from "./program";
import type { TestLab } from "./test-lab";

/** How the pinned provider treats objects, where the program relies on it: only another version can change that. */
export function providerSuite(lab: () => TestLab): void {
  const objects = new LiveObjects(lab);
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

  describe("what the program relies on", { concurrency: 2 }, () => {
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
      await objects.edit(weights("shared", 77), "some-controller");
      await program.set("w", "30");
      const refused = await program.up();
      assert.match(
        refused.output,
        /Apply failed with 1 conflict: conflict with "some-controller" using gateway\.networking\.k8s\.io\/v1: \.spec\.rules/,
      );
      assert.equal(await objects.weightOf("shared"), 77, "the route is untouched");
      program.write(route('config.requireNumber("w")', '{ "pulumi.com/patchForce": "true" }'));
      await program.mustUp();
      assert.equal(await objects.weightOf("shared"), 30);
      // The provider takes what kubectl wrote for its own: only the program's own look at the live route sees it.
      program.write(route('config.requireNumber("w")'));
      await objects.edit(weights("shared", 78), "kubectl-edit");
      await program.set("w", "40");
      await program.mustUp();
      assert.equal(await objects.weightOf("shared"), 40);
      program.write(
        route('config.requireNumber("w")').replace(
          "}, opts).",
          '}, { provider, ignoreChanges: ["spec.rules"] }).',
        ),
      );
      await program.set("w", "50");
      await program.mustUp();
      assert.equal(await objects.weightOf("shared"), 40);
      await program.destroy();
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
      const began = performance.now();
      await program.mustUp();
      assert.ok(performance.now() - began < 60_000, "nothing is waited for");
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
        await objects.edit(
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
