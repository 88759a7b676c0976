import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { loadAll } from "js-yaml";
import { catalogue } from "../../tools/catalogue";
import { moduleFolder } from "../../tools/sources";
import { gatewayApiBase, inferenceBase } from "./manifests";
import type { Report } from "./run";
import { gatewayApi, inferenceExtension, suites } from "./suites";
import { verify } from "./verdict";

const objectsOf = (text: string): Record<string, unknown>[] => loadAll(text) as Record<string, unknown>[];
const backend = (name: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ns}
spec: {template: {spec: {containers: [{name: main, image: x/echo-basic:v1}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ns}
`;

describe("base manifests of the conformance suites", () => {
  test("Gateway API's: backends that nothing claimed needs go, the others stay", () => {
    const names = [
      "infra-backend-v1",
      "tls-backend",
      "tls-backend-2",
      "grpc-infra-backend-v3",
      "coredns",
      "web-backend",
    ];
    const left = objectsOf(gatewayApiBase(`${names.map(backend).join("---")}---\n`));
    assert.deepEqual(
      left.map(({ kind, metadata }) => `${String(kind)} ${(metadata as { name: string }).name}`),
      ["infra-backend-v1", "web-backend"].flatMap((name) => [`Deployment ${name}`, `Service ${name}`]),
    );
  });

  test("the inference extension's: the full picker with its rights, a pod beside the Gateways", () => {
    const text = `
kind: Deployment
metadata: {name: picker}
spec: {template: {spec: {containers: [{
  name: epp, image: "registry/lwepp:v1.6.0",
  args: [--pool-name, a, --pool-namespace, ns, --zap-encoder, json, --grpc-port, "9002", --grpc-health-port, "9003"],
  readinessProbe: {grpc: {port: 9003}, initialDelaySeconds: 5, periodSeconds: 10}}]}}}
---
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
${backend("echo")}`;
    const [picker, role, echo, , idle] = objectsOf(inferenceBase(text));
    const [container] = (
      picker as { spec: { template: { spec: { containers: Record<string, unknown>[] } } } }
    ).spec.template.spec.containers;
    assert.match(String(container?.["image"]), /\/epp:v1\.5\.0$/);
    const args = container?.["args"] as string[];
    assert.deepEqual(args.slice(0, 8), [
      ...["--pool-name", "a", "--pool-namespace", "ns"],
      ...["--grpc-port", "9002", "--grpc-health-port", "9003"],
    ]);
    assert.match(args.join(" "), /header-based-testing-filter[^]*destination-endpoint-served-verifier/);
    assert.ok(!args.includes("--zap-encoder"));
    assert.equal((role as { rules: object[] }).rules.length, 2);
    assert.match(JSON.stringify(echo), /echo-basic/);
    assert.equal((idle as { kind: string }).kind, "Pod");
  });
});

describe("the verdict about a suite's report", () => {
  const status = (passed: number, failed: string[] = [], skipped: string[] = []) => ({
    result: "success",
    statistics: { Passed: passed, Failed: failed.length, Skipped: skipped.length },
    failedTests: failed,
    skippedTests: skipped,
  });
  const { claimed, unclaimed, passed, skipped } = gatewayApi;
  const features = { supportedFeatures: claimed, unsupportedFeatures: Object.keys(unclaimed) };
  const report = (core: object, extended: object): Report =>
    ({
      kind: "ConformanceReport",
      gatewayAPIVersion: "v1.5.1",
      profiles: [{ name: gatewayApi.profile, core, extended: { ...features, ...extended } }],
    }) as unknown as Report;
  const good = status(passed.core, [], Object.keys(skipped));
  const goodToo = status(passed.extended ?? 0);

  test("as claimed is good, also without extended features", () => {
    verify(gatewayApi, report(good, goodToo));
    const core = status(inferenceExtension.passed.core, [], Object.keys(inferenceExtension.skipped));
    const profiles = [{ name: inferenceExtension.profile, core }];
    verify(inferenceExtension, { kind: "ConformanceReport", gatewayAPIVersion: "", profiles });
  });

  const bad: [string, Report][] = [
    ["a core test failed", report(status(passed.core - 1, ["X"], Object.keys(skipped)), goodToo)],
    ["an extended test failed", report(good, status((passed.extended ?? 0) - 1, ["X"]))],
    [
      "a test was skipped that has no reason",
      report(status(passed.core - 1, [], ["X", ...Object.keys(skipped)]), goodToo),
    ],
    ["a test with a reason was not skipped", report(status(passed.core + 1), goodToo)],
    ["fewer tests ran", report(status(passed.core - 1, [], Object.keys(skipped)), goodToo)],
    [
      "the suite has a feature that nobody decided about",
      report(good, { ...goodToo, unsupportedFeatures: [...Object.keys(unclaimed), "New"] }),
    ],
    ["a claimed feature was not claimed", report(good, { ...goodToo, supportedFeatures: claimed.slice(1) })],
    ["no profile", { kind: "ConformanceReport", gatewayAPIVersion: "", profiles: [] }],
  ];
  for (const [name, one] of bad) test(`${name}: fails`, () => assert.throws(() => verify(gatewayApi, one)));
});

test("what is claimed and what is not do not overlap, and every reason is given", () => {
  for (const { claimed, unclaimed, skipped } of suites) {
    assert.deepEqual(
      claimed.filter((feature) => feature in unclaimed),
      [],
    );
    for (const reason of [...Object.values(unclaimed), ...Object.values(skipped)])
      assert.ok(reason.length > 20);
  }
});

test("the versions that are claimed are those that are built", () => {
  for (const { tool, module, version } of suites) {
    const pinned = fs.readFileSync(path.join(moduleFolder(tool), "go.mod"), "utf8");
    assert.match(pinned, new RegExp(`^require ${module} ${version.replaceAll(".", "\\.")}$`, "m"));
    assert.equal(`v${catalogue.find(({ name }) => name === tool)?.version ?? ""}`, version);
  }
});
