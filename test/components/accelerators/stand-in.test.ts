import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isMisfit, place } from "../../../components/accelerators/placement";
import { provisionings, type Provisioning } from "../../../components/accelerators/accelerator";
import { type Hardware, accelerators } from "../../../components/accelerators/accelerators";
import { nodePoolSpecs, type NodePoolSpec } from "../../../components/cluster/node-pool-spec";
import { poolView } from "../../../lab/plugins/gcp/node-pool";
import { nodePoolRefusals } from "../../../lab/plugins/gcp/refusals";
import type { Properties } from "../../../lab/plugins/protocol/values";

/*
 * The lab's GKE has a table of machines and rules of its own. Whatever the program places, that GKE has to take: a
 * mistake in either of the two tables shows here.
 */

const ref = {
  id: "projects/acme-ml/locations/us-central1/clusters/inference",
  project: "acme-ml",
  location: "us-central1",
  name: "inference",
};

/** As the provider sees it: the component adds the name and, where there is one, the workload policy. */
function asProvider({ args, workloadTopology }: NodePoolSpec): Properties {
  const policy =
    workloadTopology === undefined ? {} : { placementPolicy: { type: "COMPACT", policyName: "p" } };
  return JSON.parse(JSON.stringify({ name: "llm-abc123", ...args, ...policy })) as Properties;
}

function refusals(hardware: Hardware, replicas: number): string[] {
  const placement = place({ ...hardware, perReplica: hardware.acceleratorsPerReplica });
  assert.ok(!isMisfit(placement), isMisfit(placement) ? placement.reason : "");
  return nodePoolSpecs({ service: "llm", pool: "llm", hardware, placement, replicas }).flatMap((spec) => {
    const inputs = asProvider(spec);
    const zones = hardware.zones ?? ["us-central1-a", "us-central1-b", "us-central1-c"];
    const view = poolView(inputs, ref, [...zones]);
    return nodePoolRefusals.flatMap(({ refuse }) => refuse(view) ?? []);
  });
}

function hardwareFor(
  accelerator: string,
  perReplica: number,
  provisioning: Provisioning,
  more: Partial<Hardware> = {},
): Hardware {
  return {
    accelerator,
    acceleratorsPerReplica: perReplica,
    provisioning,
    driver: "latest",
    nodeImage: "cos",
    ...(provisioning === "reservation" ? { reservation: "r" } : {}),
    ...more,
  };
}

describe("every machine and slice of the catalogue, in every way it can be had", () => {
  for (const { name, machines, workloadPolicy } of accelerators) {
    it(`is taken by the lab's GKE: ${name}`, () => {
      for (const machine of machines) {
        const sizes =
          machine.slices.length === 0
            ? [machine.count]
            : machine.slices.map(({ hosts }) => hosts * machine.count);
        for (const [i, perReplica] of sizes.entries()) {
          for (const provisioning of provisionings) {
            const grouped = i > 0 && machine.slices.length > 0;
            if (!machine.provisioning.includes(provisioning) || (grouped && provisioning === "flex-start"))
              continue;
            const oneZone = grouped || provisioning === "reservation" || workloadPolicy?.kind === "rack";
            const hardware = hardwareFor(name, perReplica, provisioning, {
              machineType: machine.type,
              ...(oneZone ? { zones: ["us-central1-a"] } : {}),
            });
            assert.deepEqual(refusals(hardware, 3), [], `${machine.type} x ${perReplica} ${provisioning}`);
          }
        }
      }
    });
  }

  it("is refused in the ways it cannot be had, as by the catalogue", () => {
    for (const { name, machines } of accelerators) {
      for (const machine of machines) {
        for (const provisioning of provisionings) {
          if (machine.provisioning.includes(provisioning)) continue;
          const offered = machine.provisioning[0]!;
          const placement = place({
            accelerator: name,
            perReplica: machine.count,
            machineType: machine.type,
            provisioning: offered,
          });
          assert.ok(!isMisfit(placement));
          const hardware = hardwareFor(name, machine.count, provisioning, { zones: ["us-central1-a"] });
          const [spec] = nodePoolSpecs({ service: "llm", pool: "llm", hardware, placement, replicas: 1 });
          const view = poolView(asProvider(spec!), ref, ["us-central1-a"]);
          const found = nodePoolRefusals.flatMap(({ refuse }) => refuse(view) ?? []);
          assert.match(found.join(), /cannot be provisioned as/, `${machine.type} ${provisioning}`);
        }
      }
    }
  });
});

describe("node updates on the same hardware", () => {
  const cases: Partial<Hardware>[] = [
    { nodeImage: "ubuntu" },
    { imageCache: "global/images/x" },
    { nodeVersion: "1.35.2-gke.100" },
    { diskGb: 200 },
    { fallback: "on-demand" },
  ];
  for (const more of cases) {
    it(`are taken: ${JSON.stringify(more)}`, () => {
      const provisioning = more.fallback === undefined ? "on-demand" : "spot";
      assert.deepEqual(refusals(hardwareFor("nvidia-l4", 1, provisioning, more), 2), []);
    });
  }
});
