import * as assert from "node:assert/strict";
import * as path from "node:path";
import { test } from "node:test";
import { optionsEnvironment, runtimeOptions, splitWords } from "./options";
import { pluginPackages, programDependencies } from "./packages";
import { oldKey } from "./run";

test("Node's arguments are split as a shell would", () => {
  assert.deepEqual(splitWords(""), []);
  assert.deepEqual(splitWords(`--a  "b c" 'd "e"' f\\ g ''`), ["--a", "b c", 'd "e"', "f g", ""]);
  assert.throws(() => splitWords(`--a "b`), /^Error: unclosed quote in nodeargs: --a "b$/);
});

test("options of Pulumi.yaml: TypeScript unless it is switched off", () => {
  assert.deepEqual(optionsEnvironment(runtimeOptions({})), { PULUMI_NODEJS_TYPESCRIPT: "true" });
  const options = runtimeOptions({ typescript: false, tsconfig: "other.json", nodeargs: "--a" });
  assert.deepEqual(options, { typescript: false, tsconfig: "other.json", nodeArgs: ["--a"] });
  assert.throws(() => runtimeOptions({ typescript: "no" }), /must be a boolean/);
  assert.throws(() => runtimeOptions({ nodeargs: 1 }), /must be a string/);
});

test("config keys get the SDK's old form", () => {
  assert.equal(oldKey("gcp:project"), "gcp:config:project");
  assert.equal(oldKey("inference-rollout:pools"), "inference-rollout:config:pools");
});

test("the checkout needs the plugins of its packages", () => {
  const checkout = path.join(__dirname, "..", "..", "..");
  const names = pluginPackages(checkout).map(({ name, version }) => `${name} ${version}`);
  assert.ok(
    names.some((name) => /^gcp v9\./.test(name)),
    names.join(),
  );
  assert.ok(
    names.some((name) => /^kubernetes v4\./.test(name)) && names.some((name) => /^random v4\./.test(name)),
  );
  assert.ok(!names.some((name) => name.startsWith("pulumi ")), "the SDK is no provider");
  assert.ok(programDependencies(checkout, false).some(({ name }) => name === "@pulumi/pulumi"));
  assert.ok(programDependencies(checkout, true).length > programDependencies(checkout, false).length);
});
