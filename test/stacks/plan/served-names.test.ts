import { fixText } from "../../../stacks/messages/edits";
import {
  baseNames,
  baseNamesOf,
  clientNames,
  namesLostByPromotion,
  rulesFor,
} from "../../../stacks/plan/client-names";
import { nothingDeployed } from "../../../stacks/plan/model";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { servedNames } from "../../../stacks/plan/served-names";
import { nextSteps } from "../../../stacks/outputs";
import { after, ownedPool, serviceConfig, planFor } from "../cases";

const model = "Qwen/Qwen3-8B";

const commandLines: readonly {
  args: readonly string[];
  vllm: readonly string[];
  sglang?: readonly string[];
}[] = [
  { args: [], vllm: [model] },
  { args: ["--served-model-name", "chat"], vllm: ["chat"] },
  { args: ["--served-model-name", model, "chat"], vllm: [model, "chat"], sglang: [model] },
  { args: ["--served_model_name", "a", "b", "--port", "1"], vllm: ["a", "b"], sglang: ["a"] },
  { args: ["--served-model-name=a"], vllm: ["a"] },
  // The second word belongs to no flag any more.
  { args: ["--served-model-name=a", "b"], vllm: ["a"] },
  { args: ["--served-model-name=a=b"], vllm: ["a=b"] },
  { args: ["--served-model-name", "a", "b", "--served-model-name", "c"], vllm: ["c"] },
  { args: ["--served-model-name=a", "--served_model_name", "b", "c"], vllm: ["b", "c"], sglang: ["b"] },
  { args: ["--served-model", "a"], vllm: ["a"] },
  { args: ["--served", "a"], vllm: ["a"] },
  // Whatever argparse takes: --seed is the other flag of vLLM that begins so (test/facts).
  { args: ["--ser", "a"], vllm: ["a"] },
  { args: ["--se", "a"], vllm: [model], sglang: ["a"] },
  { args: ["--port", "8000", "--served-model-name", "a", "--max-model-len", "8192"], vllm: ["a"] },
  { args: ["--served-model-name", "a", "-1", "-", "b"], vllm: ["a", "-1", "-", "b"], sglang: ["a"] },
  { args: ["--served-model-name", "a", "-tp", "2"], vllm: ["a"] },
  { args: ["--served-model-name", "a", "a"], vllm: ["a"] },
  { args: ["--served-model-name", ""], vllm: [model] },
  { args: ["--served-model-names", "a"], vllm: [model] },
  { args: ["--model", "--served-model-name"], vllm: [model] },
];

describe("the names that a server's command line gives it", () => {
  for (const { args, vllm, sglang = vllm } of commandLines) {
    it(`are ${vllm.join(" ")} by ${JSON.stringify(args)}`, () => {
      assert.deepEqual(servedNames("vllm", args, model), vllm);
      assert.deepEqual(servedNames("sglang", args, model), sglang);
    });
  }

  it("are none where neither the flag nor the model is known", () => {
    assert.deepEqual(servedNames("vllm", ["--port", "1"], undefined), []);
    assert.deepEqual(servedNames("vllm", [], ""), []);
  });

  it("are what Python's argparse reads", { skip: python() ? false : "no python3 here" }, () => {
    const script = `
import argparse, json, sys
parser = argparse.ArgumentParser()
parser.add_argument("--served-model-name", nargs="+")
parser.add_argument("--port")
for line in sys.stdin:
    words = [w.replace("_", "-") if w.startswith("--") and "=" not in w else w for w in json.loads(line)]
    known, rest = parser.parse_known_args(words)
    print(json.dumps(known.served_model_name))
`;
    const word = fc.constantFrom(
      "a",
      "b",
      "c d",
      "-",
      "x=y",
      "--port",
      "--served-model-name",
      "--served_model_name",
      "--served-model-name=d",
      "--served",
    );
    const lines = fc.sample(fc.array(word, { maxLength: 8 }), 300).filter(isComplete);
    const input = lines.map((line) => JSON.stringify(line)).join("\n");
    const read = execFileSync("python3", ["-c", script], { input, encoding: "utf8" }).trim().split("\n");
    for (const [i, line] of lines.entries()) {
      const expected = JSON.parse(read[i] ?? "null") as string[] | null;
      assert.deepEqual(
        servedNames("vllm", line, model),
        [...new Set(expected ?? [model])],
        JSON.stringify(line),
      );
    }
  });

  /** A flag without its value ends the server; what it would have been called does not matter. */
  function isComplete(line: readonly string[]): boolean {
    return line.every((word, i) => {
      if (!/^--(port|served[\w-]*)$/.test(word)) return true;
      return line[i + 1] !== undefined && !/^--/.test(line[i + 1] ?? "");
    });
  }

  function python(): boolean {
    try {
      execFileSync("python3", ["--version"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }
});

/** The input that lost 45 of 100 requests for `chat`. */
const served = {
  model,
  stable: "old",
  candidate: "new",
  weight: 50,
  pools: {
    old: { accelerator: "nvidia-l4", replicas: 2, server: { args: ["--served-model-name", model, "chat"] } },
    new: { accelerator: "nvidia-l4", replicas: 2 },
  },
};

describe("a stable pool with several names", () => {
  it("has every one of them answered by the candidate, which rewrites those it has not", () => {
    const config = serviceConfig(served);
    assert.deepEqual(clientNames(config), [model, "chat"]);
    assert.deepEqual(rulesFor(config, ownedPool(config, "old")), []);
    assert.deepEqual(rulesFor(config, ownedPool(config, "new")), [
      { model: "chat", targets: [{ model, weight: 100 }] },
    ]);
  });

  it("keeps all of them through its promotion, by the commands that the output has", () => {
    const names = ["--served-model-name", "a", "b", "c"];
    const config = serviceConfig({
      ...served,
      weight: 100,
      aliases: ["z"],
      pools: { ...served.pools, old: { ...served.pools.old, server: { args: names } } },
    });
    assert.deepEqual(namesLostByPromotion(config), ["a", "b", "c"]);
    const commands = ["a", "b", "c"].map(
      (name, i) => `pulumi config set --path 'aliases[${i + 1}]' ${name} && `,
    );
    assert.ok(nextSteps(config, planFor(config, nothingDeployed)).next?.startsWith(commands.join("")));
  });

  it("cannot lose one by a promotion; each refusal has a place of its own for the name", () => {
    const before = serviceConfig({ ...served, weight: 100 });
    const world = after(before, planFor(before, nothingDeployed));
    const promoted = { ...served, stable: "new", candidate: "", weight: 0 };
    const refusals = planFor(serviceConfig(promoted), world).refusals.filter(
      ({ rule }) => rule === "name-dropped",
    );
    assert.deepEqual(
      refusals.map(({ found, fix }) => [found, fixText(fix)]),
      [
        [
          "clients use the model name chat, and no pool would serve it with this config",
          "pulumi config set --path 'aliases[0]' chat keeps it as a name of the base model",
        ],
      ],
    );
    // Typed as printed, it is no longer refused.
    assert.deepEqual(planFor(serviceConfig({ ...promoted, aliases: ["chat"] }), world).refusals, []);
  });

  it("promises to clients what it answers, whatever the command lines", () => {
    const words = fc.array(fc.constantFrom("a", "b", "c", model), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(words, words, fc.subarray(["a", "b", "x"]), (old, fresh, aliases) => {
        const pool = (names: string[]): object => ({
          accelerator: "nvidia-l4",
          replicas: 2,
          server: { args: ["--served-model-name", ...names] },
        });
        const config = serviceConfig({ ...served, aliases, pools: { old: pool(old), new: pool(fresh) } });
        for (const name of ["old", "new"]) {
          const answered = [
            ...baseNamesOf(config.pools[name]),
            ...rulesFor(config, ownedPool(config, name)).map((rule) => rule.model),
          ];
          for (const client of baseNames(config))
            assert.ok(answered.includes(client), `${client} on ${name}`);
        }
        // With what is lost as aliases, the promoted pool goes on answering every name.
        const kept = [...aliases, ...namesLostByPromotion(config)];
        const promoted = serviceConfig({
          ...served,
          stable: "new",
          candidate: "",
          weight: 0,
          aliases: kept,
          pools: { old: pool(old), new: pool(fresh) },
        });
        for (const client of clientNames(config)) assert.ok(clientNames(promoted).includes(client));
      }),
    );
  });
});

describe("a pool that takes a pod template over", () => {
  it("has no names by arguments of the config, which its servers are not started with", () => {
    const config = serviceConfig({
      ...served,
      model: undefined,
      stable: "theirs",
      server: { args: ["--served-model-name", "chat"] },
      pools: { theirs: { existing: true }, new: { like: "theirs", accelerator: "nvidia-l4", replicas: 2 } },
    });
    assert.deepEqual(baseNamesOf(config.pools["new"]), []);
    assert.deepEqual(clientNames(config), []);
  });
});
