import { describe, it } from "node:test";
import { rendered, type Registered } from "../../rendering";
import { AcceleratorNodePool } from "../../../components/cluster/accelerator-node-pool";
import { type Hardware, accelerators } from "../../../components/accelerators/accelerators";
import type { Accelerator, Machine, Provisioning, Slice } from "../../../components/accelerators/accelerator";
import { assertGolden } from "../golden";

/** Every way in which a row of the catalogue can be had, as GKE is asked for it. */

interface Case {
  title: string;
  machine: Machine;
  slice?: Slice;
  provisioning: Provisioning;
  replicas: number;
  more?: Partial<Hardware>;
}

/** One machine each, every way; of slices of several machines the smallest every way, the others once. */
function casesOf({ machines }: Accelerator): Case[] {
  return machines.flatMap((machine): Case[] => {
    const alone = machine.slices[0];
    const single = machine.provisioning.map((provisioning): Case => ({
      title: `${machine.type} ${provisioning}`,
      machine,
      ...(alone === undefined ? {} : { slice: alone }),
      provisioning,
      replicas: 3,
    }));
    const groups = machine.slices.slice(1).flatMap((slice, i): Case[] =>
      machine.provisioning
        .filter((provisioning) => provisioning !== "flex-start")
        .slice(0, i === 0 ? undefined : 1)
        .map((provisioning) => ({
          title: `${machine.type} ${slice.topology} ${provisioning}`,
          machine,
          slice,
          provisioning,
          // Two of the smallest show that each slice is a node pool of its own.
          replicas: i === 0 ? 2 : 1,
        })),
    );
    return [...single, ...groups];
  });
}

function build(accelerator: Accelerator, { machine, slice, provisioning, replicas, more }: Case): void {
  const hosts = slice?.hosts ?? 1;
  new AcceleratorNodePool("llm", {
    cluster: "inference",
    location: "us-central1",
    project: "acme-ml",
    serviceAccount: "nodes@acme-ml.iam.gserviceaccount.com",
    service: "llm",
    pool: "llm",
    replicas,
    placement: {
      accelerator,
      machine,
      hosts,
      replicasPerNode: 1,
      ...(slice === undefined ? {} : { topology: slice.topology }),
    },
    hardware: {
      accelerator: accelerator.name,
      acceleratorsPerReplica: machine.count * hosts,
      provisioning,
      driver: "default",
      nodeImage: "cos",
      ...(provisioning === "reservation" ? { reservation: "acme-reservation" } : {}),
      ...(provisioning === "reservation" || hosts > 1 ? { zones: ["us-central1-a"] } : {}),
      ...more,
    },
  });
}

type Fields = Record<string, unknown>;

/** A resource's inputs by path, one level of nodeConfig deep: what a reviewer compares. */
function fieldsOf({ type, inputs }: Registered): Fields {
  const { nodeConfig, ...rest } = inputs;
  const inner = Object.entries((nodeConfig ?? {}) as Fields).map(([key, value]) => [
    `nodeConfig.${key}`,
    value,
  ]);
  return { resource: type.replace(/^.*:/, ""), ...rest, ...(Object.fromEntries(inner) as Fields) };
}

/** In an order that does not depend on which was registered first. */
function ownOf(resources: readonly Registered[]): Registered[] {
  return resources
    .filter(({ type }) => type.startsWith("gcp:"))
    .sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
}

async function render(accelerator: Accelerator, cases: readonly Case[]): Promise<Fields> {
  const found: [string, Fields[]][] = [];
  for (const one of cases) {
    const resources = await rendered(() => build(accelerator, one));
    found.push([one.title, ownOf(resources).map(fieldsOf)]);
  }
  return withCommon(found);
}

/** What all node pools have alike stands once, above; each case then shows only what is its own. */
function withCommon(cases: readonly [string, Fields[]][]): Fields {
  const pools = cases.flatMap(([, resources]) => resources).filter(({ resource }) => resource === "NodePool");
  const alike = (key: string): boolean =>
    key !== "resource" &&
    pools.every((pool) => JSON.stringify(pool[key]) === JSON.stringify(pools[0]?.[key]));
  const common = Object.entries(pools[0] ?? {}).filter(([key]) => alike(key));
  const own = (resource: Fields): Fields =>
    resource["resource"] === "NodePool"
      ? Object.fromEntries(Object.entries(resource).filter(([key]) => !alike(key)))
      : resource;
  return {
    "(every node pool)": Object.fromEntries(common),
    ...Object.fromEntries(cases.map(([title, resources]) => [title, resources.map(own)])),
  };
}

describe("node pools", () => {
  for (const accelerator of accelerators) {
    it(`of ${accelerator.name}`, async () => {
      assertGolden(`node-pools-${accelerator.name}`, await render(accelerator, casesOf(accelerator)));
    });
  }

  it("of node updates on the same hardware, and of what goes with them", async () => {
    const l4 = accelerators.find(({ name }) => name === "nvidia-l4")!;
    const machine = l4.machines[0]!;
    const on = (title: string, more: Partial<Hardware>, provisioning: Provisioning = "on-demand"): Case => ({
      title,
      machine,
      provisioning,
      replicas: 2,
      more,
    });
    assertGolden(
      "node-updates",
      await render(l4, [
        on("driver: latest", { driver: "latest" }),
        on("driver: disabled", { driver: "disabled" }),
        on("nodeVersion: 1.34.1-gke.2037000", { nodeVersion: "1.34.1-gke.2037000" }),
        on("nodeImage: ubuntu", { nodeImage: "ubuntu" }),
        on("imageCache, diskGb", { imageCache: "global/images/vllm-v0-21-0", diskGb: 200 }),
        on("in one zone: the nodes come with the pool", { zones: ["us-central1-a"] }),
        on("spot in one zone", { zones: ["us-central1-a"] }, "spot"),
        on("spot with fallback", { fallback: "on-demand" }, "spot"),
      ]),
    );
  });
});
