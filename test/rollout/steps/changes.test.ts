import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { changesBetween, configCommands, describeChange } from "../../../rollout/steps/changes";
import { parseValues, type StackValues } from "../../../rollout/steps/values";
import { at, values } from "./cases";

/** What the CLI does with a command, as tried with the engine; the lab's test holds this to the real one. */
function carryOut(config: StackValues, [, verb, mode, ...rest]: string[]): StackValues {
  const result = structuredClone(config) as Record<string, { secret: false; value: unknown }>;
  if (mode === "--json") {
    const printed = parseValues(JSON.parse(rest[0] ?? "{}"));
    return { ...result, ...printed };
  }
  const assignments = verb === "rm-all" ? rest : rest.filter((word) => word !== "--plaintext");
  for (const word of assignments) {
    const at = word.indexOf("=");
    const [key = "", ...path] = segments(verb === "rm-all" ? word : word.slice(0, at));
    const value = verb === "rm-all" ? undefined : typed(word.slice(at + 1), path.length > 0);
    const last = path.pop();
    if (last === undefined) {
      if (value === undefined) Reflect.deleteProperty(result, key);
      else result[key] = { secret: false, value };
      continue;
    }
    result[key] ??= { secret: false, value: {} };
    let inner = result[key].value as Record<string, unknown>;
    for (const name of path) inner = (inner[name] ??= {}) as Record<string, unknown>;
    if (value === undefined) Reflect.deleteProperty(inner, last);
    else inner[last] = value;
  }
  return result;
}

function segments(text: string): string[] {
  return [...text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "") : (JSON.parse(`"${quoted}"`) as string),
  );
}

function typed(text: string, nested: boolean): unknown {
  if (!nested) return text;
  if (text === "true" || text === "false") return text === "true";
  return /^[+-]?\d+$/.test(text) ? Number(text) : text;
}

const carryOutAll = (before: StackValues, after: StackValues): StackValues =>
  configCommands(changesBetween(before, after), after).reduce(carryOut, before);

describe("changes of a config", () => {
  it("are told by line", () => {
    const after = { ...at(30), candidate: undefined, pools: { ...at(0)["pools"]!, llm: { replicas: 7 } } };
    const lines = changesBetween(values(at(10)), values({ ...after, candidate: "" })).map(describeChange);
    assert.deepEqual(lines, [
      '~ candidate: llm-new -> ""',
      "- pools.llm.accelerator: nvidia-l4",
      "~ pools.llm.replicas: 6 -> 7",
      "~ weight: 10 -> 30",
    ]);
  });

  it("are none between a number and the text that Pulumi keeps of it", () => {
    assert.deepEqual(changesBetween(values(at(10)), values({ ...at(10), weight: "10" })), []);
  });

  it("touch only what differs: one command for a weight, two for a promotion", () => {
    const commands = (before: object, after: object): string[][] => {
      const wanted = values(after as Record<string, unknown>);
      return configCommands(changesBetween(values(before as Record<string, unknown>), wanted), wanted);
    };
    assert.deepEqual(commands(at(10), at(30)), [
      ["config", "set-all", "--path", "--plaintext", "inference-rollout:weight=30"],
    ]);
    const { model, pools } = at(100);
    assert.deepEqual(commands(at(100), { model, pools, stable: "llm-new" }), [
      ["config", "set-all", "--path", "--plaintext", "inference-rollout:stable=llm-new"],
      ["config", "rm-all", "--path", "inference-rollout:candidate", "inference-rollout:weight"],
    ]);
  });

  it("keep the types of values that --path would read as others", () => {
    const server = { args: ["--max-model-len", "16000"], version: "1" };
    const after = values({ ...at(10), server });
    assert.equal(configCommands(changesBetween(values(at(10)), after), after)[0]?.[2], "--json");
    assert.deepEqual(carryOutAll(values(at(10)), after), after);
  });

  it("never write a secret", () => {
    const secret = { ...values(), "inference-rollout:huggingFaceToken": { secret: true as const } };
    assert.deepEqual(changesBetween(secret, secret), []);
    assert.throws(() => changesBetween(secret, values()), /secret/);
    assert.throws(() => changesBetween(values(), secret), /secret/);
  });

  it("lead from any config to any other", () => {
    const scalar = fc.oneof(
      fc.constantFrom("llm", "8000", "true", "1.5", "a=b", "x.y", "", "nvidia-l4", "two words", "-3"),
      fc.integer({ min: -5, max: 5000 }),
      fc.boolean(),
      fc.constantFrom(0.5, 1.25),
    );
    const key = fc.constantFrom("llm", "llm-new", "a.b", "args", "8", "with=sign", 'quo"te');
    const nested = fc.dictionary(
      key,
      fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(key, scalar, { maxKeys: 3 })),
      { maxKeys: 3 },
    );
    const top = fc.oneof(
      fc.constantFrom("10", "llm", "", "true"),
      nested,
      fc.array(scalar, { maxLength: 2 }),
    );
    const config = fc
      .dictionary(fc.constantFrom("p:weight", "p:pools", "p:server", "gcp:project"), top, { maxKeys: 4 })
      .map((entries): StackValues =>
        Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, { secret: false, value }])),
      );
    fc.assert(
      fc.property(config, config, (before, after) => {
        const commands = configCommands(changesBetween(before, after), after);
        assert.ok(commands.length <= 3);
        assert.deepEqual(changesBetween(carryOutAll(before, after), after), []);
      }),
      { numRuns: 2000 },
    );
  });
});
