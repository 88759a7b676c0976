import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeRefusals } from "../../../stacks/messages/refusals";
import { commandsText } from "../../../stacks/messages/edits";
import { nothingDeployed, type Plan } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import { putBack } from "../../../stacks/plan/redeclare";
import type { RawConfig } from "../../../stacks/config/parse";
import { hiddenText } from "../../../stacks/plan/secret-args";
import { plainVariables } from "../../../stacks/plan/server-settings";
import { after, planFor, serviceConfig, sourceCase } from "../cases";

/* For each setting of the pods: whether it changes in place, or makes another pool. */

const config = (server: object, replicas = 6): RawConfig => ({
  ...sourceCase,
  candidate: "",
  weight: 0,
  pools: { llm: { accelerator: "nvidia-l4", replicas, server } },
});

function plan(raw: RawConfig, world: Observed, secrets: readonly string[] = []): Plan & { rules: string[] } {
  const made = planFor(serviceConfig(raw, new Set(secrets)), world);
  return { ...made, rules: made.refusals.map(({ rule }) => rule) };
}

/** The world with the identities that a plan wrote. */
function deployed(raw: RawConfig, secrets: readonly string[] = []): Observed {
  const read = serviceConfig(raw, new Set(secrets));
  const made = planFor(read, nothingDeployed);
  const world = after(read, made);
  return {
    ...world,
    pools: world.pools.map((pool) => ({
      ...pool,
      identity: made.pools.find((one) => one.pool.name === pool.name)?.identity ?? {},
    })),
  };
}

const volume = { name: "data", mountPath: "/data", configMap: { name: "templates" } };
const anotherPool: Record<string, [object, object]> = {
  env: [{ A: "1" }, { A: "2" }],
  resources: [{ memory: "32Gi" }, { memory: "64Gi" }],
  shmGb: [8 as never, 16 as never],
  drainSeconds: [300 as never, 600 as never],
  volumes: [[volume], [{ ...volume, mountPath: "/other" }]],
  podPatch: [{ spec: { hostIPC: true } }, { spec: { hostIPC: false } }],
};
const inPlace: Record<string, [object | string, object | string]> = {
  priorityClassName: ["serving", "batch"],
  labels: [{ team: "a" }, { team: "b" }],
  annotations: [{ "acme.com/a": "a" }, { "acme.com/a": "b" }],
};

describe("a setting of a pool's pods", () => {
  for (const [field, [before, now]] of Object.entries(anotherPool)) {
    it(`${field} makes another pool, and the refusal restores it`, () => {
      const world = deployed(config({ [field]: before }));
      assert.deepEqual(plan(config({ [field]: before }), world).rules, [], "the same is no change");
      for (const server of [{ [field]: now }, {}]) {
        const made = planFor(serviceConfig(config(server)), world);
        assert.deepEqual(
          made.refusals.map(({ rule }) => rule),
          ["edited-in-place"],
        );
        const text = describeRefusals(made.refusals);
        assert.match(text, new RegExp(`pools\\.llm\\.server\\.${field} is deployed as`));
        assert.match(text, new RegExp(`pulumi config set --path .*pools\\.llm\\.server\\.${field}`));
      }
      // New where there was none.
      assert.deepEqual(plan(config({ [field]: now }), deployed(config({}))).rules, ["edited-in-place"]);
    });
  }

  for (const [field, [before, now]] of Object.entries(inPlace)) {
    it(`${field} changes in place: the plan says that the pods restart one by one`, () => {
      const world = deployed(config({ [field]: before }));
      assert.deepEqual(plan(config({ [field]: before }), world).notes, []);
      for (const server of [{ [field]: now }, {}]) {
        const made = plan(config(server), world);
        assert.deepEqual(made.rules, []);
        assert.ok(
          made.notes.some((note) =>
            note.includes(`in place (server.${field}): its pods restart one at a time`),
          ),
          JSON.stringify(made.notes),
        );
      }
    });

    it(`${field} is refused on a pool whose only replica has customers`, () => {
      const world = deployed(config({ [field]: before }, 1));
      const made = planFor(serviceConfig(config({ [field]: now }, 1)), world);
      assert.deepEqual(
        made.refusals.map(({ rule }) => rule),
        ["restarts-only-replica"],
      );
      assert.deepEqual(plan(config({ [field]: before }, 1), world).rules, []);
      // With two from this update on, the one that is there would still be the only one.
      assert.deepEqual(plan(config({ [field]: now }, 2), world).rules, ["restarts-only-replica"]);
    });
  }

  it("is no part of the identity of a pool without any", () => {
    const fields = Object.keys(deployed(config({})).pools[0]?.identity ?? {});
    assert.deepEqual(
      fields.filter((field) => /^server\.(?!image|args|port)/.test(field)),
      [],
    );
  });

  it("does not change where only the order of keys does", () => {
    const world = deployed(
      config({ podPatch: { spec: { hostIPC: true, dnsPolicy: "Default" } }, env: { A: "1", B: "2" } }),
    );
    const turned = config({
      podPatch: { spec: { dnsPolicy: "Default", hostIPC: true } },
      env: { B: "2", A: "1" },
    });
    assert.deepEqual(plan(turned, world).rules, []);
  });
});

describe("a secret variable", () => {
  const key = "sk-live-1";
  const at = "pools.llm.server.env.API_KEY";
  const withKey = (value: string): RawConfig => config({ env: { API_KEY: value, LEVEL: "INFO" } });

  it("stands in no identity, and another value is another pool", () => {
    const world = deployed(withKey(key), [at]);
    assert.doesNotMatch(JSON.stringify(world), /sk-live/);
    assert.equal(world.pools[0]?.identity?.["server.env"], '{"API_KEY":{"secret":true},"LEVEL":"INFO"}');
    assert.deepEqual(plan(withKey(key), world, [at]).rules, []);
    const made = planFor(serviceConfig(withKey("sk-live-2"), new Set([at])), world);
    assert.deepEqual(
      made.refusals.map(({ rule }) => rule),
      ["edited-in-place"],
    );
    const text = describeRefusals(made.refusals);
    assert.doesNotMatch(text, /sk-live|scrypt/);
    assert.match(text, /"API_KEY":"\(another secret\)"/);
  });

  it("is the same where it is known only that it is somewhere, and to who cannot read it", () => {
    const world = deployed(withKey(key), [at]);
    for (const secrets of [["pools"], []]) {
      const made = plan(withKey(key), world, secrets);
      assert.deepEqual(made.rules, []);
      assert.deepEqual(made.pools[0]?.identity, world.pools[0]?.identity);
    }
    assert.deepEqual(plan(withKey("(a secret)"), world, [at]).rules, []);
    // The other way round: what was guessed then is known now.
    const guessed = deployed(withKey(key), ["pools"]);
    assert.deepEqual(plan(withKey(key), guessed, [at]).rules, []);
    assert.deepEqual(plan(withKey("sk-live-2"), guessed, [at]).rules, ["edited-in-place"]);
  });

  it("is not put back by a command, which would write a mark in its place", () => {
    const identity = deployed(withKey(key), [at]).pools[0]?.identity ?? {};
    assert.equal(putBack("llm", "server.env", identity["server.env"] ?? ""), undefined);
    assert.match(
      commandsText(putBack("llm", "server.env", '{"A":"1","B":{"secret":"s","key":"k"}}') ?? []),
      /server\.env\.A.*server\.env\.B\.secret/,
    );
  });
});

describe("the kind of a rollout", () => {
  const rollout = (server: object): RawConfig => ({
    ...sourceCase,
    weight: 0,
    pools: {
      llm: { accelerator: "nvidia-l4", replicas: 2 },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", server },
    },
  });
  it("is a model server's where what it runs with differs, and a node update's where only its size does", () => {
    const kind = (server: object): unknown => planFor(serviceConfig(rollout(server)), nothingDeployed).kind;
    assert.equal(kind({ env: { A: "1" } }), "model-server");
    assert.equal(kind({ podPatch: { spec: { hostIPC: true } } }), "model-server");
    assert.equal(kind({ volumes: [volume] }), "model-server");
    for (const server of [{ shmGb: 8 }, { resources: { cpu: "8" } }, { labels: { a: "b" } }, {}])
      assert.equal(kind(server), "node-update", JSON.stringify(server));
  });
});

it("variables are put back by commands only where each value is known", () => {
  assert.deepEqual(plainVariables('{"LEVEL":"INFO"}'), { LEVEL: "INFO" });
  // As the identity has it, and as people read it.
  assert.equal(plainVariables('{"API_KEY":{"secret":true}}'), undefined);
  assert.equal(plainVariables(JSON.stringify({ API_KEY: hiddenText, LEVEL: "INFO" })), undefined);
});

describe("a patch in which something may be secret", () => {
  const token = "sk-of-a-sidecar";
  const patchOf = (value: string): object => ({
    spec: { containers: [{ name: "proxy", image: "proxy:1", env: [{ name: "TOKEN", value }] }] },
  });
  const patched = (value: string): RawConfig => ({
    ...sourceCase,
    ...{ candidate: "", weight: 0 },
    pools: { llm: { ...sourceCase.pools.llm, server: { podPatch: patchOf(value) } } },
  });
  const top = new Set(["pools"]);
  const planned = (
    value: string,
    secrets: ReadonlySet<string>,
    before = nothingDeployed,
  ): ReturnType<typeof planFor> => planFor(serviceConfig(patched(value), secrets), before);
  const world = (value: string, secrets: ReadonlySet<string>): typeof nothingDeployed =>
    after(serviceConfig(patched(value), secrets), planned(value, secrets));

  it("stands in no identity and no refusal, and another one is another pool", () => {
    const before = world(token, top);
    assert.doesNotMatch(JSON.stringify(before), /sk-of|proxy/);
    assert.deepEqual(planned(token, top, before).refusals, []);
    const { refusals } = planned("sk-of-another", top, before);
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["edited-in-place"],
    );
    const text = describeRefusals(refusals);
    assert.match(text, /server\.podPatch.*\(a secret\).*\(another secret\)/s);
    assert.doesNotMatch(text, /sk-of|proxy/);
  });

  it("is the same where nobody says any more that it is one, and where it never was one", () => {
    const none = new Set<string>();
    const hidden = planned(token, none, world(token, top));
    assert.deepEqual(hidden.refusals, []);
    assert.doesNotMatch(JSON.stringify(hidden.pools.map(({ identity }) => identity)), /sk-of/);
    const clear = planned(token, top, world(token, none));
    assert.deepEqual(clear.refusals, []);
    assert.equal(clear.pools[0]?.pool.server.patchIsSecret, undefined);
    // What was in clear is told; what is secret now is not.
    const changed = describeRefusals(planned("sk-of-another", top, world("was-in-clear", none)).refusals);
    assert.match(changed, /was-in-clear/);
    assert.doesNotMatch(changed, /sk-of/);
  });
});
