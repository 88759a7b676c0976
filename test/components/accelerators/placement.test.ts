import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chipsOf, provisionings } from "../../../components/accelerators/accelerator";
import { acceleratorNamed, accelerators } from "../../../components/accelerators/accelerators";
import { isMisfit, nodesFor, place, type Need } from "../../../components/accelerators/placement";

function placed(need: Need): string {
  const found = place(need);
  assert.ok(!isMisfit(found), isMisfit(found) ? found.reason : "");
  const { machine, hosts, topology } = found;
  return [
    machine.type,
    ...(hosts === 1 ? [] : [`x${hosts}`]),
    ...(topology ?? "").split(" ").filter(Boolean),
  ].join(" ");
}

const need = (accelerator: string, perReplica: number, more: Partial<Need> = {}): Need => ({
  accelerator,
  perReplica,
  ...more,
});

describe("the machine of a replica", () => {
  const cases: [Need, string][] = [
    [need("nvidia-l4", 1, { provisioning: "on-demand" }), "g2-standard-12"],
    [need("nvidia-l4", 2), "g2-standard-24"],
    [need("nvidia-l4", 3), "g2-standard-48"],
    [need("nvidia-l4", 1, { machineType: "g2-standard-4" }), "g2-standard-4"],
    [need("nvidia-rtx-pro-6000", 1), "g4-standard-48"],
    [need("nvidia-rtx-pro-6000", 1, { machineType: "g4-standard-24" }), "g4-standard-24"],
    // Compute Engine sells the small H100 machines only as Spot or Flex-start.
    [need("nvidia-h100-80gb", 1, { provisioning: "on-demand" }), "a3-highgpu-8g"],
    [need("nvidia-h100-80gb", 1, { provisioning: "spot" }), "a3-highgpu-1g"],
    [need("nvidia-h100-80gb", 4, { provisioning: "flex-start" }), "a3-highgpu-4g"],
    [need("nvidia-b200", 8, { provisioning: "reservation" }), "a4-highgpu-8g"],
    // Uncertain: only where nothing else is available so, or by name.
    [need("nvidia-b200", 8, { provisioning: "on-demand" }), "a4-highgpu-8g"],
    [need("nvidia-h100-80gb", 1, { provisioning: "on-demand" }), "a3-highgpu-8g"],
    [
      need("nvidia-h100-80gb", 1, { provisioning: "on-demand", machineType: "a3-highgpu-1g" }),
      "a3-highgpu-1g",
    ],
    [need("nvidia-gb200", 4, { provisioning: "reservation" }), "a4x-highgpu-4g"],
    [need("tpu-v5-lite-podslice", 1), "ct5lp-hightpu-1t 1x1"],
    [need("tpu-v5-lite-podslice", 4), "ct5lp-hightpu-4t 2x2"],
    [need("tpu-v5-lite-podslice", 8), "ct5lp-hightpu-8t 2x4"],
    [need("tpu-v5-lite-podslice", 16), "ct5lp-hightpu-4t x4 4x4"],
    [need("tpu-v6e-slice", 8), "ct6e-standard-8t 2x4"],
    [need("tpu-v6e-slice", 8, { machineType: "ct6e-standard-4t" }), "ct6e-standard-4t x2 2x4"],
    [need("tpu-v6e-slice", 256), "ct6e-standard-4t x64 16x16"],
    [need("tpu-v5p-slice", 4), "ct5p-hightpu-4t 2x2x1"],
    [need("tpu-v5p-slice", 8), "ct5p-hightpu-4t x2 2x2x2"],
    [need("tpu7x", 16), "tpu7x-standard-4t x4 2x2x4"],
  ];
  for (const [asked, expected] of cases) {
    const { accelerator, perReplica, ...more } = asked;
    it(`${perReplica} x ${accelerator} ${JSON.stringify(more)} is ${expected}`, () => {
      assert.equal(placed(asked), expected);
    });
  }
});

describe("what does not exist", () => {
  const cases: [Need, string, string, RegExp][] = [
    [need("nvidia-l4", 9), "acceleratorsPerReplica", "8", /1, 2, 4, 8 GPUs per node.*at most 8, not 9/],
    [
      need("tpu-v6e-slice", 3),
      "acceleratorsPerReplica",
      "4",
      /slices of 1, 4, 8, 16, 32, 64, 128, 256 chips, not 3/,
    ],
    [need("tpu-v5p-slice", 1), "acceleratorsPerReplica", "4", /slices of 4, 8, 16, 32, 64/],
    [
      need("nvidia-l4", 1, { machineType: "g2-standard-9" }),
      "machineType",
      "g2-standard-12",
      /does not have nvidia-l4; machine types that do: g2-standard-12, /,
    ],
    [
      need("nvidia-h100-80gb", 1, { machineType: "a3-highgpu-1g", provisioning: "reservation" }),
      "provisioning",
      "spot",
      /available: a3-highgpu-1g as spot, flex-start/,
    ],
    [
      need("nvidia-gb200", 4, { provisioning: "on-demand" }),
      "provisioning",
      "reservation",
      /not available as on-demand/,
    ],
    [need("nvidia-gb300", 4, { provisioning: "spot" }), "provisioning", "reservation", /as reservation/],
    [
      need("tpu-v6e-slice", 16, { provisioning: "flex-start" }),
      "provisioning",
      "on-demand",
      /ct6e-standard-4t \(4x4\) as on-demand, spot, reservation/,
    ],
  ];
  for (const [asked, field, nearest, reason] of cases) {
    it(`is refused, naming the nearest that does: ${JSON.stringify(asked)}`, () => {
      const found = place(asked);
      assert.ok(isMisfit(found));
      assert.deepEqual([found.field, found.nearest], [field, nearest]);
      assert.match(found.reason, reason);
    });
  }

  it("is fixed by doing what the message names", () => {
    const any = fc.record({
      accelerator: fc.constantFrom(...accelerators.map(({ name }) => name)),
      perReplica: fc.integer({ min: 1, max: 300 }),
      provisioning: fc.constantFrom(...provisionings),
    });
    fc.assert(
      fc.property(any, (first) => {
        let asked: Need = first;
        for (let step = 0; step < 3; step++) {
          const found = place(asked);
          if (!isMisfit(found)) return;
          assert.ok(found.nearest !== undefined);
          asked =
            found.field === "acceleratorsPerReplica"
              ? { ...asked, perReplica: Number(found.nearest) }
              : { ...asked, [found.field]: found.nearest };
        }
        assert.ok(!isMisfit(place(asked)), JSON.stringify(asked));
      }),
    );
  });
});

describe("placement as a whole", () => {
  const any = fc.record({
    accelerator: fc.constantFrom(...accelerators.map(({ name }) => name)),
    perReplica: fc.integer({ min: 1, max: 256 }),
    provisioning: fc.constantFrom(...provisionings),
    replicas: fc.integer({ min: 1, max: 50 }),
  });

  it("gives every replica all it asks for, on machines that can be had", () => {
    fc.assert(
      fc.property(any, ({ replicas, ...asked }) => {
        const found = place(asked);
        if (isMisfit(found)) return;
        const nodes = nodesFor(replicas, found);
        assert.ok(nodes * found.machine.count >= replicas * asked.perReplica);
        const ways = [...found.machine.provisioning, ...(found.machine.uncertain ?? [])];
        assert.ok(ways.includes(asked.provisioning));
        if (found.hosts > 1) assert.equal(nodes, replicas * found.hosts);
        else assert.ok((nodes - 1) * found.replicasPerNode < replicas, "not a machine too many");
        if (found.topology !== undefined) assert.equal(chipsOf(found.topology), asked.perReplica);
      }),
    );
  });
});

describe("the catalogue", () => {
  it("has every accelerator that the project is for", () => {
    for (const name of [
      ...["nvidia-l4", "nvidia-rtx-pro-6000", "nvidia-tesla-a100", "nvidia-a100-80gb", "nvidia-h100-80gb"],
      ...["nvidia-h100-mega-80gb", "nvidia-h200-141gb", "nvidia-b200", "nvidia-gb200", "nvidia-gb300"],
      ...["tpu-v5-lite-podslice", "tpu-v5p-slice", "tpu-v6e-slice", "tpu7x"],
    ])
      assert.equal(acceleratorNamed(name).name, name);
  });

  it("claims nothing that was not tried, and says where each row comes from", () => {
    for (const { status, source } of accelerators) {
      assert.equal(status, "documented");
      assert.notEqual(source, "");
    }
  });

  it("is consistent in itself", () => {
    const types = accelerators.flatMap(({ machines }) => machines.map(({ type }) => type));
    assert.equal(new Set(types).size, types.length, "a machine type belongs to one accelerator");
    for (const { family, machines } of accelerators) {
      for (const { count, slices, provisioning } of machines) {
        assert.ok(provisioning.length > 0);
        assert.equal(slices.length > 0, family === "tpu");
        for (const { topology, hosts } of slices) assert.equal(chipsOf(topology), count * hosts);
        if (family === "tpu") assert.equal(slices[0]?.hosts, 1);
      }
    }
  });
});
