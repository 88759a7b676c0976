import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import * as assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadKubeconfig } from "../../cluster/objects";
import { head } from "./kubernetes-suite";
import { Program } from "./program";
import type { TestLab } from "./test-lab";

const pods = (labels: string): string =>
  `selector: { matchLabels: { app: name } }, template: { metadata: { labels: ${labels} }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "i:" + (config.get("image") ?? "1") }] } }`;

export function kubernetesAwaitSuite(lab: () => TestLab): void {
  /** The program of a workload; `never: ready` keeps its pods from getting ready. */
  const workload = (kind: string, spec: string, annotations = "{}"): string => `${head}
    const name = config.require("name");
    const labels = config.get("never") ? { app: name, never: "ready" } : { app: name };
    export const generation = new k8s.${kind}("workload", { metadata: { name, annotations: ${annotations} }, spec: { ${spec}, ${pods("labels")} } }, opts).status;`;

  const setStatus = async (plural: string, name: string, status: object): Promise<void> => {
    const api = loadKubeconfig(lab().lab.controlPlane.kubeconfig).makeApiClient(CustomObjectsApi);
    const target = { group: "gateway.networking.k8s.io", version: "v1", namespace: "default", plural, name };
    await api.patchNamespacedCustomObjectStatus(
      { ...target, body: { status } },
      setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
    );
  };
  const addNode = (): Promise<unknown> =>
    lab().objects.create({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "plain", annotations: { "kwok.x-k8s.io/node": "fake" } },
      spec: { podCIDR: lab().lab.range.nodeCidr(1000) },
      status: {
        allocatable: { cpu: "32", memory: "64Gi", pods: "28" },
        capacity: { cpu: "32", memory: "64Gi", pods: "28" },
      },
    } as never);

  describe("waiting", { concurrency: 2 }, () => {
    before(addNode);
    test("a Deployment is ready when its pods are; a failed wait keeps the state and is taken up again", async () => {
      const source = workload("apps.v1.Deployment", "replicas: config.getNumber('replicas') ?? 2");
      const program = await Program.make(lab(), "deployment", source, { name: "ready" });
      await program.mustUp();
      const first = await program.resource("workload");
      assert.equal((first?.outputs?.["status"] as { readyReplicas: number }).readyReplicas, 2);
      await program.set("image", "2");
      await program.set("replicas", "3");
      await program.mustUp();
      assert.match(await program.mustRun("refresh", "--yes", "--skip-preview"), /3 unchanged/);

      await program.set("never", "1");
      program.write(
        workload(
          "apps.v1.Deployment",
          "progressDeadlineSeconds: 600, replicas: 3",
          '{ "pulumi.com/timeoutSeconds": "4" }',
        ),
      );
      const failed = await program.up();
      assert.notEqual(failed.status, 0);
      assert.match(failed.output, /Waiting for app ReplicaSet to be available \(\d\/\d Pods available\)/);
      assert.match(failed.output, /'ready' timed out waiting to be Ready/);
      assert.match(
        failed.output,
        /Minimum number of Pods to consider the application live was not attained|Attempted to roll forward/,
      );
      const kept = await program.resource("workload");
      assert.ok((kept?.initErrors?.length ?? 0) > 1);
      assert.match(JSON.stringify(kept?.outputs), /"never":"ready"/);
      assert.match((await program.preview()).output, /1 to update/, "the next update tries again");
      await program.mustRun("config", "rm", "never");
      await program.mustUp();
      assert.equal((await program.resource("workload"))?.initErrors, undefined);
      await program.destroy();
      assert.equal(await lab().get("apps/v1", "Deployment", "ready", "default"), undefined);
      const left = await lab().list("v1", "Pod", "default");
      assert.ok(
        !left.some(({ metadata }) => metadata?.labels?.["app"] === "ready"),
        "foreground deletion takes the pods too",
      );
    });

    test("cancelling an update ends its waits soon and keeps their state", async () => {
      const source = workload("apps.v1.Deployment", "replicas: 1");
      const program = await Program.make(lab(), "cancelled", source, { name: "cancelled", never: "1" });
      const engine = program.start("up", "--yes", "--skip-preview");
      let output = "";
      engine.stdout?.on("data", (bytes: Buffer) => (output += bytes.toString()));
      for (let i = 0; i < 150 && !output.includes("Waiting for app ReplicaSet"); i++) await sleep(100);
      const since = Date.now();
      const ended = new Promise((resolve) => engine.once("close", resolve));
      process.kill(engine.pid ?? -1, "SIGINT");
      await ended;
      assert.ok(Date.now() - since < 10_000);
      assert.match(output, /Resource operation was cancelled for "cancelled"/);
      assert.equal((await program.resource("workload"))?.id, "default/cancelled");
      await program.destroy();
    });

    test("StatefulSet, DaemonSet and a Job that fails", async () => {
      const source = `${workload("apps.v1.StatefulSet", 'serviceName: "s", replicas: 2')}
        const app = "daemon"; const alone = { matchLabels: { app } };
        const template = { metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "i" }] } };
        new k8s.apps.v1.DaemonSet("daemon", { spec: { selector: alone, template } }, opts);
        if (config.get("job")) new k8s.batch.v1.Job("job", { spec: { activeDeadlineSeconds: 1, template: { spec: { ...template.spec, restartPolicy: "Never" } } } }, opts);`;
      const program = await Program.make(lab(), "workloads", source, { name: "stateful" });
      await program.mustUp();
      assert.match(await program.mustUp(), /4 unchanged/);
      await program.set("job", "1");
      const failed = await program.up();
      assert.match(failed.output, /\[DeadlineExceeded\] Job was active longer than specified deadline/);
      await program.mustRun("config", "rm", "job");
      await program.mustUp();
      await program.destroy();
    });

    test("pulumi.com/waitFor: a condition, and queries at the current generation", async () => {
      const query = `const at = (t: string) => \`jsonpath={.status.parents[?@.parentRef.name=="g"].conditions[?@.type=="\${t}" && @.observedGeneration==$.metadata.generation].status}=True\`;`;
      const source = (annotation: string): string => `${head}${query}
        new k8s.apiextensions.CustomResource("route", { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute",
          metadata: { name: "awaited", annotations: { "pulumi.com/waitFor": ${annotation} } },
          spec: { hostnames: [config.require("host")] } }, { provider, customTimeouts: { create: "5s", update: "5s" } });`;
      const both = 'JSON.stringify(["Accepted", "Programmed"].map(at))';
      const program = await Program.make(lab(), "wait-for", source(both), { host: "a.example" });
      const failed = await program.up();
      assert.match(failed.output, /timed out waiting for the condition/);
      const parents = (observedGeneration: number): object => ({
        parents: [
          {
            parentRef: { name: "g" },
            controllerName: "lab.example/c",
            conditions: ["Accepted", "Programmed"].map((type) => ({
              ...{ type, status: "True", reason: type, message: "", observedGeneration },
              lastTransitionTime: new Date().toISOString(),
            })),
          },
        ],
      });
      await setStatus("httproutes", "awaited", parents(1));
      await program.mustUp();
      await program.set("host", "b.example");
      assert.match(
        (await program.up()).output,
        /timed out waiting for the condition/,
        "a status of the last generation does not count",
      );
      await setStatus("httproutes", "awaited", parents(2));
      await program.mustUp();
      program.write(source('"condition=Ready"'));
      assert.match((await program.up()).output, /timed out waiting for the condition/);
      program.write(source('"jsonpath={.spec.hostnames[0]}=c.example"'));
      await program.set("host", "c.example");
      await program.mustUp();
      program.write(source('"jsonpath=.spec"'));
      assert.match((await program.up()).output, /\.spec should be wrapped in brackets \{ \.\.\. \}/);
      await program.destroy();
    });

    test("a deletion waits for finalizers, tells of them, and is taken up again", async () => {
      const program = await Program.make(
        lab(),
        "finalizer",
        `${head} new k8s.core.v1.ConfigMap("held", { metadata: { name: "held", finalizers: ["lab.example/held"] } }, { provider, customTimeouts: { delete: "3s" } });`,
      );
      await program.mustUp();
      const failed = await program.run("destroy", "--yes", "--skip-preview");
      assert.notEqual(failed.status, 0);
      assert.match(failed.output, /finalizers might be preventing deletion \(lab\.example\/held\)/);
      assert.match(failed.output, /timed out waiting for the condition/);
      assert.notEqual(await program.resource("held"), undefined);
      const held = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "held", namespace: "default", finalizers: null },
      };
      await lab().objects.patch(
        held as never,
        undefined,
        undefined,
        "test",
        undefined,
        PatchStrategy.MergePatch,
      );
      await program.destroy();
    });

    test("a missing definition is tried again and then told", async () => {
      const program = await Program.make(
        lab(),
        "missing",
        `${head} new k8s.apiextensions.CustomResource("thing", { apiVersion: "none.example/v1", kind: "Thing" }, opts);`,
      );
      const since = Date.now();
      const { output } = await program.up();
      assert.ok(Date.now() - since > 30_000);
      assert.match(
        output,
        /Verify that any required CRDs have been created: no matches for kind "Thing" in version "none\.example\/v1"/,
      );
    });
  });
}
