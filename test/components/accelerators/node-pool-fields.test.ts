import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import * as yaml from "js-yaml";
import { ignoredBy, rendered, type Registered } from "../../rendering";
import { AcceleratorNodePool } from "../../../components/cluster/accelerator-node-pool";
import { hardwareOf, type HardwareArgs } from "../../../components/accelerators/accelerators";
import { isMisfit, placementOf } from "../../../components/accelerators/placement";

/*
 * What becomes of each field of a node pool that serves, when the program renders it differently or a refresh reads
 * something else. How the provider takes a change is from the schema of hashicorp/terraform-provider-google e03b7622
 * (google/services/container/node_config.go, resource_container_node_pool.go), which @pulumi/gcp is made from:
 *
 * replaces: ForceNew. The name is fixed, so the nodes are deleted before the new ones come.
 * recreates: changed in place, which GKE does by recreating the nodes, or by taking away those of a zone.
 * read back: also set from what GKE answers, whatever the program says.
 */

type Change = "replaces" | "recreates" | "in place";

interface Field {
  change: Change;
  /** Whether GKE's answer can differ from what was asked for. Default: false. */
  readBack?: boolean;
  /** Why a node pool that serves has today's value: it is kept, or may change, or says where the node pool is. */
  class: "kept" | "safe" | "place";
}

const kept = (change: Change, readBack = false): Field => ({ class: "kept", change, readBack });

const fields: Readonly<Record<string, Field>> = {
  // The suffix of the name changes with the hardware only; where a stack is, another rule holds.
  cluster: { class: "place", change: "replaces" },
  location: { class: "place", change: "replaces" },
  name: { class: "place", change: "replaces" },
  project: { class: "place", change: "replaces" },
  // Sizes, and what GKE may do to the nodes from now on: no node goes by it.
  autoscaling: { class: "safe", change: "in place" },
  maintenancePolicies: { class: "safe", change: "in place" },
  management: { class: "safe", change: "in place" },
  nodeCount: { class: "safe", change: "in place", readBack: true },
  upgradeSettings: { class: "safe", change: "in place", readBack: true },

  initialNodeCount: kept("replaces", true),
  networkConfig: kept("replaces", true),
  nodeLocations: kept("recreates", true),
  placementPolicy: kept("replaces"),
  queuedProvisioning: kept("replaces"),
  // With autoUpgrade GKE changes it at the end of its support: a refresh must not lead back.
  version: kept("recreates", true),
  "nodeConfig.diskSizeGb": kept("recreates", true),
  "nodeConfig.diskType": kept("recreates", true),
  // GKE answers with local SSDs for machines that always have them.
  "nodeConfig.ephemeralStorageLocalSsdConfig": kept("replaces", true),
  "nodeConfig.flexStart": kept("replaces"),
  "nodeConfig.gcfsConfig": kept("recreates"),
  "nodeConfig.guestAccelerators": kept("replaces", true),
  "nodeConfig.gvnic": kept("recreates"),
  "nodeConfig.imageType": kept("recreates", true),
  "nodeConfig.labels": kept("recreates", true),
  "nodeConfig.linuxNodeConfig": kept("recreates", true),
  "nodeConfig.machineType": kept("recreates", true),
  "nodeConfig.maxRunDuration": kept("replaces"),
  "nodeConfig.oauthScopes": kept("replaces", true),
  "nodeConfig.reservationAffinity": kept("replaces"),
  "nodeConfig.secondaryBootDisks": kept("replaces"),
  "nodeConfig.serviceAccount": kept("replaces", true),
  "nodeConfig.shieldedInstanceConfig": kept("replaces", true),
  "nodeConfig.spot": kept("replaces"),
  "nodeConfig.taints": kept("recreates"),
  "nodeConfig.workloadMetadataConfig": kept("recreates", true),
};

/** Every field of every node pool in the golden files, which hold all that is rendered of the catalogue. */
function renderedFields(): string[] {
  const folder = path.join(__dirname, "..", "golden");
  const files = fs.readdirSync(folder).filter((name) => /^node-(pools-|updates).*\.yaml$/.test(name));
  type Row = Record<string, unknown>;
  const all = files.flatMap((name) => {
    const golden = yaml.load(fs.readFileSync(path.join(folder, name), "utf8")) as Record<string, Row | Row[]>;
    return Object.values(golden).flat();
  });
  const pools = all.filter(({ resource }) => resource === undefined || resource === "NodePool");
  return [...new Set(pools.flatMap(Object.keys))].filter((key) => key !== "resource").sort();
}

interface Changes {
  hardware?: Partial<HardwareArgs>;
  serviceAccount?: string;
}

async function nodePools({ hardware: more = {}, serviceAccount }: Changes): Promise<Registered[]> {
  const hardware = hardwareOf({ accelerator: "nvidia-l4", ...more });
  const placement = placementOf(hardware);
  assert.ok(!isMisfit(placement));
  return rendered(() => {
    new AcceleratorNodePool("llm", {
      ...{ cluster: "inference", location: "us-central1", service: "llm", pool: "llm", replicas: 2 },
      ...{ hardware, placement },
      ...(serviceAccount === undefined ? {} : { serviceAccount }),
    });
  });
}

const ofType = (resources: readonly Registered[], type: string): Registered => {
  const found = resources.find((one) => one.type === type);
  assert.ok(found !== undefined);
  return found;
};

const nodePool = "gcp:container/nodePool:NodePool";

describe("a node pool that serves", () => {
  it("has no field of which nobody has said what a change does", () => {
    assert.deepEqual(renderedFields(), Object.keys(fields).sort());
  });

  it("keeps every field whose change takes nodes away, and follows the others", async () => {
    const ignored = ignoredBy(ofType(await nodePools({}), nodePool));
    for (const [name, field] of Object.entries(fields)) {
      const isKept = ignored.some((one) => name === one || name.startsWith(`${one}.`));
      assert.equal(isKept, field.class === "kept", name);
      if (field.class === "safe") assert.equal(field.change, "in place", name);
    }
  });

  it("keeps its service account; a new one begins with the new account", async () => {
    const before = await nodePools({ serviceAccount: "old@acme-ml.iam.gserviceaccount.com" });
    const now = await nodePools({ serviceAccount: "new@acme-ml.iam.gserviceaccount.com" });
    const suffix = (made: readonly Registered[]): unknown =>
      ofType(made, "random:index/randomId:RandomId").inputs["keepers"];
    assert.deepEqual(suffix(before), suffix(now));
    const pool = ofType(now, nodePool);
    assert.ok(ignoredBy(pool).includes("nodeConfig"));
    const { serviceAccount } = pool.inputs["nodeConfig"] as { serviceAccount?: string };
    assert.equal(serviceAccount, "new@acme-ml.iam.gserviceaccount.com");
  });

  it("gets another name with any change of its hardware: what is kept then begins anew", async () => {
    const suffix = async (hardware: Partial<HardwareArgs>): Promise<string> =>
      JSON.stringify(
        ofType(await nodePools({ hardware }), "random:index/randomId:RandomId").inputs["keepers"],
      );
    const before = await suffix({});
    const changes: readonly Partial<HardwareArgs>[] = [
      { accelerator: "nvidia-h100-80gb" },
      { machineType: "g2-standard-16" },
      { zones: ["us-central1-a"] },
      { provisioning: "spot" },
      { driver: "default" },
      { nodeVersion: "1.34.1-gke.2037000" },
      { nodeImage: "ubuntu" },
      { imageCache: "global/images/vllm" },
      { diskGb: 200 },
      { acceleratorNetwork: "auto" },
    ];
    for (const change of changes) assert.notEqual(await suffix(change), before, JSON.stringify(change));
  });
});
