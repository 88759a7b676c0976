import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unknown, type Properties } from "../../protocol/values";
import { detailedDiff, isInside, parsePath, pathText } from "./detailed";
import { forceNewPaths } from "./force-new";
import { liveInputs } from "./live-inputs";
import { normalize } from "./normalize";
import { prune } from "./prune";
import { quantity, sameQuantity } from "./quantity";
import { diffResource, type ResourceChange } from "./resource";

const deployment = (
  spec: Properties,
  metadata: Properties = { name: "d", namespace: "default" },
): Properties => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata,
  spec,
});
const change = (live: Properties, sent: Properties, inputs: Properties, more: Partial<ResourceChange> = {}) =>
  diffResource({
    live,
    sent,
    inputs,
    namespaced: true,
    isPatch: false,
    mutable: { configMaps: false, secrets: false },
    ignoreChanges: [],
    ...more,
  });
const kinds = (result: ReturnType<typeof change>): Record<string, string> =>
  Object.fromEntries([...(result.detailedDiff ?? [])].map(([path, { kind }]) => [path, kind]));

describe("diff", () => {
  test("what the cluster fills in is no difference, at any depth", () => {
    const sent = deployment({ replicas: 1, template: { spec: { containers: [{ name: "c" }] } } });
    const live = {
      ...deployment(
        {
          replicas: 1,
          strategy: {},
          template: {
            spec: { dnsPolicy: "x", containers: [{ name: "c", image: "i" }, { name: "sidecar" }] },
          },
        },
        { name: "d", namespace: "default", uid: "u", resourceVersion: "9" },
      ),
      status: {},
    };
    assert.deepEqual(prune(live, sent), sent);
    assert.equal(change(live, sent, sent).changes, false);
  });

  test("drift that is in the state shows; so do additions, deletions and unknowns", () => {
    const sent = deployment({ replicas: 1, paused: true, template: { a: ["x", "y"] } });
    const live = deployment({ replicas: 5, paused: true, template: { a: ["x", "y"] } });
    const inputs = deployment({ replicas: 1, template: { a: ["x"], b: { c: 1 } }, minReadySeconds: unknown });
    assert.deepEqual(kinds(change(live, sent, inputs)), {
      "spec.replicas": "update",
      "spec.paused": "delete",
      "spec.template.a[1]": "delete",
      "spec.template.b": "add",
      "spec.minReadySeconds": "add",
    });
  });

  test("immutable fields mean another object, deleted first where its name is fixed", () => {
    const old = deployment({ selector: { matchLabels: { a: "1" } } });
    const result = change(old, old, deployment({ selector: { matchLabels: { a: "2" } } }));
    assert.deepEqual(kinds(result), { "spec.selector.matchLabels.a": "update-replace" });
    assert.equal(result.deleteBeforeReplace, true);
    const auto = { name: "d", namespace: "default", annotations: { "pulumi.com/autonamed": "true" } };
    const named = deployment({ selector: { matchLabels: { a: "2" } } }, auto);
    assert.equal(change(deployment({}, auto), deployment({}, auto), named).deleteBeforeReplace, false);
    const renamed = change(
      old,
      old,
      deployment({ selector: { matchLabels: { a: "1" } } }, { name: "e", namespace: "default" }),
    );
    assert.deepEqual(kinds(renamed), { "metadata.name": "update-replace" });
    assert.equal(renamed.deleteBeforeReplace, false);
    const unnamed = change(
      old,
      old,
      deployment({ selector: { matchLabels: { a: "1" } } }, { name: unknown, namespace: "default" }),
    );
    assert.equal(unnamed.deleteBeforeReplace, false);
  });

  test("a whole map that appears is looked into for what cannot change", () => {
    const paths = forceNewPaths({ apiVersion: "v1", kind: "Pod" }, false, {
      configMaps: false,
      secrets: false,
    });
    const diff = detailedDiff({
      old: { spec: {} },
      inputs: { spec: { containers: [{ name: "c", image: "i" }], activeDeadlineSeconds: 1 } },
      sent: {},
      builtin: true,
      forceNew: paths,
    });
    assert.deepEqual(
      [...diff].map(([path, { kind }]) => `${path} ${kind}`),
      ["spec.containers add-replace", "spec.activeDeadlineSeconds add"],
    );
  });

  test("data of ConfigMaps and Secrets replaces them, unless the provider says they are mutable", () => {
    const map = (data: Properties, immutable?: boolean): Properties => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "m", namespace: "default" },
      data,
      ...(immutable === undefined ? {} : { immutable }),
    });
    const mutable = { configMaps: true, secrets: true };
    assert.deepEqual(kinds(change(map({ a: "1" }), map({ a: "1" }), map({ a: "2" }))), {
      "data.a": "update-replace",
    });
    assert.deepEqual(kinds(change(map({ a: "1" }), map({ a: "1" }), map({ a: "2" }), { mutable })), {
      "data.a": "update",
    });
    const fixed = change(map({ a: "1" }, true), map({ a: "1" }, true), map({ a: "2" }, true), { mutable });
    assert.deepEqual(kinds(fixed), { "data.a": "update-replace" });
    assert.deepEqual(kinds(change(map({}), map({}), map({ a: "2" }), { isPatch: true })), {
      "data.a": "add",
    });
  });

  test("ignored paths, everything below them included", () => {
    const old = deployment({ replicas: 1, template: { a: 1 } });
    const wanted = deployment({ replicas: 2, template: { a: 2 } });
    const ignoreChanges = ["spec.replicas", "spec.template"];
    assert.equal(change(old, old, wanted, { ignoreChanges }).changes, false);
    assert.deepEqual(parsePath('spec.a[0]["b.c/d"].e'), ["spec", "a", 0, "b.c/d", "e"]);
    assert.equal(pathText(["spec", "a", 0, "b.c/d", "e"]), 'spec.a[0]["b.c/d"].e');
    assert.ok(isInside(["a", 1, "b"], ["a", "*"]) && !isInside(["a"], ["a", "b"]));
    assert.throws(() => parsePath("a]"), /failed to parse ignore path/);
  });

  test("a namespace that is not given is the default one; kinds without namespaces have none", () => {
    const old = deployment({}, { name: "d", namespace: "default" });
    assert.equal(change(old, old, deployment({}, { name: "d" })).changes, false);
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" } };
    assert.equal(
      change(node, node, { ...node, metadata: { name: "n", namespace: "x" } }, { namespaced: false }).changes,
      false,
    );
  });
});

describe("what the API server writes in another way", () => {
  const container = (resources: Properties, more: Properties = {}): Properties =>
    deployment({ template: { spec: { containers: [{ name: "c", resources, ...more }] } } });

  test("quantities", () => {
    assert.deepEqual(["100m", "0.1", "1Gi", "1073741824", "1e3", "2Ki", "x", ""].map(quantity), [
      ...[0.1, 0.1, 2 ** 30, 2 ** 30, 1000, 2048],
      ...[undefined, undefined],
    ]);
    assert.ok(sameQuantity(["resources", "limits", "cpu"], "1000m", 1));
    assert.ok(!sameQuantity(["resources", "limits", "cpu"], "1000m", "2"));
    assert.ok(!sameQuantity(["data", "cpu"], "1000m", "1"));
    const sent = container({ requests: { cpu: "1000m", memory: "0.5Gi" } });
    const live = container({ requests: { cpu: "1", memory: "512Mi" } });
    assert.equal(change(live, sent, sent).changes, false);
    assert.deepEqual(liveInputs(live, sent), sent);
    assert.equal(change(live, sent, container({ requests: { cpu: "2", memory: "0.5Gi" } })).changes, true);
  });

  test("empty values that were sent and are not kept; a new empty value is a change", () => {
    const sent = container({}, { env: [], tty: false });
    const live = container({}, {});
    assert.equal(change(live, sent, sent).changes, false);
    assert.deepEqual(liveInputs(live, sent), sent);
    assert.deepEqual(kinds(change(live, container({}), sent)), {
      "spec.template.spec.containers[0].env": "add",
      "spec.template.spec.containers[0].tty": "add",
    });
    const custom = { ...sent, apiVersion: "example.com/v1" };
    assert.equal(change({ ...live, apiVersion: "example.com/v1" }, custom, custom).changes, true);
  });

  test("a Secret's stringData becomes data, and what only the server sets goes", () => {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", uid: "u" },
      stringData: { a: "b" },
      data: { c: "ZA ==" },
    };
    assert.deepEqual(normalize(secret), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      data: { a: "Yg==", c: "ZA==" },
    });
    const later = { ...secret, stringData: { a: unknown } };
    assert.deepEqual(normalize(later)["stringData"], { a: unknown });
  });
});
