import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Secret, unknown, type Properties } from "../protocol/values";
import { textAt } from "./api/objects";
import { fromCheckpoint, toCheckpoint, toObject, withSecretsOf } from "./checkpoint";
import { hasClientSideManager, takeOverPatch, withIgnored } from "./managed-fields";
import { adoptName, assignName, fieldManager, isGenerateName, uniqueName } from "./naming";
import { propagation } from "./remove";
import { gvkOf, isPatchType } from "./types";

describe("names", () => {
  const seed = Buffer.from("seed");

  test("an object without a name gets one and is marked; it keeps it", () => {
    const named = assignName({ metadata: { labels: {} } }, "web", seed, undefined);
    assert.match(textAt(named, "metadata", "name"), /^web-[0-9a-f]{8}$/);
    assert.equal(textAt(named, "metadata", "annotations", "pulumi.com/autonamed"), "true");
    assert.deepEqual(assignName({}, "web", seed, undefined), assignName({}, "web", seed, undefined));
    assert.equal(textAt(adoptName({}, named), "metadata", "name"), textAt(named, "metadata", "name"));
    assert.deepEqual(adoptName({}, { metadata: { name: "fixed" } }), {}, "a fixed name is not adopted");
    assert.notEqual(uniqueName("a-", new Uint8Array()), uniqueName("a-", new Uint8Array()));
  });

  test("given, unknown, generated and forbidden names", () => {
    const given = { metadata: { name: "x" } };
    assert.equal(assignName(given, "web", seed, undefined), given);
    const later = { metadata: { name: unknown } };
    assert.equal(assignName(later, "web", seed, undefined), later);
    assert.ok(isGenerateName({ metadata: { generateName: "x-" } }));
    assert.equal(assignName({ metadata: unknown }, "web", seed, undefined)["metadata"], unknown);
    assert.equal(
      textAt(assignName({}, "w", seed, { mode: "enforce", proposedName: "p" }), "metadata", "name"),
      "p",
    );
    assert.throws(
      () => assignName({}, "w", seed, { mode: "disable", proposedName: "" }),
      /autonaming is disabled/,
    );
  });

  test("the field manager: from the annotation, the state, or new", () => {
    assert.equal(
      fieldManager({ metadata: { annotations: { "pulumi.com/patchFieldManager": "me" } } }, {}),
      "me",
    );
    assert.equal(fieldManager({}, { __fieldManager: "before" }), "before");
    assert.match(fieldManager({}, {}), /^pulumi-kubernetes-[0-9a-f]{8}$/);
  });

  test("types", () => {
    assert.deepEqual(gvkOf("kubernetes:core/v1:Pod"), { apiVersion: "v1", kind: "Pod" });
    assert.deepEqual(gvkOf("kubernetes:apps/v1:Deployment"), { apiVersion: "apps/v1", kind: "Deployment" });
    assert.ok(isPatchType("kubernetes:core/v1:NamespacePatch", "Namespace"));
    assert.ok(!isPatchType("kubernetes:core/v1:Namespace", "Namespace"));
    assert.throws(() => gvkOf("kubernetes:v1:Pod"), /does not have both a group and a version/);
  });
});

describe("checkpoints", () => {
  test("what is secret in the inputs is secret in the outputs, and all data of a Secret", () => {
    const given = { kind: "Thing", spec: { token: new Secret("t"), list: [1, new Secret(2)], open: "o" } };
    const inputs = toObject(given);
    assert.deepEqual(inputs, { kind: "Thing", spec: { token: "t", list: [1, 2], open: "o" } });
    const live = { ...inputs, spec: { ...(inputs["spec"] as Properties), more: 1 }, status: {} };
    const outputs = toCheckpoint({ live, inputs }, given, "v1", "manager");
    assert.deepEqual((outputs["spec"] as Properties)["token"], new Secret("t"));
    assert.deepEqual((outputs["spec"] as Properties)["list"], new Secret([1, 2]));
    assert.deepEqual((outputs["__inputs"] as Properties)["spec"], {
      ...given.spec,
      list: new Secret([1, 2]),
    });
    assert.deepEqual(fromCheckpoint(outputs).inputs, inputs);
    assert.equal(textAt(fromCheckpoint(outputs).live, "__fieldManager"), "manager");
    const secret = withSecretsOf({ kind: "Secret", type: "Opaque", data: { a: "b" } }, {});
    assert.deepEqual(secret, { kind: "Secret", type: "Opaque", data: new Secret({ a: "b" }) });
  });

  test("fields of definitions that have dashes", () => {
    const given = { spec: { x_kubernetes_preserve_unknown_fields: true, other_name: 1 } };
    assert.deepEqual(toObject(given), {
      spec: { "x-kubernetes-preserve-unknown-fields": true, other_name: 1 },
    });
    assert.deepEqual(toCheckpoint({ live: toObject(given), inputs: {} }, {}, "", "")["spec"], given.spec);
  });
});

describe("managed fields", () => {
  const entry = (
    manager: string,
    operation: string,
    fieldsV1: Properties,
    more: Properties = {},
  ): Properties => ({
    ...{ manager, operation, fieldsV1, apiVersion: "v1" },
    ...more,
  });
  const live = (...managedFields: Properties[]): Properties => ({
    metadata: { resourceVersion: "7", managedFields },
    spec: { replicas: 5, paused: true },
  });

  test("the first apply takes over what the create owns, and kubectl, and nobody else", () => {
    const object = live(
      entry("pulumi-kubernetes", "Update", { "f:spec": { "f:a": {} } }),
      entry("kubectl", "Update", { "f:spec": { "f:b": {} } }),
      entry("controller", "Update", { "f:status": {} }),
      entry("kubectl", "Update", { "f:status": {} }, { subresource: "status" }),
    );
    const patch = takeOverPatch(object, "mine") as unknown as {
      path: string;
      value: Properties[] | string;
    }[];
    const fields = patch[0]?.value as Properties[];
    assert.deepEqual(
      fields.map((one) => textAt(one, "manager")),
      ["controller", "kubectl", "mine"],
    );
    assert.deepEqual(fields[2]?.["fieldsV1"], { "f:spec": { "f:a": {}, "f:b": {} } });
    assert.equal(fields[2]["operation"], "Apply");
    assert.equal(patch[1]?.value, "7", "of this version and no other");
    assert.equal(
      takeOverPatch(live(entry("mine", "Apply", {}), entry("x", "Update", {})), "mine"),
      undefined,
    );
    assert.ok(hasClientSideManager(object) && !hasClientSideManager(live(entry("mine", "Apply", {}))));
  });

  test("ignored fields: left to others, kept where they are ours, wanted where nobody has them", () => {
    const theirs = live(
      entry("hpa", "Update", { "f:spec": { "f:replicas": {} } }),
      entry("mine", "Apply", { "f:spec": { "f:paused": {} } }),
    );
    const inputs = { spec: { replicas: 1, paused: false, minReadySeconds: 3 } };
    const ignored = ["spec.replicas", "spec.paused", "spec.minReadySeconds"];
    assert.deepEqual(withIgnored(inputs, theirs, "mine", ignored), {
      spec: { paused: true, minReadySeconds: 3 },
    });
    const both = live(
      entry("hpa", "Update", { "f:spec": { "f:replicas": {} } }),
      entry("mine", "Apply", { "f:spec": { "f:replicas": {} } }),
    );
    assert.deepEqual(withIgnored(inputs, both, "mine", ["spec.replicas"])["spec"], {
      ...inputs.spec,
      replicas: 5,
    });
  });
});

test("deletion is in the foreground unless an annotation says otherwise", () => {
  const annotated = (policy: string): Properties => ({
    metadata: { annotations: { "pulumi.com/deletionPropagationPolicy": policy } },
  });
  assert.deepEqual([{}, annotated("Orphan"), annotated("background"), annotated("x")].map(propagation), [
    ...["Foreground", "Orphan", "Background", "Foreground"],
  ]);
});
