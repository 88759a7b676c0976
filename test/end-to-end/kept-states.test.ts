import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import * as yaml from "js-yaml";
import { urnOf } from "../rendering";
import { renderStack } from "../stacks/rendered-service";
import { resolveConfig } from "../../stacks/config/resolve";
import type { StackConfig } from "../../stacks/config/resolve";
import type { RawConfig } from "../../stacks/config/parse";
import { nothingDeployed, type PoolIdentity } from "../../stacks/plan/model";
import { transformed } from "../../stacks/state/ownership";
import { after, cloud, planFor } from "../stacks/cases";

/*
 * Stacks that an older program deployed, and what today's program registers for the same config. The engine knows a
 * resource by its URN (the types of its parents, its type, its name): another one is a replacement. Other inputs are an
 * update. Neither may come with an upgrade of the program by surprise: a change that is meant is made here by hand.
 *
 * Made from `pulumi stack export` in a lab, after `pulumi up` at weight 10 and again at 30.
 */

interface Kept {
  /** Project and stack. */
  stack: string;
  config: RawConfig;
  resources: KeptResource[];
}

interface KeptResource {
  /** Without the stack and the project. */
  urn: string;
  /** Absent: the stack itself. */
  parent?: string;
  inputs: Record<string, unknown>;
}

const folder = path.join(__dirname, "kept-states");

/** What today's program creates beside them, and an upgrade adds: nothing that serves changes by it. */
const added =
  /EndpointPicker\$kubernetes:policy\/v1:PodDisruptionBudget::|:ClosedPaths|:MoveGuard|Service::\S*-(cloudresourcemanager|containerfilesystem)$/;

const owner = { id: "owner", stack: "organization/inference-rollout/kept" };

for (const file of fs.readdirSync(folder)) {
  describe(`the kept state ${path.basename(file, ".yaml")}`, () => {
    const kept = yaml.load(fs.readFileSync(path.join(folder, file), "utf8")) as Kept;

    it("is what today's program registers: the same resources with the same inputs", async () => {
      const before = kept.resources.filter(({ urn }) => !added.test(urn)).map(comparable);
      const now = (await registeredAgain(kept)).filter(({ urn }) => !added.test(urn));
      assert.deepEqual(
        now.map(({ urn }) => urn),
        before.map(({ urn }) => urn),
        "other URNs: resources would be replaced (or need aliases)",
      );
      for (const [i, resource] of before.entries()) {
        assert.deepEqual(now[i], resource, `${resource.urn} would change`);
      }
    });

    it("closes the paths that were closed, in the same route, and more", async () => {
      const closedIn = (resources: readonly KeptResource[]): [string | undefined, string[]] => {
        const route = resources.find(({ urn }) => /:ClosedPaths\$.*:HTTPRoute::/.test(urn));
        const { rules = [] } = (route?.inputs["spec"] ?? {}) as {
          rules?: { matches: { path: { value: string } }[] }[];
        };
        return [route?.urn, rules.flatMap(({ matches }) => matches.map(({ path: { value } }) => value))];
      };
      const [urn, before] = closedIn(kept.resources);
      const [urnNow, now] = closedIn(await registeredAgain(kept));
      if (urn !== undefined) assert.equal(urnNow, urn);
      assert.ok(urnNow !== undefined && now.length > before.length);
      assert.deepEqual(
        before.filter((one) => !now.includes(one)),
        [],
      );
    });
  });
}

/** The stack once more: at weight 10, and then as it says. */
async function registeredAgain({ stack, config, resources }: Kept): Promise<KeptResource[]> {
  const first = stackOf({ ...config, weight: 10 });
  const now = after(first.service, planFor(first.service, nothingDeployed));
  // What the pools were made as is what the program of then wrote down, not what this one would.
  const identities = new Map(resources.flatMap(({ urn, inputs }) => identityIn(urn, inputs)));
  const began = {
    ...now,
    pools: now.pools.map((pool) => ({ ...pool, identity: identities.get(pool.name) ?? {} })),
  };
  const registered = await renderStack(stackOf(config), began, stack);
  return registered
    .map((resource) => {
      const { type, inputs } = resource;
      const self = { ...owner, label: stack };
      const marked = transformed(
        { type, name: resource.name, props: inputs, opts: {}, resource: undefined as never },
        { self, state: new Map(), claims: [] },
        false,
      );
      return comparable({ ...urnOf(resource), inputs: marked?.props ?? inputs });
    })
    .filter(({ urn }) => !urn.startsWith("pulumi:providers:kubernetes::other"))
    .sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

function identityIn(urn: string, inputs: Record<string, unknown>): [string, PoolIdentity][] {
  const { annotations = {} } = (inputs["metadata"] ?? {}) as { annotations?: Record<string, string> };
  const text = annotations["inference-rollout/identity"];
  return text === undefined ? [] : [[urn.replace(/^.*::/, ""), JSON.parse(text) as PoolIdentity]];
}

function stackOf(config: RawConfig): Extract<StackConfig, { role: "all" }> {
  const { config: resolved, mistakes } = resolveConfig(config, cloud, new Set());
  assert.deepEqual(mistakes, []);
  assert.ok(resolved?.role === "all");
  return resolved;
}

/** With neither what is secret, nor what differs from one deployment to the next, nor the bulk of long texts. */
function comparable({ urn, parent, inputs }: KeptResource): KeptResource {
  const plain = (value: unknown, key = ""): unknown => {
    if (secretKeys.get(urn) === key) return "[secret]";
    if (Array.isArray(value)) return value.map((one) => plain(one));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, name)]));
    }
    if (typeof value !== "string") return value;
    if (key === "inference-rollout/moves") return "a time";
    if (key === "inference-rollout/owner") return "this stack";
    const isLong = value.length > 400 && value.includes("\n");
    return isLong ? `sha256 ${createHash("sha256").update(value).digest("hex")}` : value;
  };
  return {
    urn,
    ...(parent === undefined ? {} : { parent }),
    // Through JSON: what is undefined is not there, as for the engine.
    inputs: JSON.parse(JSON.stringify(plain(inputs))) as Record<string, unknown>,
  };
}

/** Inputs that are secret in a state, by URN: the preview route's header, the cluster's credentials. */
const secretKeys = new Map([
  ["inference-rollout:index:PreviewRoute$kubernetes:gateway.networking.k8s.io/v1:HTTPRoute::llm", "rules"],
  ["pulumi:providers:kubernetes::cluster", "kubeconfig"],
]);
