import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import type { KubernetesObject, V1Node } from "@kubernetes/client-node";
import { Program } from "./program";
import type { TestLab } from "./test-lab";

const cloud = `import * as container from "@pulumi/gcp/container";
import * as compute from "@pulumi/gcp/compute";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
const config = new pulumi.Config();
`;
const cluster = (name: string, more = ""): string =>
  `const cluster = new container.Cluster("cluster", { name: "${name}", location: "us-central1", nodeLocations: ["us-central1-a"], removeDefaultNodePool: true, initialNodeCount: 1, deletionProtection: false, ${more} });`;
const kubeconfig = `const kubeconfig = pulumi.all([cluster.name, cluster.endpoint, cluster.masterAuth]).apply(([name, endpoint, auth]) => JSON.stringify({
  apiVersion: "v1", kind: "Config", "current-context": name,
  clusters: [{ name, cluster: { server: "https://" + endpoint, "certificate-authority-data": auth.clusterCaCertificate } }],
  contexts: [{ name, context: { cluster: name, user: name } }],
  users: [{ name, user: { exec: { apiVersion: "client.authentication.k8s.io/v1beta1", command: "gke-gcloud-auth-plugin", provideClusterInfo: true } } }] }));
`;

export function gcpSuite(lab: () => TestLab): void {
  const nodes = async (pool: string): Promise<V1Node[]> => await lab().nodesOf(pool);
  const names = (list: readonly KubernetesObject[]): string[] =>
    list.map(({ metadata }) => metadata?.name ?? "").sort();

  describe("clusters and node pools", { concurrency: 2 }, () => {
    test("a pool becomes nodes that the scheduler knows; it scales, and goes", async () => {
      const program = await Program.make(
        lab(),
        "pools",
        `${cloud}${cluster("pools")}${kubeconfig}
        const system = new container.NodePool("system", { name: "system", cluster: cluster.id, nodeCount: 1, nodeConfig: { machineType: "e2-standard-4" } });
        const gpus = config.get("gone") ? undefined : new container.NodePool("gpus", { name: "gpus", cluster: cluster.id, nodeCount: config.getNumber("count") ?? 2,
          nodeConfig: { machineType: "g2-standard-24", spot: config.getBoolean("spot") ?? false, labels: { tier: config.get("tier") ?? "a" }, taints: [{ key: "k", value: "v", effect: "NO_SCHEDULE" }],
            guestAccelerators: [{ type: "nvidia-l4", count: 2, gpuDriverInstallationConfig: { gpuDriverVersion: "LATEST" } }] } }, { dependsOn: [system] });
        const provider = new k8s.Provider("cluster", { kubeconfig });
        const space = new k8s.core.v1.Namespace("space", {}, { provider });
        new k8s.apps.v1.Deployment("server", { metadata: { namespace: space.metadata.name }, spec: { replicas: config.getNumber("replicas") ?? 2, selector: { matchLabels: { app: "server" } }, template: {
          metadata: { labels: { app: "server" } }, spec: { terminationGracePeriodSeconds: 1, nodeSelector: { "cloud.google.com/gke-accelerator": "nvidia-l4" },
            tolerations: [{ operator: "Exists" }], containers: [{ name: "c", image: "i", resources: { limits: { "nvidia.com/gpu": "2" } } }] } } } },
          { provider, dependsOn: gpus === undefined ? [] : [gpus], customTimeouts: { create: "30s", update: "6s" } });
        export const endpoint = cluster.endpoint;
        export const found = pulumi.output(container.getClusterOutput({ name: cluster.name, location: "us-central1" })).endpoint;`,
        { "gcp:project": "acme" },
      );
      assert.match((await program.preview()).output, /endpoint\s*: \[unknown\]/);
      await program.mustUp();
      const { host } = new URL(lab().lab.controlPlane.server);
      assert.deepEqual(await program.outputs(), { endpoint: host, found: host });
      const [gpu, ...others] = await nodes("gpus");
      assert.equal(others.length, 1);
      assert.equal(gpu?.status?.allocatable?.["nvidia.com/gpu"], "2");
      assert.equal(gpu.metadata?.labels?.["cloud.google.com/gke-accelerator"], "nvidia-l4");
      assert.equal(gpu.metadata.labels["topology.kubernetes.io/zone"], "us-central1-a");
      const taints = (gpu.spec?.taints ?? [])
        .map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`)
        .sort();
      assert.deepEqual(taints, ["k=v:NoSchedule", "nvidia.com/gpu=present:NoSchedule"]);
      assert.match(gpu.spec?.podCIDR ?? "", /^127\.\d+\.128\.\d+\/27$/);
      assert.match(await program.mustUp(), /7 unchanged/);
      assert.match(await program.mustRun("refresh", "--yes", "--skip-preview"), /7 unchanged/);

      await program.set("replicas", "3");
      assert.match(
        (await program.up()).output,
        /timed out waiting to be Ready/,
        "no third GPU node, no third pod",
      );
      await program.set("count", "3");
      await program.set("tier", "b");
      await program.mustUp();
      assert.ok((await nodes("gpus")).every(({ metadata }) => metadata?.labels?.["tier"] === "b"));
      await program.set("replicas", "1");
      await program.set("count", "1");
      await program.mustUp();
      assert.equal((await nodes("gpus")).length, 1);

      await program.set("spot", "true");
      const before = names(await nodes("gpus"));
      assert.match(
        await program.mustUp(),
        /NodePool gpus deleted original[\s\S]*NodePool gpus created replacement/,
      );
      const replaced = await nodes("gpus");
      assert.equal(replaced[0]?.metadata?.labels?.["cloud.google.com/gke-spot"], "true");
      assert.notDeepEqual(names(replaced), before);
      await program.set("gone", "yes");
      await program.set("replicas", "0");
      await program.mustUp();
      assert.deepEqual(await nodes("gpus"), []);
      await program.destroy();
      assert.deepEqual(await nodes("system"), []);
    });

    test("what GKE refuses is refused, before and at the creation", async () => {
      const pool = (name: string, more: string): string =>
        `new container.NodePool("${name}", { name: "${name}", cluster: cluster.id, ${more} });`;
      const gpu = (name: string, machineType: string, count = 1, driver = "LATEST"): string =>
        pool(
          name,
          `nodeCount: 1, nodeConfig: { machineType: "${machineType}", guestAccelerators: [{ type: "nvidia-l4", count: ${count}, gpuDriverInstallationConfig: { gpuDriverVersion: "${driver}" } }] }`,
        );
      const source = (...pools: string[]): string => `${cloud}${cluster("refusals")} ${pools.join("\n")}`;
      const program = await Program.make(
        lab(),
        "refusals",
        source(gpu("driver", "g2-standard-8", 1, "NEWEST")),
        {
          "gcp:project": "acme",
        },
      );
      assert.match(
        (await program.preview()).output,
        /expected \S+gpu_driver_version to be one of \[.*\], got NEWEST/,
      );
      const longName = "a-name-that-is-longer-than-forty-characters";
      const cases: readonly [string, RegExp][] = [
        [
          gpu("dies", "g2-standard-8", 2),
          /Error 400: The number of GPU dies you requested \(2\) is not valid.*badRequest/,
        ],
        [
          gpu("family", "e2-standard-8"),
          /Error 400: Accelerator type "nvidia-l4" is not available on machine type "e2-standard-8"/,
        ],
        [gpu("type", "g2-standard-9"), /Error 400: Machine type with name "g2-standard-9" does not exist/],
        [
          pool("zone", 'nodeCount: 1, nodeLocations: ["europe-west4-a"]'),
          /"europe-west4-a" is not a zone of region "us-central1"/,
        ],
        [
          pool(
            "topology",
            'nodeCount: 1, placementPolicy: { type: "COMPACT", tpuTopology: "4x4" }, nodeConfig: { machineType: "ct5lp-hightpu-8t" }',
          ),
          /TPU topology "4x4" is not valid for machine type "ct5lp-hightpu-8t"/,
        ],
        [
          pool("counts", "nodeCount: 1, autoscaling: { minNodeCount: 1, maxNodeCount: 2 }"),
          /node_count cannot be used together with autoscaling/,
        ],
        [gpu(longName, "g2-standard-8"), /Invalid value for field "node_pool\.name"/],
      ];
      program.write(source(...cases.map(([one]) => one)));
      const { output } = await program.up("--continue-on-error");
      for (const [, expected] of cases) assert.match(output, expected);
      const kept = (await program.state()).filter(({ type }) => type === "gcp:container/nodePool:NodePool");
      assert.deepEqual(kept, [], "nothing is kept of what was refused");
      await program.mustRun("config", "rm", "gcp:project");
      const noProject = await program.up();
      assert.match(noProject.output, /unable to detect a global setting for GCP Project/);
      await program.set("gcp:project", "acme");
      await program.destroy();
    });

    test("machines that do not come: stockout, timeout, and the next update", async () => {
      const faults = (nodePools: Record<string, string>): void =>
        fs.writeFileSync(path.join(lab().folder, "faults.json"), JSON.stringify({ nodePools }));
      const program = await Program.make(
        lab(),
        "faults",
        `${cloud}${cluster("faults")}
        const pool = (name: string) => new container.NodePool(name, { name, cluster: cluster.id, nodeCount: 1, nodeConfig: { machineType: "e2-standard-2" } }, { customTimeouts: { create: "3s" } });
        pool("scarce"); pool("slow");`,
        { "gcp:project": "acme" },
      );
      faults({ scarce: "stockout", slow: "never" });
      const failed = await program.up("--continue-on-error");
      assert.match(failed.output, /GCE_STOCKOUT/);
      assert.match(
        failed.output,
        /timeout while waiting for state to become 'DONE' \(last state: 'RUNNING', timeout: 0m3s\)/,
      );
      assert.match(
        (await program.resource("scarce"))?.id ?? "",
        /nodePools\/scarce$/,
        "the pool is there, its nodes are not",
      );
      faults({});
      await program.mustUp();
      assert.equal((await nodes("scarce")).length, 1);
      assert.equal((await nodes("slow")).length, 1);
      await program.destroy();
    });

    test("a deletion drains first; autoscaling pools start at their minimum; TPU slices", async () => {
      const program = await Program.make(
        lab(),
        "slices",
        `${cloud}${cluster("slices")}
        new container.NodePool("scaled", { name: "scaled", cluster: cluster.id, autoscaling: { totalMinNodeCount: 1, totalMaxNodeCount: 5 }, nodeConfig: { machineType: "g2-standard-8" } });
        new container.NodePool("slice", { name: "slice", cluster: cluster.id, nodeCount: 4, placementPolicy: { type: "COMPACT", tpuTopology: "4x4" }, nodeConfig: { machineType: "ct6e-standard-4t" } });
        new compute.ResourcePolicy("policy", { region: "us-central1", workloadPolicy: { type: "HIGH_THROUGHPUT" } });
        new compute.Disk("disk", { zone: "us-central1-a", size: 10 });
        export const zones = compute.getZonesOutput({ region: "us-central1" }).names;`,
        { "gcp:project": "acme" },
      );
      const printed = await program.mustUp();
      assert.match(printed, /the lab has no stand-in for gcp:compute\/disk:Disk/);
      assert.deepEqual(
        (await program.outputs())["zones"],
        ["a", "b", "c", "f"].map((letter) => `us-central1-${letter}`),
      );
      const slice = await nodes("slice");
      assert.equal(slice.length, 4);
      assert.equal(slice[0]?.metadata?.labels?.["cloud.google.com/gke-tpu-topology"], "4x4");
      assert.equal(slice[0].status?.allocatable?.["google.com/tpu"], "4");
      const [scaled, ...more] = await nodes("scaled");
      assert.equal(more.length, 0);
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "lonely", namespace: "default" } };
      const spec = {
        nodeName: scaled?.metadata?.name,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "c", image: "i" }],
      };
      await lab().objects.create({ ...pod, spec } as never);
      await program.destroy();
      assert.equal(await lab().get("v1", "Pod", "lonely", "default"), undefined);
      assert.deepEqual(await nodes("scaled"), []);
      const taken = path.join(lab().folder, "cloud", "taken-cidrs");
      const holders = fs.readdirSync(taken).map((name) => fs.readFileSync(path.join(taken, name), "utf8"));
      assert.ok(!holders.some((name) => name.startsWith("gke-slices-")), "addresses go back");
    });

    test("a protected cluster stays, a missing one is not found", async () => {
      const source = `${cloud} new container.Cluster("cluster", { name: "kept", location: "europe-west4-a", initialNodeCount: 2, deletionProtection: config.getBoolean("keep") ?? true });
        if (config.get("look")) container.getClusterOutput({ name: "nobody", location: "us-central1" });`;
      const program = await Program.make(lab(), "kept", source, { "gcp:project": "acme", look: "1" });
      assert.match(
        (await program.up()).output,
        /projects\/acme\/locations\/us-central1\/clusters\/nobody not found/,
      );
      await program.mustRun("config", "rm", "look");
      await program.mustUp();
      assert.equal((await nodes("default-pool")).length, 2);
      const refused = await program.run("destroy", "--yes", "--skip-preview");
      assert.match(refused.output, /Cannot destroy cluster because deletion_protection is set to true/);
      await program.set("keep", "false");
      await program.mustUp();
      await program.destroy();
      assert.deepEqual(await nodes("default-pool"), []);
    });
  });
}
