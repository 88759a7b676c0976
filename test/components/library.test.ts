import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import * as k8s from "@pulumi/kubernetes";
import * as ts from "typescript";
import { rendered } from "../rendering";
import { ServingPool, sglang } from "../../components";

/*
 * components/ as others use it: without this project's config, by what its index exports.
 */

const components = path.join(__dirname, "..", "..", "components");

const files = fs
  .readdirSync(components, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => path.join(components, file));

/** The example of components/index.ts. */
function example(): unknown {
  // begin
  const provider = new k8s.Provider("cluster", { kubeconfig: process.env["KUBECONFIG"] ?? "" });
  const pool = new ServingPool(
    "llm",
    {
      service: "llm",
      pool: "llm",
      namespace: "default",
      model: "Qwen/Qwen3-8B",
      replicas: 2,
      hardware: { accelerator: "nvidia-l4" },
      server: { engine: "vllm", args: ["--max-model-len", "8192"] },
      objectives: [{ name: "chat", priority: 10 }],
      nodes: { cluster: "inference", location: "us-central1", project: "acme-ml" },
    },
    { provider },
  );
  // An HTTPRoute that names the InferencePool `llm` depends on these.
  const after = { provider, dependsOn: pool.ready };
  // end
  return after;
}

describe("the example in components/index.ts", () => {
  it("is the one that is run here", () => {
    const header = fs.readFileSync(path.join(components, "index.ts"), "utf8");
    const [, shown = ""] = /```ts\n([\s\S]*?) \* ```/.exec(header) ?? [];
    const [, run = ""] = /\/\/ begin\n([\s\S]*?)\n *\/\/ end/.exec(fs.readFileSync(__filename, "utf8")) ?? [];
    const lines = (text: string): string[] =>
      text
        .split("\n")
        .map((line) => line.replace(/^ \* ?/, "").trim())
        .filter((line) => line !== "" && !line.startsWith("import "));
    assert.deepEqual(lines(shown), lines(run));
    assert.ok(lines(shown).length <= 21, "as short as the header says");
  });

  it("makes a pool with everything that belongs to it", async () => {
    const made = (await rendered(example)).map(({ type, inputs }) => {
      const kind = inputs["kind"] as string | undefined;
      return kind ?? type.replace(/^.*:/, "");
    });
    for (const kind of [
      ...["NodePool", "Deployment", "InferencePool", "InferenceObjective", "PodDisruptionBudget"],
      ...["HealthCheckPolicy", "GCPBackendPolicy", "PodMonitoring", "ConfigMap", "ServiceAccount"],
    ]) {
      assert.ok(made.includes(kind), `${kind} in ${made.join(", ")}`);
    }
  });
});

describe("a pool that cannot be", () => {
  it("is refused with everything that is wrong, before anything of it is made", async () => {
    let error: unknown;
    const { metrics, ...unmeasured } = sglang;
    assert.ok(metrics !== undefined);
    const made = await rendered(() => {
      try {
        new ServingPool("llm", {
          ...{ service: "llm", pool: "llm", namespace: "default", model: "Qwen/Qwen3-8B", replicas: 1 },
          hardware: { accelerator: "tpu-v6e-slice" },
          server: { engine: unmeasured },
          adapters: { revision: "r", adapters: [] },
          autoscaling: { max: 2, metric: "queue", target: 10, shrinkAfterSeconds: 600 },
        });
      } catch (caught) {
        error = caught;
      }
    });
    assert.match(String(error), /adapters: SGLang.*no image for TPUs.*autoscaling: /);
    assert.deepEqual(
      made.map(({ type }) => type),
      ["inference-rollout:index:ServingPool"],
    );
  });
});

describe("components/", () => {
  it("imports Pulumi, node and itself, nothing else", () => {
    const outside = files.flatMap((file) =>
      [...fs.readFileSync(file, "utf8").matchAll(/(?:from|import\(|require\() ?"([^"]+)"/g)]
        .map(([, specifier = ""]) => specifier)
        .filter((specifier) => {
          if (!specifier.startsWith(".")) return !/^(@pulumi\/|node:)/.test(specifier);
          return !path.resolve(path.dirname(file), specifier).startsWith(components);
        })
        // The example of the index, as its users write it.
        .filter((specifier) => !(path.basename(file) === "index.ts" && specifier === "./components"))
        .map((specifier) => `${path.relative(components, file)}: ${specifier}`),
    );
    assert.deepEqual(outside, []);
  });

  it("says of every argument what it means", () => {
    const bare = files.flatMap((file) => {
      const source = ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
      return source.statements
        .filter((statement): statement is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(statement))
        .filter((statement) => statement.name.text.endsWith("Args"))
        .flatMap((statement) =>
          statement.members
            .filter((member) => ts.getJSDocCommentsAndTags(member).length === 0)
            .map(
              (member) => `${path.relative(components, file)}: ${statement.name.text}.${member.getText()}`,
            ),
        );
    });
    assert.deepEqual(bare, []);
  });
});
