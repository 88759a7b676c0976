import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KubeObject } from "./api/objects";
import { expectations, meets, parseExpectation } from "./wait-for";

const annotated = (waitFor: string): KubeObject => ({
  metadata: { annotations: { "pulumi.com/waitFor": waitFor } },
});
const done = (object: KubeObject, text: string): boolean => meets(object, parseExpectation(text)).done;

describe("pulumi.com/waitFor", () => {
  test("one expression or a JSON array of them; nothing where there is none", () => {
    assert.equal(expectations({}), undefined);
    assert.equal(expectations(annotated("condition=Ready"))?.length, 1);
    assert.equal(expectations(annotated('["condition=Ready", "jsonpath={.a}=1"]'))?.length, 2);
    assert.throws(() => expectations(annotated("[]")), /at least one condition must be specified/);
    assert.throws(
      () => expectations(annotated("Ready")),
      /expected a "jsonpath=" or "condition=" prefix, got "Ready"/,
    );
  });

  test("conditions: case does not matter, generations do", () => {
    const object = (status: string, observedGeneration?: number): KubeObject => ({
      metadata: { generation: 2 },
      status: {
        conditions: [
          { type: "Programmed", status, ...(observedGeneration === undefined ? {} : { observedGeneration }) },
        ],
      },
    });
    assert.ok(done(object("True"), "condition=programmed"));
    assert.ok(done(object("True", 2), "condition=Programmed=true"));
    assert.ok(!done(object("True", 1), "condition=Programmed"));
    assert.ok(done(object("False"), "condition=Programmed=False"));
    assert.ok(!done(object("True"), "condition=Accepted"));
    assert.equal(meets({}, parseExpectation("condition=Ready")).message, "Has no .status.conditions");
  });

  test("a route's conditions at the current generation, as the program asks for them", () => {
    const text = `jsonpath={.status.parents[?@.parentRef.name=="g"].conditions[?@.type=="Accepted" && @.observedGeneration==$.metadata.generation].status}=True`;
    const route = (status: string, observedGeneration: number, name = "g"): KubeObject => ({
      metadata: { generation: 2 },
      status: {
        parents: [{ parentRef: { name }, conditions: [{ type: "Accepted", status, observedGeneration }] }],
      },
    });
    assert.ok(done(route("True", 2), text));
    assert.ok(!done(route("True", 1), text), "last generation's");
    assert.ok(!done(route("False", 2), text));
    assert.ok(!done(route("True", 2, "other"), text));
    assert.ok(!done({ metadata: { generation: 2 } }, text));
  });

  test("without a value existence is enough; a map has no value", () => {
    assert.ok(done({ spec: { a: {} } }, "jsonpath={.spec.a}"));
    assert.ok(done({ spec: { a: 3 } }, "jsonpath={ .spec.a }=3"));
    assert.ok(done({ spec: { a: true } }, "jsonpath={.spec.a}=true"));
    assert.match(
      meets({ spec: { a: {} } }, parseExpectation("jsonpath={.spec.a}=1")).error ?? "",
      /non-primitive value/,
    );
    assert.ok(
      !done({ metadata: { generation: 2 }, status: { observedGeneration: 1 }, a: 1 }, "jsonpath={.a}=1"),
    );
  });

  test("the traps of the real syntax", () => {
    assert.throws(
      () => parseExpectation("jsonpath={.a[?@.b!=1].c}=x"),
      /format should be \{\.path\}=value or \{\.path\}/,
    );
    assert.throws(() => parseExpectation("jsonpath={.a[?@.b>=1].c}=x"), /format should be/);
    assert.throws(() => parseExpectation("jsonpath={.a}="), /requires a value/);
    assert.throws(() => parseExpectation("jsonpath=.a=x"), /should be wrapped in brackets/);
    assert.throws(() => parseExpectation("jsonpath='{.a}'=x"), /should omit shell quotes/);
    assert.throws(() => parseExpectation("jsonpath={.a[}=x"), /parsing "\{\.a\[\}"/);
  });
});
