import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { renderStack } from "../stacks/rendered-service";
import { cloud } from "../stacks/cases";
import { resolveConfig } from "../../stacks/config/resolve";

/*
 * The words that the program gives to the Google Cloud provider, against the provider's own declarations. TypeScript checks
 * the names of fields; which words a field takes stands only in its comment.
 */

interface Field {
  doc: string;
  /** Interface of what is inside, where it has one. */
  inside?: string;
}

type Declarations = ReadonlyMap<string, ReadonlyMap<string, Field>>;

/** Interfaces of a declaration file with the comments of their fields. */
function declarationsIn(text: string): Declarations {
  const interfaces = [...text.matchAll(/^( *)(?:export )?interface (\w+) \{\n([^]*?)\n\1\}/gm)];
  return new Map(
    interfaces.map(([, , name = "", body = ""]) => [
      name,
      new Map(
        [...body.matchAll(/(?:\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*)?^ *(\w+)\??: ([^;]*);$/gm)].map(
          ([, doc = "", field = "", type = ""]) => {
            const inside = /inputs\.\w+\.(\w+)/.exec(type)?.[1];
            return [field, { doc, ...(inside === undefined ? {} : { inside }) }];
          },
        ),
      ),
    ]),
  );
}

/** Words that a field takes, where its comment lists them. */
function wordsOf(doc: string): string[] | undefined {
  const list = /(?:(?:accepted|possible|allowed|valid) values?|options are|one of)\b([^]*)/i.exec(doc)?.[1];
  if (list === undefined) return undefined;
  const words = [...list.matchAll(/["'`]+([\w-]+)["'`]+|\b([A-Z][A-Z_]{2,})\b/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? "",
  );
  return words.length < 2 ? undefined : words;
}

/** @returns what is wrong with a resource's inputs, a line each. */
function mistakesIn(value: unknown, name: string, declared: Declarations, at = name): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => mistakesIn(one, name, declared, at));
  if (typeof value !== "object" || value === null) return [];
  const fields = declared.get(name);
  if (fields === undefined) return [`${at}: the provider has no ${name}`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = fields.get(key);
    const place = `${at}.${key}`;
    if (field === undefined) return [`${place}: the provider has no such field`];
    if (field.inside !== undefined) return mistakesIn(inner, field.inside, declared, place);
    // The same structure is declared for clusters, where the comments say more.
    const twin = declared.get(name.replace(/^NodePool/, "Cluster"))?.get(key);
    const words = typeof inner === "string" ? (wordsOf(field.doc) ?? wordsOf(twin?.doc ?? "")) : undefined;
    return words === undefined || words.includes(inner as string)
      ? []
      : [`${place} is ${String(inner)}; the provider takes ${words.join(", ")}`];
  });
}

const gcp = path.join(__dirname, "..", "..", "node_modules", "@pulumi", "gcp");
const read = (...file: string[]): string => fs.readFileSync(path.join(gcp, ...file), "utf8");

function providerDeclarations(): Declarations {
  const inputs = read("types", "input.d.ts");
  const begin = inputs.indexOf("export declare namespace container {");
  const container = inputs.slice(begin, inputs.indexOf("\n}\n", begin));
  return new Map([
    ...declarationsIn(container),
    ...declarationsIn(read("container", "nodePool.d.ts")),
    ...declarationsIn(read("container", "cluster.d.ts")),
  ]);
}

const pools: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  plain: { accelerator: "nvidia-l4" },
  spot: { accelerator: "nvidia-l4", provisioning: "spot", fallback: "on-demand", driver: "disabled" },
  flex: { accelerator: "nvidia-b200", acceleratorsPerReplica: 8, provisioning: "flex-start" },
  ubuntu: { accelerator: "nvidia-l4", nodeImage: "ubuntu", driver: "default", diskGb: 200 },
  cached: { accelerator: "nvidia-l4", imageCache: "global/images/vllm", nodeVersion: "1.34.1-gke.2037000" },
  rack: {
    ...{ accelerator: "nvidia-gb200", acceleratorsPerReplica: 4, zones: ["us-central1-a"] },
    ...{ provisioning: "reservation", reservation: "gb200" },
  },
  tpu: { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 4 },
  slice: { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, zones: ["us-central1-a"] },
  ironwood: { accelerator: "tpu7x", acceleratorsPerReplica: 16, zones: ["us-central1-a"] },
};

describe("what the provider is told", () => {
  const declared = providerDeclarations();

  for (const [name, pool] of Object.entries(pools)) {
    it(`of the cluster and a ${name} pool is in its own words`, async () => {
      const raw = { model: "acme/model", stable: "llm", pools: { llm: { replicas: 2, ...pool } } };
      const { config, mistakes } = resolveConfig(raw, cloud);
      assert.deepEqual(mistakes, []);
      assert.ok(config?.role === "all");
      const resources = await renderStack(config);
      const found = resources.filter(({ type }) => /^gcp:container\/(nodePool|cluster):/.test(type));
      assert.ok(found.length >= 2, "cluster and node pool");
      const wrong = found.flatMap(({ type, inputs }) =>
        mistakesIn(inputs, `${type.replace(/^.*:/, "")}Args`, declared),
      );
      assert.deepEqual([...new Set(wrong)], []);
    });
  }

  it("is found out where a word, or a field, is not the provider's", () => {
    const pool = (nodeConfig: object): string[] => mistakesIn({ nodeConfig }, "NodePoolArgs", declared);
    const driver = (gpuDriverVersion: string): object => ({
      guestAccelerators: [{ type: "nvidia-l4", count: 1, gpuDriverInstallationConfig: { gpuDriverVersion } }],
    });
    assert.deepEqual(pool(driver("LATEST")), []);
    assert.match(pool(driver("NEWEST")).join(), /gpuDriverVersion is NEWEST; the provider takes .*LATEST/);
    assert.match(pool({ taints: [{ effect: "NoSchedule" }] }).join(), /effect is NoSchedule/);
    assert.match(pool({ spots: true }).join(), /nodeConfig\.spots: the provider has no such field/);
  });
});
