import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as pulumi from "@pulumi/pulumi";

/** What Google would answer: zones of the region, and of the cluster's nodes where there is a cluster. */
const cloud: { having: readonly string[]; clusterIn?: readonly string[]; refuses?: string } = { having: [] };
const asked: string[] = [];

void pulumi.runtime.setMocks({
  newResource: ({ name }) => ({ id: name, state: {} }),
  call: ({ token, inputs }) => {
    const { zone = "", filter } = inputs as { zone?: string; filter?: string };
    if (token.endsWith("getCluster")) {
      if (cloud.clusterIn === undefined) throw new Error("not found");
      return { nodeLocations: cloud.clusterIn };
    }
    // As gRPC has it.
    if (cloud.refuses !== undefined) throw Object.assign(new Error(), { details: cloud.refuses });
    if (token.endsWith("getZones")) return { names: ["a", "b", "c", "f"].map((end) => `us-central1-${end}`) };
    asked.push(`${zone} ${filter ?? ""}`);
    return { machineTypes: cloud.having.includes(zone) ? [{ name: "g2-standard-12" }] : [] };
  },
});

// After the mocks: resources and functions ask for the engine when they are loaded.
import { searchZones } from "../../../stacks/state/machine-zones";
import { ownedPool, serviceConfig } from "../cases";

const pool = ownedPool(serviceConfig(), "llm");
const search = async (location = "us-central1", answers: Partial<typeof cloud> = {}) => {
  Object.assign(cloud, { clusterIn: undefined, refuses: undefined }, answers);
  return (await searchZones([pool], { name: "inference", location, project: "acme-ml" }))["llm"];
};
const having = ["us-central1-a", "us-central1-b", "us-central1-c"];

describe("zones that have a machine type", () => {
  it("are the region's, for a cluster that does not exist yet", async () => {
    const found = await search("us-central1", { having });
    assert.deepEqual(found, { machineType: "g2-standard-12", region: "us-central1", zones: having });
    assert.ok(asked.includes('us-central1-f name = "g2-standard-12"'));
  });

  it("are the cluster's own where these have it, else others of the region", async () => {
    const clusterIn = ["us-central1-b", "us-central1-f"];
    assert.deepEqual((await search("us-central1", { having, clusterIn }))?.zones, ["us-central1-b"]);
    const zonal = { having, clusterIn: ["us-central1-f"] };
    assert.deepEqual((await search("us-central1-f", zonal))?.zones, having);
  });

  it("are none where the region has none, and unknown where Google does not say", async () => {
    assert.deepEqual((await search("us-central1", { having: [] }))?.zones, []);
    const refuses = "invoking: 1 error occurred:\n\t* Error 403: Compute Engine API is disabled.\nmore";
    const found = await search("us-central1", { refuses });
    assert.deepEqual([found?.zones, found?.unread], [[], "Error 403: Compute Engine API is disabled"]);
  });
});
