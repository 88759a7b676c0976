import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { endpointNames, requestFor } from "../../../stacks/answers/endpoints";
import { judgeAnswer } from "../../../stacks/answers/judge";
import { isFault, modelsIn } from "../../../stacks/answers/list";
import { wayOut } from "../../../stacks/messages/ways-out";
import { answers, faults } from "./bodies";

const textOf = (body: unknown): string => (typeof body === "string" ? body : JSON.stringify(body));

describe("an answer", () => {
  for (const { what, endpoint, status = 200, body, fault } of [...answers, ...faults]) {
    it(`of ${endpoint} is ${fault === undefined ? "whole" : fault[0]}: ${what}`, () => {
      const found = judgeAnswer(endpoint, status, textOf(body));
      if (fault === undefined) assert.equal(found, undefined);
      else {
        assert.equal(found?.kind, fault[0], JSON.stringify(found));
        assert.match(found.text, fault[1]);
      }
    });
  }

  it("is never judged whole without status 200", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...answers),
        fc.integer({ min: 100, max: 599 }),
        ({ endpoint, body }, status) => {
          const found = judgeAnswer(endpoint, status, textOf(body));
          assert.equal(found === undefined, status === 200);
        },
      ),
    );
  });

  it("is never judged whole where it is cut, and never makes the judge fail", () => {
    fc.assert(
      fc.property(fc.constantFrom(...answers), fc.nat(), ({ endpoint, body }, at) => {
        const text = textOf(body);
        assert.ok(judgeAnswer(endpoint, 200, text.slice(0, at % text.length)) !== undefined);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...endpointNames), fc.jsonValue(), (endpoint, value) => {
        judgeAnswer(endpoint, 200, JSON.stringify(value));
        judgeAnswer(
          endpoint,
          200,
          JSON.stringify({ choices: [value], data: [value], output: value, status: value }),
        );
      }),
    );
  });

  it("that has an error beside its choices is none", () => {
    for (const { endpoint, body } of answers) {
      if (Array.isArray(body)) continue;
      const both = { ...(body as object), error: { message: "boom" } };
      assert.match(judgeAnswer(endpoint, 200, JSON.stringify(both))?.text ?? "", /boom/);
    }
  });
});

describe("a list of models", () => {
  const list = (body: unknown, status = 200): ReturnType<typeof modelsIn> => modelsIn(status, textOf(body));

  it("holds names, and tells adapters by their parent", () => {
    const card = { object: "model", owned_by: "vllm", root: "Qwen/Qwen3-8B" };
    const data = [
      { id: "Qwen/Qwen3-8B", ...card, parent: null },
      { id: "chat", ...card },
      { id: "sql", ...card, root: "/adapters/sql", parent: "Qwen/Qwen3-8B" },
    ];
    assert.deepEqual(list({ object: "list", data }), [
      { name: "Qwen/Qwen3-8B" },
      { name: "chat" },
      { name: "sql", parent: "Qwen/Qwen3-8B" },
    ]);
    assert.deepEqual(list({ data: [] }), []);
  });

  it("is not empty because it is none", () => {
    for (const body of [
      "<html></html>",
      "",
      "nothing",
      {},
      { data: "no" },
      [],
      null,
      { error: "overloaded" },
    ]) {
      assert.ok(isFault(list(body)), JSON.stringify(body));
    }
    const unauthorized = list({ error: "Unauthorized" }, 401);
    assert.ok(isFault(unauthorized) && unauthorized.kind === "key");
  });
});

describe("a request", () => {
  it("has what the picker of the extension looks for in each API", () => {
    // parsers/openai of v1.5.0: by the end of the path; what it does not know is a completion and needs a prompt.
    const field = {
      completions: "prompt",
      chat: "messages",
      responses: "input",
      embeddings: "input",
      score: "prompt",
      rerank: "prompt",
    };
    for (const endpoint of endpointNames) {
      const { path, body } = requestFor(endpoint, { model: "m", prompt: "p", maxTokens: 8 });
      assert.ok(path.startsWith("/v1/"));
      assert.equal(body["model"], "m");
      assert.ok(body[field[endpoint]] !== undefined, endpoint);
    }
  });
});

describe("the way out of a fault", () => {
  it("names the key, and asks for it instead of having it typed", () => {
    const command = "pulumi config set --secret --path 'gate.apiKey'";
    assert.ok(wayOut({ kind: "key" }, { api: "completions" })?.includes(`${command} (prompts`));
    assert.ok(
      wayOut({ kind: "key" }, { api: "chat", apiKey: "old" })?.includes(`${command} (prompts for a new one)`),
    );
  });

  it("names the endpoint of an embedding model", () => {
    const out = wayOut({ kind: "endpoint" }, { api: "completions" });
    assert.equal(
      out,
      "if its models do not serve completions, set the API that they serve: pulumi config set --path 'gate.endpoint' embeddings (or chat, responses, score, rerank)",
    );
    assert.match(
      wayOut({ kind: "endpoint" }, { api: "embeddings" }) ?? "",
      /'gate\.endpoint' completions \(or chat/,
    );
  });

  it("is not made up for what the config cannot fix", () => {
    for (const kind of ["status", "broken", "name"] as const)
      assert.equal(wayOut({ kind }, { api: "chat" }), undefined);
  });
});
