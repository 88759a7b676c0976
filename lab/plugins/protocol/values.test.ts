import * as assert from "node:assert/strict";
import { test } from "node:test";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import {
  parseUrn,
  decodeProperties,
  encodeProperties,
  equalValues,
  hasSecrets,
  hasUnknowns,
  Secret,
  Unknown,
  unknown,
  withoutSecrets,
  type Properties,
} from "./values";

const through = (properties: Properties): Properties =>
  decodeProperties(Struct.deserializeBinary(encodeProperties(properties).serializeBinary()));

test("values survive the wire: nested, empty, secret and unknown ones", () => {
  const value: Properties = {
    text: "a",
    zero: 0,
    no: false,
    nothing: null,
    list: [1, [], {}, new Secret(["b", unknown])],
    map: { "a.b/c": new Secret({ deep: "s" }), later: unknown },
  };
  assert.deepEqual(through(value), value);
  assert.ok((through(value)["map"] as Properties)["later"] instanceof Unknown);
});

test("an absent struct is an empty one, and undefined members are left out", () => {
  assert.deepEqual(decodeProperties(undefined), {});
  assert.deepEqual(decodeProperties(encodeProperties({ a: undefined, b: 1 })), { b: 1 });
});

test("unknowns of every type, output values and references are understood", () => {
  const sig = "4dabf18193072939515e22adb298388d";
  const struct = Struct.fromJavaScript({
    number: "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    object: "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    known: { [sig]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", value: "a", secret: true },
    later: { [sig]: "d0e6a833031e9bbcd3f4e8bde6ca49a4" },
    resource: { [sig]: "5cf8f73096256a8f31e491e813e4eb8e", urn: "u", id: "i" },
  });
  const expected = {
    number: unknown,
    object: unknown,
    known: new Secret("a"),
    later: unknown,
    resource: "i",
  };
  assert.deepEqual(decodeProperties(struct), expected);
});

test("secrets never print, and compare by what they hold", () => {
  const secret = new Secret("hunter2");
  assert.ok(!`${JSON.stringify({ secret })} ${secret.toString()}`.includes("hunter2"));
  assert.ok(equalValues(secret, "hunter2"));
  assert.ok(equalValues({ a: [secret] }, { a: [new Secret("hunter2")] }));
  assert.ok(!equalValues({ a: 1 }, { a: 1, b: 2 }));
  assert.ok(!equalValues(unknown, "a"));
  assert.deepEqual(withoutSecrets({ a: [new Secret({ b: new Secret(1) })] }), { a: [{ b: 1 }] });
  assert.ok(hasSecrets({ a: [{ b: secret }] }) && !hasSecrets({ a: unknown }));
  assert.ok(hasUnknowns({ a: new Secret([unknown]) }) && !hasUnknowns({ a: secret }));
});

test("a URN's type is that of the resource, not of its parents", () => {
  const urn = "urn:pulumi:dev::project::my:component:Thing$kubernetes:core/v1:Pod::a::b";
  assert.deepEqual(parseUrn(urn), {
    stack: "dev",
    project: "project",
    type: "kubernetes:core/v1:Pod",
    name: "a::b",
  });
});
