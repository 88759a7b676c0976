import assert from "node:assert/strict";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { printedByFiles, readQuickly, selectedByFiles } from "../../../rollout/pulumi/quick-reading";

/* What a rollback reads from files instead of asking the CLI; the CLI's own word: quick-reading.cluster.test.ts. */

const project = "name: inference-rollout\nruntime: nodejs\n";

describe("a stack's config, read from its files", () => {
  it("is what the CLI prints", async () => {
    const stack =
      'config:\n  inference-rollout:weight: "60"\n  inference-rollout:pools: { llm: { replicas: 6 } }\n';
    assert.deepEqual(await printedByFiles(`${project}config:\n  candidate:\n    default: ""\n`, stack), {
      "inference-rollout:candidate": { value: "", secret: false },
      "inference-rollout:weight": { value: "60", secret: false },
      "inference-rollout:pools": { objectValue: { llm: { replicas: 6 } }, secret: false },
    });
  });

  it("shows no secret, whole or inside an object", async () => {
    const stack =
      "config:\n  inference-rollout:token: { secure: v1:a:b }\n  inference-rollout:pools: { llm: [a, { secure: v1:a:b }] }\n";
    assert.deepEqual(await printedByFiles(project, stack), {
      "inference-rollout:token": { secret: true },
      "inference-rollout:pools": { secret: true },
    });
  });

  for (const [what, projectFile, stackFile] of [
    ["an environment of Pulumi ESC", project, "environment: [prod]\nconfig: { inference-rollout:weight: 1 }"],
    ["no YAML", project, "config: {"],
    ["a key twice", project, "config:\n  inference-rollout:weight: 1\n  inference-rollout:weight: 2\n"],
    ["a time without quotes", project, "config: { inference-rollout:rolledBack: { time: 2026-11-27 } }"],
    ["a time without quotes, as a whole", project, "config: { inference-rollout:time: 2026-11-27 }"],
    ["nothing as a value", project, "config: { inference-rollout:weight: }"],
    ["nothing inside a value", project, "config: { inference-rollout:allow: [frozen, null] }"],
    ["a fraction", project, "config: { inference-rollout:weight: 0.5 }"],
    ["a key of an old form", project, "config: { inference-rollout:config:weight: 1 }"],
    ["a key without a project", project, "config: { weight: 1 }"],
    [
      "a typed key in the project",
      `${project}config: { weight: { type: integer, default: 0 } }`,
      "config: {}",
    ],
    ["a secret in the project", `${project}config: { a: { default: x, secret: true } }`, "config: {}"],
    ["another project's key in the project", `${project}config: { gcp:zone: { value: a } }`, "config: {}"],
    ["a value of the project's", `${project}config: { weight: 0 }`, "config: {}"],
  ] as const) {
    it(`is left to the CLI with ${what}`, async () =>
      assert.equal(await printedByFiles(projectFile, stackFile), undefined));
  }
});

describe("the selected stack, read from files", () => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "quick-reading-")));
  const home = path.join(folder, "home");
  const file = path.join(folder, "Pulumi.yaml");
  const settings = (content: unknown): void => {
    const hash = crypto.createHash("sha1").update(fs.realpathSync(file)).digest("hex");
    fs.mkdirSync(path.join(home, "workspaces"), { recursive: true });
    fs.writeFileSync(
      path.join(home, "workspaces", `inference-rollout-${hash}-workspace.json`),
      JSON.stringify(content),
    );
  };
  before(() => {
    fs.writeFileSync(file, project);
    fs.writeFileSync(path.join(folder, "Pulumi.dev.yaml"), "config: {}\n");
  });
  after(() => fs.rmSync(folder, { recursive: true }));
  const selected = (): string | undefined => selectedByFiles(folder, { PULUMI_HOME: home });

  it("is the environment's, before all", () =>
    assert.equal(selectedByFiles(folder, { PULUMI_HOME: home, PULUMI_STACK: "prod" }), "prod"));

  it("is nobody's where nothing is selected", () => assert.equal(selected(), undefined));

  it("is the one that the project's settings name, in both of their forms", () => {
    settings({ stack: "acme/inference-rollout/dev" });
    assert.equal(selected(), "acme/inference-rollout/dev");
    settings({ stacks: { "file://~": "organization/inference-rollout/dev" } });
    assert.equal(selected(), "organization/inference-rollout/dev");
  });

  it("is left to the CLI where each backend has another one", () => {
    settings({ stacks: { "file://~": "dev", "gs://states": "prod" } });
    assert.equal(selected(), undefined);
    // Of a version before backends were kept apart.
    settings({ stacks: { "file://~": "dev" }, stack: "prod" });
    assert.equal(selected(), undefined);
  });

  it("is left to the CLI where the project is reached over a link: there it may be another one", () => {
    settings({ stack: "dev" });
    const link = path.join(folder, "link");
    fs.symlinkSync(folder, link);
    const by = (PWD: string, of = folder): string | undefined =>
      selectedByFiles(of, { PULUMI_HOME: home, PWD });
    assert.equal(by(link), undefined);
    assert.equal(by(folder, link), undefined);
    assert.equal(by(folder), "dev");
    assert.equal(by(home), "dev", "left over from somewhere else");
    assert.equal(by(path.join(folder, "gone")), "dev");
  });

  it("is read with its config, or not at all", async () => {
    settings({ stack: "acme/inference-rollout/dev" });
    const env = { PULUMI_HOME: home };
    const named = "acme/inference-rollout/dev";
    for (const stack of [undefined, named])
      assert.deepEqual(await readQuickly(folder, stack, env), { stack: "dev", named, printed: "{}" });
    assert.deepEqual(await readQuickly(folder, "dev", env), { stack: "dev", named: "dev", printed: "{}" });
    assert.equal(await readQuickly(folder, "prod", env), undefined);
    assert.equal(await readQuickly(path.join(folder, "elsewhere"), "dev", env), undefined);
  });
});
