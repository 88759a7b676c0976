import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import { head, LiveObjects, route } from "./kubernetes-programs";
import { Program } from "./program";
import type { TestLab } from "./test-lab";

/** What every update stands on: the guard of the lab's API server, hooks, and the cluster's word. */
export function kubernetesSuite(lab: () => TestLab): void {
  const objects = new LiveObjects(lab);

  describe("what every update stands on", { concurrency: 2 }, () => {
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
      assert.deepEqual(await objects.dataOf("taken"), { b: "theirs" }, "the object is untouched");
      program.write(source(", upsertExistingObjects: true"));
      await program.mustUp();
      assert.deepEqual(await objects.dataOf("taken"), { a: "1", b: "theirs" });
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
      assert.equal(await objects.weightOf("guarded"), 10);
      await program.mustRun("config", "rm", "closed");
      await program.mustUp();
      assert.equal(await objects.weightOf("guarded"), 60);
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
  });
}
