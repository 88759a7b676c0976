import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { gkeKubeconfig } from "../../../components/cluster/inference-cluster";
import {
  hasKept,
  isAsKept,
  keepable,
  keepOutputs,
  keptOutputs,
  keptPlatform,
  withoutCredentials,
} from "../../../stacks/state/kept-outputs";
import type { Latch } from "../../../stacks/plan/observed";

const kubeconfig = gkeKubeconfig("inference", "203.0.113.7", "Y2VydGlmaWNhdGU=");
const outputs = {
  deployed: { stable: "llm", candidate: "llm-new", weights: { llm: 70, "llm-new": 30 } },
  owner: "c0ffee",
  kubeconfig,
  previewSecret: "not-to-be-kept",
  tryIt: { customers: "curl" },
};

describe("what an update leaves for a rollback", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kept-"));
  const environment = { ...process.env };
  before(() => {
    process.env["PULUMI_BACKEND_URL"] = "file:///here";
    fs.writeFileSync(path.join(folder, "Pulumi.yaml"), "name: inference-rollout\n");
  });
  after(() => {
    process.env = environment;
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("is read as it was kept, for its own stack and folder only", () => {
    assert.equal(hasKept(folder), false);
    keepOutputs(folder, "dev", outputs);
    assert.equal(hasKept(folder), true);
    const { deployed, owner } = outputs;
    assert.deepEqual(keptOutputs(folder, "dev"), { deployed, owner, kubeconfig });
    assert.equal(keptOutputs(folder, "prod"), undefined);
    // Another checkout with the same packages.
    const other = fs.mkdtempSync(path.join(os.tmpdir(), "kept-other-"));
    fs.symlinkSync(path.join(folder, "node_modules"), path.join(other, "node_modules"));
    assert.equal(keptOutputs(other, "dev"), undefined);
    assert.equal(hasKept(other), false);
    fs.rmSync(other, { recursive: true });
  });

  it("of a service on another stack's platform has that one's part, or nothing", () => {
    const { kubeconfig: text, ...own } = outputs;
    const platform = { stack: "platform", kubeconfig: text, gateway: { name: "inference", port: 80 } };
    keepOutputs(folder, "llm", own);
    assert.equal(keptOutputs(folder, "llm"), undefined, "nobody said how to reach the cluster");
    keepOutputs(folder, "llm", own, { platform });
    const kept = keptOutputs(folder, "llm");
    const { deployed, owner } = outputs;
    assert.deepEqual(kept, { deployed, owner, platform });
    assert.deepEqual(keptPlatform(kept), platform);
    assert.equal(keptPlatform(outputs), undefined);
    // The cluster is reached by the platform's kubeconfig.
    keepOutputs(folder, "llm", outputs, { platform: { ...platform, kubeconfig: "[secret]" } });
    assert.equal(keptOutputs(folder, "llm"), undefined);
    // It had a cluster of its own until now, with a kubeconfig of the user's.
    keepOutputs(folder, "llm", { ...own, kubeconfig: "users: [{user: {token: t0ken}}]" }, { platform });
    assert.deepEqual(keptOutputs(folder, "llm"), { deployed, owner, platform });
    const place = path.join(folder, "node_modules", ".cache", "rollout");
    for (const name of fs.readdirSync(place))
      assert.doesNotMatch(fs.readFileSync(path.join(place, name), "utf8"), /t0ken/);
    fs.rmSync(path.join(folder, "node_modules"), { recursive: true });
  });

  it("is of one backend: by the environment, by the project, or where the CLI is logged in", () => {
    keepOutputs(folder, "dev", outputs);
    const home = path.join(folder, "home");
    fs.mkdirSync(home);
    const login = (text: string): void => fs.writeFileSync(path.join(home, "credentials.json"), text);
    process.env["PULUMI_BACKEND_URL"] = "";
    process.env["PULUMI_HOME"] = home;
    const isKept = (): boolean => keptOutputs(folder, "dev") !== undefined;
    assert.ok(!isKept(), "nobody has logged in");
    keepOutputs(folder, "dev", outputs);
    assert.ok(!isKept(), "and then nothing is kept");
    login('{"current":"https://api.pulumi.com"}');
    assert.ok(!isKept());
    keepOutputs(folder, "dev", outputs);
    assert.ok(isKept());
    login('{"current":"gs://states"}');
    assert.ok(!isKept());
    fs.appendFileSync(path.join(folder, "Pulumi.yaml"), "backend:\n  url: gs://ours\n");
    assert.ok(!isKept());
    keepOutputs(folder, "dev", outputs);
    assert.ok(isKept());
    process.env["PULUMI_BACKEND_URL"] = "file:///here";
    assert.ok(isKept(), "that one is still there");
    fs.rmSync(path.join(folder, "node_modules"), { recursive: true });
  });

  it("holds no secret, and nobody else reads it", () => {
    keepOutputs(folder, "dev", outputs);
    const place = path.join(folder, "node_modules", ".cache", "rollout");
    const [name = ""] = fs.readdirSync(place);
    assert.equal(fs.readdirSync(place).length, 1);
    assert.doesNotMatch(fs.readFileSync(path.join(place, name), "utf8"), /not-to-be-kept/);
    assert.equal(fs.statSync(path.join(place, name)).mode & 0o077, 0);
  });

  it("goes when an update's outputs are not to be kept, and a file that is none is nothing", () => {
    keepOutputs(folder, "dev", outputs);
    const place = path.join(folder, "node_modules", ".cache", "rollout");
    const file = path.join(place, fs.readdirSync(place)[0] ?? "");
    for (const text of ["", "{", "[]", "null", '{"deployed":{},"owner":"x"}']) {
      fs.writeFileSync(file, text);
      assert.equal(keptOutputs(folder, "dev"), undefined, text);
    }
    keepOutputs(folder, "dev", { ...outputs, kubeconfig: "[secret]" });
    assert.equal(keptOutputs(folder, "dev"), undefined);
    assert.equal(fs.existsSync(file), false);
  });

  it("never fails: where it cannot be written it is not there", () => {
    const file = path.join(folder, "a-file");
    fs.writeFileSync(file, "");
    for (const place of [file, path.join(folder, "nowhere")]) {
      keepOutputs(place, "dev", outputs);
      assert.equal(keptOutputs(place, "dev"), undefined);
      assert.equal(hasKept(place), false);
    }
  });
});

describe("a kubeconfig that may be kept", () => {
  const changed = (edit: (config: Parsed) => void): string => {
    const config = JSON.parse(kubeconfig) as Parsed;
    edit(config);
    return JSON.stringify(config);
  };
  interface Parsed {
    users: { user: Record<string, unknown> & { exec: Record<string, unknown> } }[];
    clusters: { cluster: Record<string, unknown> }[];
    [key: string]: unknown;
  }

  it("is what this program makes for a cluster of GKE", () => {
    assert.equal(withoutCredentials(kubeconfig), true);
    assert.ok(keepable(outputs) !== undefined);
  });

  const user = (change: Record<string, unknown>): string =>
    changed(({ users }) => users.forEach((one) => Object.assign(one.user, change)));
  const exec = (change: Record<string, unknown>): string =>
    changed(({ users }) => users.forEach((one) => Object.assign(one.user.exec, change)));
  for (const [what, text] of Object.entries({
    "a token": user({ token: "t" }),
    "a password": user({ username: "u", password: "p" }),
    "a key": user({ "client-key-data": "a2V5" }),
    "an auth provider": user({ "auth-provider": { config: { "access-token": "t" } } }),
    "another plugin": exec({ command: "my-plugin" }),
    "a plugin with arguments": exec({ args: ["--token", "t"] }),
    "a plugin with variables": exec({ env: [{ name: "TOKEN", value: "t" }] }),
    "a password in its address": changed(({ clusters }) =>
      clusters.forEach(({ cluster }) => (cluster["server"] = "https://u:p@203.0.113.7")),
    ),
    "a proxy": changed(({ clusters }) =>
      clusters.forEach(({ cluster }) => (cluster["proxy-url"] = "http://u:p@proxy")),
    ),
    "something unknown": changed((config) => (config["extensions"] = [{ name: "x", extension: {} }])),
    "no users": changed((config) => Object.assign(config, { users: "x" })),
    YAML: "apiVersion: v1\nkind: Config\nusers: []\nclusters: []\n",
    "no text": "[secret]",
  })) {
    it(`does not have ${what}`, () => {
      assert.equal(withoutCredentials(text), false);
      assert.equal(keepable({ ...outputs, kubeconfig: text }), undefined);
    });
  }
});

describe("a live route", () => {
  const kept = keepable(outputs) ?? {};
  const route = { backends: [], written: { llm: 70, "llm-new": 30 } };
  const latch: Latch = { candidate: "llm-new", from: 30, reason: "slow", time: "2026-11-27T10:00:00Z" };

  it("says what was kept: split and latches", () => {
    assert.equal(isAsKept(kept, route), true);
    assert.equal(isAsKept(kept, { ...route, latches: [] }), true);
    assert.equal(isAsKept({ ...kept, deployed: { ...outputs.deployed, latches: [latch] } }, route), false);
  });

  it("says something else: another split, another latch, nothing", () => {
    assert.equal(isAsKept(kept, { ...route, written: { llm: 100 } }), false);
    assert.equal(isAsKept(kept, { ...route, written: { llm: 70.5, "llm-new": 29.5 } }), false);
    assert.equal(isAsKept(kept, { ...route, latches: [latch] }), false);
    assert.equal(isAsKept(kept, { backends: [] }), false);
    assert.equal(isAsKept(kept, undefined), false);
    assert.equal(isAsKept({ ...kept, deployed: { stable: "llm" } }, route), false);
  });
});
