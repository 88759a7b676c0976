// First: the schema lists the engines when it is loaded.
import "./made-up-engine";
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Registered } from "../rendering";
import { renderService } from "../stacks/rendered-service";
import { sourceCase } from "../stacks/cases";
import { engines } from "../../components/engines/catalogue";
import { closedPaths } from "../../components/route/closed-paths";

/* What administers a model server is no customer's: closed on every stack, for every engine, within Gateway API's limits. */

interface Rule {
  matches?: { path: { type: string; value: string } }[];
  backendRefs?: object[];
  filters?: { type: string }[];
}

const rulesOf = (resources: readonly Registered[], name: string): Rule[] => {
  const found = resources.find(
    ({ type, inputs }) =>
      type.endsWith(":HTTPRoute") && (inputs["metadata"] as { name: string }).name === name,
  );
  return (found?.inputs["spec"] as { rules: Rule[] } | undefined)?.rules ?? [];
};

/** What clients of vLLM and SGLang ask for: a path that a prefix of the list would close. */
const customers = [
  ...["/v1/completions", "/v1/chat/completions", "/v1/models", "/v1/models/acme/x", "/v1/embeddings"],
  ...["/v1/responses", "/v1/rerank", "/v1/score", "/v1/audio/transcriptions", "/v1/messages", "/v1/realtime"],
  ...["/generate", "/encode", "/classify", "/tokenize", "/detokenize", "/pooling", "/score", "/rerank"],
  ...["/health", "/health_generate", "/ping", "/version", "/invocations", "/get_model_info", "/"],
];

const closes = (prefix: string, path: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

describe("the paths that administer model servers", () => {
  let resources: Registered[] = [];
  before(async () => {
    // A rollout from one engine to another, without any adapter.
    const [first, second] = engines;
    resources = await renderService({
      ...sourceCase,
      pools: {
        llm: { accelerator: "nvidia-l4", replicas: 2, server: { engine: first?.name } },
        "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2, server: { engine: second?.name } },
      },
    });
  });

  it("are closed for every engine, by a redirect that needs no backend", () => {
    const rules = rulesOf(resources, "closed-paths-of-llm");
    const closed = rules.flatMap(({ matches = [] }) => matches.map(({ path }) => path.value));
    for (const { name, adminPaths } of engines) {
      assert.ok(adminPaths.length > 0, name);
      for (const path of adminPaths) assert.ok(closed.includes(path), `${name} ${path}`);
    }
    for (const { backendRefs, filters } of rules) {
      assert.equal(backendRefs, undefined);
      assert.deepEqual(
        filters?.map(({ type }) => type),
        ["RequestRedirect"],
      );
    }
  });

  it("leave the customers' route as it is: one rule, that takes every path", () => {
    const [rule, ...more] = rulesOf(resources, "routes-to-llm");
    assert.deepEqual([rule?.matches, rule?.filters, more], [undefined, undefined, []]);
    for (const path of customers) {
      assert.deepEqual(
        closedPaths().filter((prefix) => closes(prefix, path)),
        [],
        path,
      );
    }
    for (const { healthPath } of engines) assert.ok(!closedPaths().some((path) => closes(path, healthPath)));
  });

  it("stay within what a route can have: 16 rules, 64 matches a rule, 128 in all", () => {
    const rules = rulesOf(resources, "closed-paths-of-llm");
    const counts = rules.map(({ matches = [] }) => matches.length);
    assert.ok(rules.length <= 16 && Math.max(...counts) <= 64, String(counts));
    assert.ok(counts.reduce((sum, count) => sum + count, 0) <= 128, String(counts));
    assert.equal(new Set(closedPaths()).size, closedPaths().length);
    for (const path of closedPaths()) assert.match(path, /^(\/[a-z0-9_-]+)+$/);
  });

  it("are closed before any server is there, and before customers are let in", () => {
    const types = resources.map(({ type }) => type);
    const closed = types.indexOf("inference-rollout:index:ClosedPaths");
    assert.ok(closed !== -1 && closed < types.indexOf("inference-rollout:index:ServingPool"));
  });
});
