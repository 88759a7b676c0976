import { commandsText } from "../../../stacks/messages/edits";
import type { PoolIdentity, Observed } from "../../../stacks/plan/observed";
import type { OwnedPool, ServiceConfig } from "../../../stacks/plan/service-config";
import { nothingDeployed, type Plan } from "../../../stacks/plan/model";
import type { Server } from "../../../components/engines/engine";
import { resolveConfig } from "../../../stacks/config/resolve";
import { identityChanges, identityOf } from "../../../stacks/plan/identity";
import { describeRefusals } from "../../../stacks/messages/refusals";
import { hiddenText, serverAsMade } from "../../../stacks/plan/secret-args";
import { after, cloud, ownedPool, serviceConfig, sourceCase, planFor } from "../cases";
import { putBack } from "../../../stacks/plan/redeclare";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";

const key = "sk-live-1";
const withArgs = (args: readonly string[], more: object = {}): Record<string, unknown> => ({
  ...sourceCase,
  ...more,
  pools: { ...sourceCase.pools, llm: { accelerator: "nvidia-l4", replicas: 6, server: { args } } },
});

function configOf(args: readonly string[], secrets: readonly string[], more: object = {}): ServiceConfig {
  const { config, mistakes } = resolveConfig(withArgs(args, more), cloud, new Set(secrets));
  assert.deepEqual(mistakes, []);
  assert.ok(config !== undefined && config.role !== "platform");
  return config.service;
}

const at = (place: number): string[] => [`pools.llm.server.args[${place}]`];
const planned = (made: Plan, name = "llm"): Plan["pools"][number] =>
  made.pools.find(({ pool }) => pool.name === name)!;
/** The world once a plan was carried out, with the identities that it wrote. */
function deployed(config: ServiceConfig, made: Plan, before?: Observed): Observed {
  const world = after(config, made, before);
  return {
    ...world,
    pools: world.pools.map((pool) => ({ ...pool, identity: planned(made, pool.name).identity })),
  };
}
/** The world that a config without the mark had made: as the program was before it knew of nested secrets. */
const legacy = (args: readonly string[]): Observed => {
  const config = configOf(args, []);
  return after(config, planFor(config, nothingDeployed));
};

describe("an edit of arguments with a secret among them", () => {
  it("is not put back by a command that would write a mark in the secret's place", () => {
    assert.equal(putBack("llm", "server.args", JSON.stringify(["--api-key", hiddenText])), undefined);
    assert.match(
      commandsText(putBack("llm", "server.args", JSON.stringify(["--max-model-len", "1"])) ?? []),
      /--max-model-len/,
    );
  });
});

describe("a secret among a server's arguments", () => {
  it("stands in no identity, and another value is another pool", () => {
    const config = configOf(["--api-key", key], at(1));
    const made = planFor(config, nothingDeployed);
    const { identity, pool } = planned(made);
    assert.deepEqual(pool.server.secretArgs, [1]);
    assert.doesNotMatch(JSON.stringify(identity), /sk-live/);
    assert.equal(identity["server.args"], '["--api-key",{"secret":"env"}]');
    assert.match(identity["server.args.secrets"] ?? "", /^scrypt:15:/);

    const world = deployed(config, made);
    assert.deepEqual(planned(planFor(config, world)).identity, identity);
    assert.deepEqual(planFor(config, world).refusals, []);

    const { refusals } = planFor(configOf(["--api-key", "sk-live-2"], at(1)), world);
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["edited-in-place"],
    );
    const text = describeRefusals(refusals);
    assert.doesNotMatch(text, /sk-live|scrypt/);
    assert.match(text, /pools\.llm\.server\.args is deployed as \["--api-key","\(a secret\)"\]/);
    assert.match(text, /the config says \["--api-key","\(another secret\)"\]/);
  });

  it("changes nothing of an identity without one: it is the text that it always was", () => {
    const args = ["--max-model-len", "8192"];
    const pool = ownedPool(configOf(args, []), "llm");
    assert.equal(identityOf(pool)["server.args"], JSON.stringify(args));
    assert.ok(!("server.args.secrets" in identityOf(pool)));
    assert.deepEqual(serverAsMade(pool.server, identityOf(pool)), pool.server);
  });

  it("that is in clear in a pool of before stays where it is: its servers are not started again", () => {
    const world = legacy(["--api-key", key]);
    const config = configOf(["--api-key", key], at(1));
    const made = planFor(config, world);
    assert.deepEqual(made.refusals, []);
    const { identity, pool } = planned(made);
    assert.deepEqual([pool.server.secretArgs, pool.server.clearSecrets], [undefined, [1]]);
    assert.doesNotMatch(JSON.stringify(identity), /sk-live/);
    assert.ok(made.notes.some((note) => /pool llm .* in clear text in its pods/.test(note)));
    assert.doesNotMatch(JSON.stringify(made.notes), /sk-live/);
    // And once the identity holds the digest, still.
    const next = planFor(config, deployed(config, made, world));
    assert.deepEqual([next.refusals, planned(next).identity], [[], identity]);
    assert.deepEqual(planned(next).pool.server.clearSecrets, [1]);
  });

  it("that changes in such a pool is refused without the old one and without the new one", () => {
    const { refusals } = planFor(configOf(["--api-key", "sk-live-2"], at(1)), legacy(["--api-key", key]));
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["edited-in-place"],
    );
    assert.doesNotMatch(describeRefusals(refusals), /sk-live/);
    // Also where it stands at another place now.
    const moved = configOf(["--x", "1", "--api-key", "sk-live-2"], at(3));
    assert.doesNotMatch(describeRefusals(planFor(moved, legacy(["--api-key", key])).refusals), /sk-live/);
  });

  it("is no less the same where it is known only that it is somewhere", () => {
    const config = configOf(["--max-model-len", "8192", "--api-key", key], at(3));
    const world = deployed(config, planFor(config, nothingDeployed));
    for (const secrets of [["pools"], []]) {
      const other = planFor(configOf(["--max-model-len", "8192", "--api-key", key], secrets), world);
      assert.deepEqual(other.refusals, []);
      assert.deepEqual(planned(other).pool.server.secretArgs, [3], "a pod's template stays as it is");
      assert.deepEqual(planned(other).identity, planned(planFor(config, world)).identity);
    }
  });

  it("is taken to be unchanged by who cannot read it: the rollout command", () => {
    const config = configOf(["--api-key", key], at(1));
    const unread = configOf(["--api-key", "(a secret)"], at(1));
    for (const world of [deployed(config, planFor(config, nothingDeployed)), legacy(["--api-key", key])]) {
      assert.deepEqual(planFor(unread, world).refusals, []);
    }
  });

  it("in no order and at no place ends in clear, and is compared by its value alone", () => {
    const word = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, fc.boolean()), { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        fc.nat(5),
        (words, marks, changed) => {
          const args = words.map(([text, secret], i) => (secret ? `SECRET${i}${text}` : text));
          const server = serverOf(
            args,
            words.flatMap(([, secret], i) => (secret ? [i] : [])),
          );
          const identity = identityOf(poolOf(server), cheap);
          assert.doesNotMatch(JSON.stringify(identity), /SECRET/);
          // The same words, whatever is marked now: the same pods, the same identity.
          const marked = serverOf(
            args,
            args.flatMap((_, i) => (marks[i] === true ? [i] : [])),
          );
          const kept = serverAsMade(marked, identity);
          assert.deepEqual(identityChanges(identity, identityOf(poolOf(kept), identity)), []);
          assert.deepEqual(kept.secretArgs ?? [], server.secretArgs ?? []);
          assert.doesNotMatch(JSON.stringify(identityOf(poolOf(kept), identity)), /SECRET/);
          // Another word anywhere: another pool, and no secret in what is said.
          const i = changed % args.length;
          const other = serverOf(
            args.map((text, j) => (i === j ? `${text}SECRETx` : text)),
            server.secretArgs ?? [],
          );
          const changes = identityChanges(
            identity,
            identityOf(poolOf(serverAsMade(other, identity)), identity),
          );
          assert.deepEqual(
            changes.map(({ field }) => field),
            ["server.args"],
          );
          if (server.secretArgs?.includes(i) === true) assert.doesNotMatch(JSON.stringify(changes), /SECRET/);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function serverOf(args: readonly string[], secretArgs: readonly number[]): Server {
  const { server } = ownedPool(serviceConfig(), "llm");
  return { ...server, args, ...(secretArgs.length === 0 ? {} : { secretArgs }) };
}

const poolOf = (server: Server): OwnedPool => ({ ...ownedPool(serviceConfig(), "llm"), server });

/** A digest that costs little, so that there can be many. */
const cheap: PoolIdentity = { "server.args.secrets": "scrypt:4:c2FsdA:x" };

/** What main wrote at b95d3e5, word by word: none of it may differ, or pools are replaced. */
const before: PoolIdentity = {
  accelerator: "nvidia-l4",
  acceleratorsPerReplica: "1",
  provisioning: "on-demand",
  driver: "default",
  "server.image": "vllm/vllm-openai:v0.21.0",
  "server.args": '["--max-model-len","8192"]',
  "server.port": "8000",
  model: "Qwen/Qwen3-8B",
  machineType: "g2-standard-12",
};

describe("an identity of before", () => {
  it("is written again byte by byte", () => {
    const pool = ownedPool(configOf(["--max-model-len", "8192"], []), "llm");
    // Its driver and its rendering are kept by as-made.ts, and were the first ones then.
    const made = { ...pool, rendering: 1, hardware: { ...pool.hardware, driver: "default" as const } };
    assert.equal(JSON.stringify(identityOf(made, before)), JSON.stringify(before));
  });
});
