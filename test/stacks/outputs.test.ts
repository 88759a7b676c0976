import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { edits, setSecret } from "../../stacks/plan/config-edits";
import { howToTry } from "../../stacks/outputs";
import { resolveConfig } from "../../stacks/config/resolve";
import { cloud, sourceCase } from "./cases";

describe("the output tryIt", () => {
  const tryIt = (gate: object): ReturnType<typeof howToTry> => {
    const { config } = resolveConfig(
      { ...sourceCase, gate },
      cloud,
      new Set("apiKey" in gate ? ["gate"] : []),
    );
    assert.ok(config?.role === "all");
    return howToTry(config.service, config.platform.gateway, "10.0.0.7");
  };

  it("asks by the API that the models serve", () => {
    assert.match(tryIt({}).customers, /^curl http:\/\/10\.0\.0\.7\/v1\/completions /);
    const { customers } = tryIt({ endpoint: "embeddings" });
    assert.match(customers, /^curl http:\/\/10\.0\.0\.7\/v1\/embeddings .*"input":"Hello"/);
  });

  it("has a place for the key, and not the key", () => {
    const { customers, candidate } = tryIt({ apiKey: "sk-1" });
    for (const command of [customers, candidate ?? ""]) {
      assert.ok(command.includes('-H "authorization: Bearer $API_KEY"'));
      assert.ok(!command.includes("sk-1"));
    }
  });
});

describe("gate.apiKey", () => {
  it("is in no mistake about it, and its fix asks for it", () => {
    const { mistakes } = resolveConfig({ ...sourceCase, gate: { apiKey: "sk-1\n2" } }, cloud);
    assert.deepEqual(mistakes, [
      {
        key: "gate.apiKey",
        found: "(a secret)",
        allowed: "an API key, in printable ASCII",
        fix: edits(setSecret("gate.apiKey")),
      },
    ]);
  });
});
