import { compareInputs } from "./inputs";
import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unknown, type Properties } from "../protocol/values";
import { clusterZones } from "./cluster";
import { genericKind, kinds } from "./kinds";
import { defaultZones, isRegion, isZone, regionOf } from "./locations";
import { gpuCounts, isGpuType, machine, topologyChips } from "./machines";
import { nodeName, nodeObject } from "./node-object";
import { clusterOf, initialSize, poolShape, poolView, replacesPool, spread } from "./node-pool";
import { nodePoolRefusals } from "./refusals";

const scope = { project: "acme", region: "us-central1" };
const ref = {
  id: "projects/acme/locations/us-central1/clusters/c",
  project: "acme",
  location: "us-central1",
  name: "c",
};
const refused = (inputs: Properties, zones = ["us-central1-a"]): string[] =>
  nodePoolRefusals.flatMap(({ refuse }) => refuse(poolView({ name: "p", ...inputs }, ref, zones)) ?? []);
const gpuPool = (machineType: string, type: string, count: number): Properties => ({
  nodeConfig: { machineType, guestAccelerators: [{ type, count }] },
});

describe("machines and places", () => {
  test("accelerators come with their machines", () => {
    assert.deepEqual(machine("g2-standard-24")?.accelerator, { type: "nvidia-l4", count: 2, kind: "gpu" });
    assert.deepEqual(machine("a3-highgpu-8g")?.accelerator, {
      type: "nvidia-h100-80gb",
      count: 8,
      kind: "gpu",
    });
    assert.deepEqual(machine("ct6e-standard-4t")?.accelerator, {
      type: "tpu-v6e-slice",
      count: 4,
      kind: "tpu",
    });
    assert.deepEqual(machine("n2-highmem-16"), { cpus: 16, memoryGb: 128 });
    assert.equal(machine("g2-standard-9"), undefined);
    assert.deepEqual(gpuCounts("n1-standard-8", "nvidia-tesla-t4"), [1, 2, 4]);
    assert.deepEqual(gpuCounts("e2-standard-8", "nvidia-tesla-t4"), []);
    assert.ok(isGpuType("nvidia-b200") && !isGpuType("nvidia-l5"));
    assert.deepEqual([topologyChips("2x4"), topologyChips("2x2x4"), topologyChips("8")], [8, 16, undefined]);
  });

  test("regions and zones", () => {
    assert.deepEqual(["us-central1-f", "us-central1-d", "nowhere1-a", "us-central1"].map(isZone), [
      true,
      false,
      false,
      false,
    ]);
    assert.ok(isRegion("europe-west4") && !isRegion("europe-west5"));
    assert.equal(regionOf("europe-west10-b"), "europe-west10");
    assert.deepEqual(defaultZones("europe-west1"), ["europe-west1-b", "europe-west1-c", "europe-west1-d"]);
    assert.deepEqual(clusterZones({ location: "us-east4-a", nodeLocations: ["us-east4-b"] }, scope), [
      "us-east4-a",
      "us-east4-b",
    ]);
  });
});

describe("node pools", () => {
  test("what is refused, and that the usual is not", () => {
    assert.deepEqual(refused({}), []);
    assert.deepEqual(refused({ ...gpuPool("g2-standard-8", "nvidia-l4", 1), nodeCount: 3 }), []);
    assert.deepEqual(refused({ nodeConfig: { machineType: "a3-highgpu-8g" } }), []);
    const slice = {
      nodeConfig: { machineType: "ct6e-standard-4t" },
      placementPolicy: { tpuTopology: "4x4" },
    };
    assert.deepEqual(refused({ ...slice, nodeCount: 4 }), []);
    assert.match(refused({ ...slice, nodeCount: 3 }).join(), /needs a node count of 4, got 3/);
    assert.match(
      refused({ ...slice, placementPolicy: { tpuTopology: "2x3" } }).join(),
      /topology "2x3" is not valid/,
    );
    assert.match(
      refused(gpuPool("g2-standard-8", "nvidia-l4", 2)).join(),
      /number of GPU dies you requested \(2\)/,
    );
    assert.match(refused(gpuPool("e2-medium", "nvidia-l4", 1)).join(), /Cannot use default machine type/);
    assert.match(refused(gpuPool("g2-standard-8", "nvidia-l5", 1)).join(), /"nvidia-l5" does not exist/);
    assert.match(refused({ name: "Big" }).join(), /node_pool\.name/);
    assert.match(refused({ name: "a".repeat(40) }).join(), /node_pool\.name/);
    assert.deepEqual(refused({ name: "a".repeat(39) }), []);
    assert.match(refused({}, ["us-east1-b"]).join(), /not a zone of region "us-central1"/);
    assert.match(
      refused({ autoscaling: { minNodeCount: 3, maxNodeCount: 2 } }).join(),
      /minimum \(3\) is greater/,
    );
    assert.match(
      refused({ autoscaling: { maxNodeCount: 2, totalMaxNodeCount: 2 } }).join(),
      /cannot be used with total limits/,
    );
    assert.deepEqual(refused({ autoscaling: { totalMaxNodeCount: 2 } }), []);
    const driver = {
      nodeConfig: {
        machineType: "g2-standard-8",
        guestAccelerators: [
          { type: "nvidia-l4", count: 1, gpuDriverInstallationConfig: { gpuDriverVersion: "x" } },
        ],
      },
    };
    assert.match(refused(driver).join(), /gpu_driver_version to be one of/);
  });

  test("sizes: for each zone, or for all", () => {
    const zones = ["a", "b", "c"];
    const sizes = (inputs: Properties): number[] => [...spread(zones, initialSize(inputs)).values()];
    assert.deepEqual(sizes({ nodeCount: 2 }), [2, 2, 2]);
    assert.deepEqual(sizes({ initialNodeCount: 1 }), [1, 1, 1]);
    assert.deepEqual(sizes({ autoscaling: { totalMinNodeCount: 4 } }), [2, 1, 1]);
    assert.deepEqual(sizes({ autoscaling: { minNodeCount: 0, maxNodeCount: 3 } }), [0, 0, 0]);
    assert.deepEqual(sizes({ nodeCount: 0 }), [0, 0, 0]);
  });

  test("labels, taints and resources of a node", () => {
    const inputs = {
      name: "pool",
      nodeConfig: {
        machineType: "a3-highgpu-2g",
        spot: true,
        labels: { team: "x" },
        taints: [{ key: "nvidia.com/gpu", value: "present", effect: "NO_SCHEDULE" }],
        guestAccelerators: [
          {
            type: "nvidia-h100-80gb",
            count: 2,
            gpuDriverInstallationConfig: { gpuDriverVersion: "DEFAULT" },
          },
        ],
        reservationAffinity: {
          consumeReservationType: "SPECIFIC_RESERVATION",
          values: ["projects/p/reservations/r"],
        },
      },
    };
    const node = nodeObject(
      poolShape(inputs, ref, true),
      "n",
      "us-central1-a",
      "127.9.128.0/27",
    ) as unknown as {
      metadata: { labels: Record<string, string> };
      spec: { taints: object[]; providerID: string };
      status: { allocatable: Record<string, string> };
    };
    const { labels } = node.metadata;
    assert.deepEqual(
      [
        "gke-accelerator",
        "gke-accelerator-count",
        "gke-gpu-driver-version",
        "gke-spot",
        "gke-provisioning",
        "reservation-name",
      ].map((key) => labels[`cloud.google.com/${key}`]),
      ["nvidia-h100-80gb", "2", "default", "true", "spot", "r"],
    );
    assert.equal(labels["team"], "x");
    assert.deepEqual(
      node.spec.taints,
      [{ key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" }],
      "once, not twice",
    );
    assert.equal(node.status.allocatable["nvidia.com/gpu"], "2");
    assert.ok(Number.parseInt(node.status.allocatable["cpu"] ?? "", 10) < 52_000);
    const alone = poolShape({ name: "p", nodeConfig: { machineType: "g2-standard-8" } }, ref, false);
    assert.deepEqual(
      [alone.accelerator?.count, alone.taints],
      [1, []],
      "without another pool GKE adds no taint",
    );
    const name = nodeName(
      "a-very-long-cluster-name-it-is",
      "and-a-node-pool-with-a-long-name-too",
      "us-central1-a",
    );
    assert.ok(
      name.length <= 63 && /^gke-a-very-long-cluster-and-a\S*-[0-9a-f]{8}-[0-9a-f]{4}$/.test(name),
      name,
    );
  });

  test("which changes make another pool", () => {
    const paths = [
      "name",
      "cluster",
      "initialNodeCount",
      "nodeConfig.spot",
      "nodeConfig.guestAccelerators[0].count",
      "placementPolicy.tpuTopology",
    ];
    assert.deepEqual(
      paths.map(replacesPool),
      paths.map(() => true),
    );
    const inPlace = [
      "nodeCount",
      "autoscaling.maxNodeCount",
      "nodeConfig.machineType",
      "nodeConfig.labels.a",
      "nodeConfig.taints[0].key",
      "management.autoRepair",
      "nodeLocations[0]",
    ];
    assert.deepEqual(
      inPlace.map(replacesPool),
      inPlace.map(() => false),
    );
  });

  test("a cluster by name or by id", () => {
    assert.deepEqual(clusterOf({ cluster: ref.id }, {}), ref);
    assert.deepEqual(clusterOf({ cluster: "c" }, scope), ref);
    assert.throws(() => clusterOf({ cluster: "c" }, { region: "r" }), /project: required field is not set/);
    assert.throws(() => clusterOf({ cluster: "c" }, { project: "p" }), /Unable to determine location/);
  });
});

describe("records", () => {
  test("differences: sets have no order, the unknown differs from everything", () => {
    const paths = (a: Properties, b: Properties): string[] =>
      [...compareInputs(a, b, (path) => path === "x").entries()].map(([path, { kind }]) => `${path} ${kind}`);
    assert.deepEqual(paths({ a: ["x", "y"], __defaults: [] }, { a: ["y", "x"], __defaults: ["name"] }), []);
    assert.deepEqual(paths({ x: 1, y: { z: [{ a: 1 }] } }, { x: unknown, y: { z: [{ a: 2 }, { a: 3 }] } }), [
      ...["x update-replace", "y.z[0].a update", "y.z[1] add"],
    ]);
    assert.deepEqual(paths({ x: 1 }, {}), ["x delete-replace"]);
  });

  test("ids and outputs as Google writes them", () => {
    const subnetwork = kinds["gcp:compute/subnetwork:Subnetwork"];
    const id = subnetwork?.id({ name: "s" }, scope) ?? "";
    assert.equal(id, "projects/acme/regions/us-central1/subnetworks/s");
    assert.equal(
      subnetwork?.outputs({}, scope, id)["selfLink"],
      `https://www.googleapis.com/compute/v1/${id}`,
    );
    const account = kinds["gcp:serviceaccount/account:Account"];
    const accountId = account?.id({ accountId: "nodes" }, scope) ?? "";
    assert.equal(account?.outputs({}, scope, accountId)["email"], "nodes@acme.iam.gserviceaccount.com");
    assert.throws(() => subnetwork.id({ name: "s" }, { project: "acme" }), /Cannot determine region/);
    assert.match(
      genericKind("gcp:compute/disk:Disk").id({ name: "d", zone: "z" }, scope),
      /locations\/z\/Disk\/d$/,
    );
  });
});
