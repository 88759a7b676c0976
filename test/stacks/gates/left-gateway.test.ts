import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GatewayConfig } from "../../../components/gateways/gateway";
import { confirmUpdate } from "../../../stacks/gates/confirm";
import { attachedElsewhere } from "../../../stacks/gates/programmed";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import type { RawConfig } from "../../../stacks/config/parse";
import { serviceConfig } from "../cases";
import { brown, gateway, take, theirs, worldOf, write } from "../plan/kept-route-cases";

/* A route that keeps its owner's shape, and its owner attaches it to another Gateway. */

const leave = (route: LiveObject): void => {
  Object.assign(route["spec"] as object, { parentRefs: [{ name: "another" }] });
};

/** An update once the plan is carried out and the route is written. */
async function confirm(route: LiveObject, weight: number, more: RawConfig = {}): Promise<number> {
  const raw = brown(weight, more);
  const world = worldOf(route, raw);
  const planned = write(route, raw);
  assert.deepEqual(planned.refusals, []);
  leave(route);
  const began = performance.now();
  await confirmUpdate({
    config: { ...serviceConfig(raw), gate: { ...serviceConfig(raw).gate, timeoutSeconds: 30 } },
    plan: planned,
    observed: world,
    gateway: gateway as unknown as GatewayConfig,
    reader: () =>
      Promise.resolve({
        get: (path) => Promise.resolve(path.endsWith("/httproutes/chat") ? route : undefined),
        list: () => Promise.resolve([]),
      }),
  });
  return performance.now() - began;
}

describe("a kept route that has left its Gateway", () => {
  it("is told from one that attaches there, also by a listener and beside others", () => {
    const at = (...parentRefs: object[]): string | undefined =>
      attachedElsewhere({ metadata: { name: "chat", namespace: "default" }, spec: { parentRefs } }, gateway);
    assert.equal(at({ name: "other" }, { name: "my-inference-gateway", sectionName: "http" }), undefined);
    assert.equal(
      at({ name: "my-inference-gateway", namespace: "infra" }),
      "Gateway infra/my-inference-gateway",
    );
    assert.equal(
      at({ name: "other" }, { kind: "Service", name: "mesh" }),
      "Gateway default/other, Service default/mesh",
    );
    assert.equal(at(), "nothing");
    assert.equal(attachedElsewhere(undefined, gateway), undefined);
  });

  it("fails an update at once, by name, that moves weight while it leaves", async () => {
    const route = theirs();
    write(route, brown(0, take));
    const began = performance.now();
    await assert.rejects(
      confirm(route, 10),
      /HTTPRoute default\/chat no longer attaches to Gateway default\/my-inference-gateway: its owner attaches it to Gateway default\/another.*pulumi config set --path 'gateway\.name' NAME/,
    );
    assert.ok(performance.now() - began < 5000);
  });

  it("does not hold up going back: the weights are written, and nothing is waited for", async () => {
    const route = theirs();
    write(route, brown(0, take));
    write(route, brown(30));
    leave(route);
    assert.ok((await confirm(route, 0)) < 5000);
  });

  it("does not hold up leaving", async () => {
    const route = theirs();
    write(route, brown(0, take));
    leave(route);
    assert.ok((await confirm(route, 0, { allow: ["release"] })) < 5000);
  });
});
