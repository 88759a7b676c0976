import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Properties } from "../protocol/values";
import { functions } from "./functions";
import { nodeObject } from "./node-object";
import { poolShape, poolView } from "./node-pool";
import { nodePoolRefusals } from "./refusals";

const ref = {
  id: "projects/acme/locations/us-central1/clusters/c",
  project: "acme",
  location: "us-central1",
  name: "c",
};

const refused = (inputs: Properties, zones = ["us-central1-a"]): string =>
  nodePoolRefusals
    .flatMap(({ refuse }) => refuse(poolView({ name: "p", ...inputs }, ref, zones)) ?? [])
    .join("\n");

const flexible = (more: Properties = {}, config: Properties = {}): Properties => ({
  autoscaling: { totalMinNodeCount: 0, totalMaxNodeCount: 3 },
  management: { autoRepair: false },
  nodeConfig: {
    machineType: "g2-standard-12",
    flexStart: true,
    maxRunDuration: "604800s",
    reservationAffinity: { consumeReservationType: "NO_RESERVATION" },
    ...config,
  },
  ...more,
});

describe("what GKE refuses of how machines are bought", () => {
  test("flex-start: autoscaled from 0, not repaired, no reservation, seven days, one host", () => {
    assert.equal(refused(flexible()), "");
    assert.match(
      refused(flexible({ autoscaling: { totalMinNodeCount: 1, totalMaxNodeCount: 3 } })),
      /minimum of 0/,
    );
    assert.match(refused({ ...flexible(), nodeCount: 2 }), /fixed number of nodes/);
    assert.match(refused(flexible({ initialNodeCount: 1 })), /initial node count of 0/);
    assert.match(refused(flexible({ management: { autoRepair: true } })), /auto-repair/);
    assert.match(refused(flexible({}, { spot: true })), /together/);
    assert.match(refused(flexible({}, { maxRunDuration: "604801s" })), /must not exceed/);
    const any = { reservationAffinity: { consumeReservationType: "ANY_RESERVATION" } };
    assert.match(refused(flexible({}, any)), /NO_RESERVATION/);
    const slice = flexible({ placementPolicy: { tpuTopology: "4x4" } }, { machineType: "ct6e-standard-4t" });
    assert.match(refused(slice), /single-host/);
  });

  test("machines that are not sold so", () => {
    const pool = (machineType: string, config: Properties = {}): Properties => ({
      nodeConfig: { machineType, ...config },
    });
    assert.match(
      refused(pool("a3-highgpu-1g")),
      /cannot be provisioned as on-demand; it is available as spot, flex-start/,
    );
    assert.equal(refused(pool("a3-highgpu-1g", { spot: true })), "");
    assert.match(refused(pool("a4-highgpu-8g")), /on-demand/);
    assert.match(refused(pool("a4x-highgpu-4g", { spot: true })), /available as reservation/);
  });

  test("reservations by one name", () => {
    const by = (reservationAffinity: Properties): string =>
      refused({ nodeConfig: { machineType: "g2-standard-12", reservationAffinity } });
    const key = "compute.googleapis.com/reservation-name";
    assert.equal(by({ consumeReservationType: "SPECIFIC_RESERVATION", key, values: ["r"] }), "");
    assert.match(
      by({ consumeReservationType: "SPECIFIC_RESERVATION", key, values: [""] }),
      /name of one reservation/,
    );
    assert.match(by({ consumeReservationType: "SPECIFIC_RESERVATION" }), /name of one reservation/);
  });

  test("slices that nobody cabled, and slices over several zones", () => {
    const slice = (machineType: string, tpuTopology: string): Properties => ({
      nodeConfig: { machineType },
      placementPolicy: { type: "COMPACT", tpuTopology },
      autoscaling: { totalMaxNodeCount: 8 },
    });
    assert.equal(refused(slice("ct6e-standard-4t", "4x8")), "");
    assert.match(refused(slice("ct6e-standard-4t", "2x8")), /not valid/);
    assert.equal(refused(slice("ct5p-hightpu-4t", "4x4x8")), "");
    assert.match(refused(slice("ct5p-hightpu-4t", "2x4x8")), /not valid/);
    assert.match(
      refused(slice("ct6e-standard-4t", "4x4"), ["us-central1-a", "us-central1-b"]),
      /single zone/,
    );
    assert.match(refused(slice("tpu7x-standard-4t", "2x2x2")), /workload policy/);
  });

  test("racks: a workload policy and Hyperdisk", () => {
    const affinity = {
      consumeReservationType: "SPECIFIC_RESERVATION",
      key: "compute.googleapis.com/reservation-name",
      values: ["r"],
    };
    const rack = (config: Properties, more: Properties = {}): string =>
      refused({
        nodeConfig: { machineType: "a4x-highgpu-4g", reservationAffinity: affinity, ...config },
        ...more,
      });
    const policy = { placementPolicy: { type: "COMPACT", policyName: "p" } };
    assert.match(rack({}), /requires a workload policy/);
    assert.match(rack({}, policy), /disk type/);
    assert.equal(rack({ diskType: "hyperdisk-balanced" }, policy), "");
  });

  test("local SSDs, images, versions", () => {
    const config = (more: Properties): string =>
      refused({ nodeConfig: { machineType: "a3-highgpu-8g", ...more } });
    assert.match(config({ ephemeralStorageLocalSsdConfig: { localSsdCount: 4 } }), /comes with 16/);
    assert.match(config({ imageType: "COS" }), /not supported/);
    assert.match(
      config({ imageType: "UBUNTU_CONTAINERD", gcfsConfig: { enabled: true } }),
      /Image streaming/,
    );
    assert.match(config({ secondaryBootDisks: [{ diskImage: "i" }] }), /require image streaming/);
    const version = (text: string): string =>
      refused({ version: text, nodeConfig: { machineType: "g2-standard-12" } });
    assert.equal(version("1.34.1-gke.2037000"), "");
    assert.match(version("1.37.0-gke.1"), /newer than the control plane/);
    assert.match(version("1.33.0-gke.1"), /more than two minor versions/);
    assert.match(version("1.34"), /invalid/);
  });

  test("a zone without the accelerator", () => {
    const view = (zone: string): string => refused({ nodeConfig: { machineType: "g2-standard-12" } }, [zone]);
    assert.match(view("us-central1-f"), /"nvidia-l4" does not exist in zone us-central1-f/);
    assert.equal(view("us-central1-a"), "");
    const types = (zone: string, name = "g2-standard-12"): unknown =>
      functions["getMachineTypes"]?.(
        { zone, filter: `name = "${name}"` },
        { project: "acme" },
        undefined as never,
        undefined as never,
      )["machineTypes"];
    assert.deepEqual(types("us-central1-f"), []);
    assert.deepEqual(types("us-central1-a", "x9-none-1"), []);
    const gpus = [{ guestAcceleratorType: "nvidia-l4", guestAcceleratorCount: 1 }];
    assert.deepEqual(types("us-central1-a"), [
      { name: "g2-standard-12", guestCpus: 12, memoryMb: 49_152, accelerators: gpus },
    ]);
  });

  test("nodes of Arm machines say so, and keep other images away", () => {
    const shape = poolShape({ name: "p", nodeConfig: { machineType: "a4x-highgpu-4g" } }, ref, true);
    const node = nodeObject(shape, "n", "us-central1-a", "127.9.128.0/27") as unknown as {
      metadata: { labels: Record<string, string> };
      spec: { taints: { key: string; value: string }[] };
    };
    assert.equal(node.metadata.labels["kubernetes.io/arch"], "arm64");
    assert.ok(node.spec.taints.some(({ key, value }) => key === "kubernetes.io/arch" && value === "arm64"));
  });
});
