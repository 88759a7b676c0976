import assert from "node:assert/strict";
import * as path from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesObject } from "@kubernetes/client-node";
import { Program } from "../../../lab/plugins/testing/program";
import type { TestLab } from "../../../lab/plugins/testing/test-lab";

/* The policy that keeps an owner's edit of the customers' route, in the API server's own hands. */

const component = path.join(__dirname, "..", "..", "..", "components", "route", "shape-guard");

const source = `import * as k8s from "@pulumi/kubernetes";
import { ShapeGuard } from ${JSON.stringify(component)};
const provider = new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
new ShapeGuard("shop", { service: "shop", namespace: "default", route: "chat" }, { provider });
`;

const writtenFrom = "inference-rollout/written-from";
const pulumi = "pulumi-kubernetes-1234abcd";

interface Write {
  name?: string;
  timeout: string;
  from?: number;
}

const route = ({ name = "chat", timeout, from }: Write): KubernetesObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: {
    namespace: "default",
    name,
    ...(from === undefined ? {} : { annotations: { [writtenFrom]: String(from) } }),
  },
  ...{
    spec: {
      parentRefs: [{ name: "gw" }],
      rules: [
        {
          timeouts: { request: timeout },
          backendRefs: [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm" }],
        },
      ],
    },
  },
});

export function shapeGuardSuite(started: () => TestLab): void {
  describe("an owner's edit of the customers' route", () => {
    let lab: TestLab;
    before(async () => {
      lab = started();
      for (const name of ["chat", "other-chat"]) await lab.objects.create(route({ name, timeout: "60s" }));
      const program = await Program.make(lab, "shape-guard", source, {});
      await program.mustUp();
    });

    /** @returns what the API server said where it refused. */
    const apply = (write: Write, manager: string, dryRun = true): Promise<string | undefined> =>
      lab.apply(route(write), manager, dryRun);

    async function generation(): Promise<number> {
      const live = await lab.get("gateway.networking.k8s.io/v1", "HTTPRoute", "chat", "default");
      const { metadata } = (live ?? {}) as { metadata?: { generation?: number } };
      return metadata?.generation ?? 0;
    }

    it("is not overwritten by a write that was made from what was there before", async () => {
      const read = await generation();
      assert.equal(
        await apply({ timeout: "90s" }, "kubectl-edit", false),
        undefined,
        "its owner may edit it",
      );
      const edited = await generation();
      assert.equal(edited, read + 1);
      // A policy takes some seconds to become active.
      let said: string | undefined;
      for (let tried = 0; said === undefined && tried < 60; tried++) {
        said = await apply({ timeout: "61s", from: read }, pulumi);
        await sleep(500);
      }
      assert.match(said ?? "it was taken", /default\/chat was edited while this update ran/);
    });

    it("lets pass what is made from what is there, what changes no spec, and everybody else", async () => {
      const now = await generation();
      assert.equal(await apply({ timeout: "61s", from: now }, pulumi), undefined);
      assert.equal(await apply({ timeout: "90s", from: 1 }, pulumi), undefined);
      assert.equal(await apply({ timeout: "62s" }, "helm"), undefined);
      assert.equal(await apply({ name: "other-chat", timeout: "62s" }, pulumi), undefined);
    });

    it("is the owner's with a Pulumi program of their own, too; who has written before is known by that", async () => {
      const before = await generation();
      assert.equal(await apply({ timeout: "91s", from: before }, pulumi, false), undefined);
      const ours = await generation();
      assert.equal(await apply({ timeout: "92s" }, "pulumi-kubernetes-5678efab", false), undefined);
      assert.equal(await generation(), ours + 1);
      // Nothing new in it but the stale spec: as where only a label of the program's changes.
      assert.match((await apply({ timeout: "91s", from: before }, pulumi)) ?? "it was taken", /was edited/);
      assert.match((await apply({ timeout: "61s", from: ours }, pulumi)) ?? "it was taken", /was edited/);
      // A program that has lost its state writes under a new name.
      for (const manager of [pulumi, "pulumi-kubernetes-9abcdef0"])
        assert.match(
          (await apply({ timeout: "61s", from: before }, manager)) ?? "it was taken",
          /was edited/,
        );
    });
  });
}
