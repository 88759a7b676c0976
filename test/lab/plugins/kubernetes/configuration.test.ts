import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { assertLabServer } from "../protocol/guard";
import { unknown, type Properties } from "../protocol/values";
import { Credentials } from "./api/credentials";
import { activeConfig, parseKubeconfig, type ActiveConfig } from "./api/kubeconfig";
import { diffConfig } from "./config-diff";
import { readConfiguration } from "./configuration";

const kubeconfig = (server: string, extra: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    clusters: [
      { name: "one", cluster: { server, ...extra } },
      { name: "two", cluster: { server: "https://two" } },
    ],
    contexts: [
      { name: "one", context: { cluster: "one", user: "me", namespace: "mine" } },
      { name: "two", context: { cluster: "two", user: "me" } },
    ],
    users: [{ name: "me", user: { token: "t" } }],
  });
const variables = (values: Record<string, string>): Map<string, string> =>
  new Map(Object.entries(values).map(([key, value]) => [`kubernetes:config:${key}`, value]));

describe("kubeconfigs", () => {
  test("content in JSON or YAML, or the path of a file", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubeconfig-"));
    const file = path.join(folder, "config");
    fs.writeFileSync(
      file,
      "clusters:\n- name: a\n  cluster: {server: 'https://a', certificate-authority: ca.crt}\n",
    );
    assert.equal(
      parseKubeconfig(file).clusters?.[0]?.cluster?.["certificate-authority"],
      path.join(folder, "ca.crt"),
    );
    assert.equal(parseKubeconfig("current-context: a\nclusters: []\n")["current-context"], "a");
    assert.throws(() => parseKubeconfig("nonsense"), /neither the path of a file nor a kubeconfig/);
    fs.rmSync(folder, { recursive: true });
  });

  test("context, cluster and namespace, with what overrides them", () => {
    const config = parseKubeconfig(kubeconfig("https://one/"));
    assert.deepEqual(
      [activeConfig(config, {}).server, activeConfig(config, {}).namespace],
      ["https://one", "mine"],
    );
    assert.equal(activeConfig(config, { context: "two" }).namespace, "default");
    assert.equal(activeConfig(config, { cluster: "two" }).server, "https://two");
    assert.equal(activeConfig(config, { namespace: "other" }).namespace, "other");
    assert.throws(() => activeConfig(config, { context: "three" }), /context "three" does not exist/);
    assert.throws(() => activeConfig({}, {}), /no configuration has been provided/);
  });

  test("credential plugins give a token, and are asked again when it is refused", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "exec-"));
    const counter = path.join(folder, "count");
    const script = `echo x >> ${counter}; printf '{"status":{"token":"%s-%s"}}' "$NAME" "$(wc -l < ${counter})"`;
    const exec = { command: "sh", args: ["-c", script], env: [{ name: "NAME", value: "n" }] };
    const config: ActiveConfig = { server: "https://a", namespace: "", cluster: {}, user: { exec } };
    const credentials = new Credentials(config);
    assert.deepEqual(
      [await credentials.authorization(), await credentials.authorization()],
      ["Bearer n-1", "Bearer n-1"],
    );
    assert.ok(credentials.renew());
    assert.equal(await credentials.authorization(), "Bearer n-2");
    const broken = new Credentials({
      ...config,
      user: { exec: { command: "sh", args: ["-c", "echo no >&2; exit 3"] } },
    });
    await assert.rejects(broken.authorization(), /executable sh failed with exit code 3: no/);
    const missing = new Credentials({ ...config, user: { exec: { command: "no-such-plugin" } } });
    await assert.rejects(missing.authorization(), /executable no-such-plugin not found/);
    fs.rmSync(folder, { recursive: true });
  });

  test("only the lab's server", () => {
    const lab = { folder: "", server: "https://127.20.0.1:6443", caFile: "", tokenFile: "" };
    assertLabServer(lab, "https://127.20.0.1:6443/");
    assert.throws(
      () => assertLabServer(lab, "https://127.20.0.1:6444"),
      /only, not to https:\/\/127\.20\.0\.1:6444/,
    );
    assert.throws(() => assertLabServer(lab, "https://34.1.2.3"), /Rehearsals never touch a real cluster/);
  });
});

describe("provider arguments", () => {
  test("defaults, arguments, environment", () => {
    const { serverSideApply, patchForce, mutable, namespace } = readConfiguration(
      variables({ kubeconfig: kubeconfig("https://one") }),
      {},
    );
    assert.deepEqual(
      { serverSideApply, patchForce, mutable, namespace },
      {
        ...{ serverSideApply: true, patchForce: false, namespace: "mine" },
        mutable: { configMaps: false, secrets: false },
      },
    );
    const env = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true", PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE: "true" };
    const given = readConfiguration(
      variables({ kubeconfig: kubeconfig("https://one"), enablePatchForce: "false" }),
      env,
    );
    assert.deepEqual(
      [given.patchForce, given.mutable.configMaps],
      [false, true],
      "an argument beats the environment",
    );
    assert.match(
      readConfiguration(variables({ kubeconfig: "nonsense" }), {}).unreachable ?? "",
      /failed to parse kubeconfig data/,
    );
    assert.match(
      readConfiguration(variables({ kubeconfig: "{}" }), {}).unreachable ?? "",
      /unable to load Kubernetes client configuration/,
    );
    assert.throws(
      () => readConfiguration(variables({ renderYamlToDirectory: "x" }), {}),
      /does not render YAML/,
    );
  });

  test("another cluster means replacement, another token does not", () => {
    const diff = (olds: Properties, inputs: Properties) =>
      diffConfig({ urn: "", type: "", name: "", id: "", oldInputs: olds, olds, inputs, ignoreChanges: [] });
    const one = { kubeconfig: kubeconfig("https://one") };
    assert.equal(diff(one, one).changes, false);
    assert.deepEqual(diff(one, { kubeconfig: kubeconfig("https://other") }).replaces, ["kubeconfig"]);
    assert.deepEqual(diff(one, { kubeconfig: kubeconfig("https://one").replace('"t"', '"u"') }).replaces, []);
    assert.deepEqual(diff(one, { ...one, context: "two" }).replaces, ["context"]);
    assert.deepEqual(diff(one, { kubeconfig: unknown }).replaces, ["kubeconfig"]);
    assert.deepEqual(diff(one, { ...one, enablePatchForce: "true" }), {
      changes: true,
      diffs: ["enablePatchForce"],
      replaces: [],
    });
    const pinned = { clusterIdentifier: "a" };
    assert.deepEqual(diff({ ...one, ...pinned }, { kubeconfig: unknown, ...pinned }).replaces, []);
    assert.deepEqual(diff({ ...one, ...pinned }, { ...one, clusterIdentifier: "b" }).replaces, [
      "clusterIdentifier",
    ]);
  });
});
