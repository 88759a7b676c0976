import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { defaultGatewayKind } from "../../../components/gateways/gateway-kinds";
import type { GatewayConfig } from "../../../components/gateways/gateway";
import { confirmUpdate } from "../../../stacks/gates/confirm";
import { nothingDeployed, type Observed } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { planFor, serviceConfig } from "../cases";
import { deployed } from "../plan/worlds";
import { at } from "../plan/scenarios";

/* What an update waits for once it is carried out, and what it only warns of. */

const gateway = { name: "my-inference-gateway", namespace: "default" } as GatewayConfig;

function route(name: string, inForce: boolean, backendRefs: object[] = []): LiveObject {
  const parentRef = { name: gateway.name };
  const conditions = defaultGatewayKind.routeConditions.map(({ type }) => ({
    type,
    status: inForce ? "True" : "False",
    observedGeneration: 1,
  }));
  return {
    metadata: { name, namespace: "default", generation: 1 },
    spec: { parentRefs: [parentRef], rules: [{ backendRefs }] },
    status: { parents: [{ parentRef, conditions }] },
  };
}

interface Outcome {
  warnings: string[];
  error?: string;
  ms: number;
}

/** @param broken routes that the gateway does not confirm. */
async function confirm(
  context: TestContext,
  raw: RawConfig,
  observed: Observed,
  ...broken: string[]
): Promise<Outcome> {
  const warnings: string[] = [];
  context.mock.method(pulumi.log, "warn", (text: string) => {
    warnings.push(text);
    return Promise.resolve();
  });
  const config = serviceConfig(raw);
  const plan = planFor(config, observed);
  assert.deepEqual(plan.refusals, []);
  const refs = plan.backends.map(({ pool, weight }) => ({
    ...{ group: "inference.networking.k8s.io", kind: "InferencePool", name: pool, weight },
  }));
  const live = new Map<string, LiveObject>(
    ["routes-to-llm", "preview-of-llm", "closed-paths-of-llm"].map((name) => [
      `/httproutes/${name}`,
      route(name, !broken.includes(name), name === "routes-to-llm" ? refs : []),
    ]),
  );
  live.set(`/gateways/${gateway.name}`, {
    metadata: { name: gateway.name, namespace: "default" },
    status: { addresses: [{ value: "10.0.0.9" }] },
  });
  const began = performance.now();
  const outcome = await confirmUpdate({
    ...{ plan, observed, gateway },
    config: { ...config, gate: { ...config.gate, timeoutSeconds: 1 } },
    reader: () =>
      Promise.resolve({
        get: (path) => Promise.resolve(live.get(path.replace(/^.*(?=\/[^/]+\/[^/]+$)/, ""))),
        list: () => Promise.resolve([]),
      }),
  }).then(
    () => ({}),
    (error: unknown) => ({ error: String(error) }),
  );
  return { ...outcome, warnings, ms: performance.now() - began };
}

const preview = "preview-of-llm";
const closed = "closed-paths-of-llm";

describe("an update that is carried out", () => {
  it("is done once every route is in force", async (context) => {
    const { error, warnings } = await confirm(context, at(30), deployed(at(0)));
    assert.equal(error, undefined);
    assert.deepEqual(warnings, []);
  });

  it("does not wait for the preview route of a candidate that it leaves", async (context) => {
    const { error, warnings, ms } = await confirm(context, at(0), deployed(at(0), at(60)), preview);
    assert.equal(error, undefined);
    assert.ok(ms < 900, `${ms} ms`);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /^The preview route is not in force; customers do not come by it: gateway/,
    );
  });

  it("warns of the preview route of a candidate without weight", async (context) => {
    const { error, warnings } = await confirm(context, at(0), deployed(at(0)), preview);
    assert.equal(error, undefined);
    assert.match(warnings.join(), /The preview route is not in force/);
  });

  it("fails without the preview route of a candidate that serves, and without the customers' own", async (context) => {
    const serving = await confirm(context, at(30), deployed(at(0), at(30)), preview);
    assert.match(serving.error ?? "", /the gateway has not confirmed it after 1 s:[^]*preview-of-llm/);
    const back = await confirm(context, at(0), deployed(at(0), at(60)), "routes-to-llm");
    assert.match(back.error ?? "", /has not confirmed it after 1 s:[^]*routes-to-llm/);
  });

  it("fails while customers may administer model servers, if it is the first one", async (context) => {
    const { error } = await confirm(context, at(0), nothingDeployed, closed);
    assert.match(
      error ?? "",
      /Customers may reach the paths that administer model servers: after 1 s[^]*route default\/closed-paths-of-llm/,
    );
  });

  it("warns of it later: what was so before holds up no rollout", async (context) => {
    const { error, warnings } = await confirm(context, at(30), deployed(at(0)), closed);
    assert.equal(error, undefined);
    assert.match(warnings.join(), /^Customers may reach the paths that administer model servers: the route/);
    const back = await confirm(context, at(0), deployed(at(0), at(60)), closed);
    assert.ok(back.error === undefined && back.ms < 900, `${back.ms} ms`);
  });
});
