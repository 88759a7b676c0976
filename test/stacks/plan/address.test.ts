import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawConfig } from "../../../stacks/config/parse";
import { fixText } from "../../../stacks/messages/edits";
import type { Observed } from "../../../stacks/plan/observed";
import type { OtherRoutes } from "../../../stacks/plan/routes";
import { gateway, known, othersOf, poolRef, type RouteFields } from "./route-fixtures";
import { at } from "./scenarios";
import { deployed, planned } from "./worlds";

/* The address by which clients come: no update takes it away from them. */

/** Live, and what the config makes of it. */
function world(live: RouteFields, wanted: Partial<OtherRoutes["gateway"]> = {}): Observed {
  const customers = known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], live);
  return { ...deployed(at(10)), others: othersOf([], { customers, gateway: { ...gateway, ...wanted } }) };
}

const refusalsOf = (observed: Observed, changes: RawConfig = {}): string[] =>
  planned({ ...at(10), ...changes }, observed).refusals.map(({ rule, fix }) => `${rule}: ${fixText(fix)}`);

describe("the address of the customers' route", () => {
  const named = { hostnames: ["llm.example.com"] };

  it("may stay, and take more clients", () => {
    assert.deepEqual(refusalsOf(world({})), []);
    assert.deepEqual(refusalsOf(world(named, { hostname: "llm.example.com" })), []);
    assert.deepEqual(refusalsOf(world(named, { hostname: "*.example.com" })), []);
    assert.deepEqual(refusalsOf(world(named)), []);
  });

  it("is not exchanged for another, up or back", () => {
    const observed = world(named, { hostname: "chat.example.com" });
    for (const weight of [0, 10, 60]) {
      assert.deepEqual(refusalsOf(observed, { weight }), [
        "address-dropped: pulumi config set --path 'gateway.hostname' llm.example.com",
      ]);
    }
    assert.deepEqual(refusalsOf(observed, { hostname: "chat.example.com" }), [
      "address-dropped: pulumi config set hostname llm.example.com",
    ]);
    assert.deepEqual(refusalsOf(observed, { allow: ["address-dropped"] }), []);
  });

  it("is not narrowed: clients without the name would get 404", () => {
    assert.deepEqual(
      refusalsOf(world({}, { hostname: "llm.example.com" }), { hostname: "llm.example.com" }),
      ["address-dropped: pulumi config rm hostname"],
    );
  });

  it("stays on its Gateway", () => {
    assert.deepEqual(refusalsOf(world({}, { name: "new" })), [
      "address-dropped: pulumi config set --path 'gateway.name' my-inference-gateway && pulumi config set --path 'gateway.namespace' default",
    ]);
    const [text] = refusalsOf(world({}, { name: "new", configurable: false }));
    assert.match(text ?? "", /restore the platform stack/);
  });

  it("is not narrowed by what somebody has added to the live route, but for going back", () => {
    const both = { hostnames: ["llm.example.com", "old.example.com"] };
    const observed = world(both, { hostname: "llm.example.com" });
    const [text] = refusalsOf(observed, { weight: 60 });
    assert.match(
      text ?? "",
      /^address-dropped: take old\.example\.com out of the route.*kubectl edit httproute/,
    );
    assert.deepEqual(refusalsOf(observed, { weight: 0 }), []);
    const parents = { parents: [{ name: "my-inference-gateway" }, { name: "second" }] };
    assert.match(refusalsOf(world(parents), { weight: 60 })[0] ?? "", /take Gateway default\/second out/);
    assert.deepEqual(refusalsOf(world(parents), { weight: 0 }), []);
  });

  it("is the platform's to restore where the service has none of its own", () => {
    const observed = world({}, { hostname: "llm.example.com", configurable: false });
    assert.match(refusalsOf(observed)[0] ?? "", /have the platform stack's gateway\.hostname removed/);
  });

  it("may go with the service", () => {
    const observed = world(named, { hostname: "chat.example.com" });
    assert.deepEqual(refusalsOf(observed, { allow: ["destroy"] }), []);
  });
});
