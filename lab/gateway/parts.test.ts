import { Retirement } from "./envoy/cluster-set";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Outcome } from "./envoy/apply";
import { Blame } from "./envoy/blame";
import type { EnvoyConfig } from "./envoy/types";
import { gateway, http } from "./fixture/objects";
import { podFacts } from "./objects/facts";
import { objectPath } from "./objects/resources";
import { Placement } from "./placement";

describe("blame", () => {
  /** An Envoy that refuses a configuration with any of these routes in it. */
  function underTest(routes: readonly string[], bad: readonly string[]) {
    const applied: string[][] = [];
    const plan = (without: ReadonlyMap<string, string>): { envoy: EnvoyConfig } => {
      const contributors = new Set(routes.filter((one) => !without.has(one)));
      const config = { resource: { "@type": "", name: "c" }, contributors, clusters: new Set<string>() };
      return { envoy: { clusters: new Map(), listeners: new Map(), routes: new Map([["c", config]]) } };
    };
    const apply = (config: EnvoyConfig): Promise<Outcome> => {
      const present = [...(config.routes.get("c")?.contributors ?? [])];
      applied.push(present);
      const culprit = present.find((one) => bad.includes(one));
      const error = { message: `no ${culprit ?? ""}`, refused: true };
      return Promise.resolve({
        listeners: new Map(),
        routes: new Map(culprit === undefined ? [] : [["c", error]]),
      });
    };
    return { applied, plan, apply };
  }

  test("good routes are applied once", async () => {
    const blame = new Blame();
    const { applied, plan, apply } = underTest(["a@1", "b@1"], []);
    await blame.program(plan, apply);
    assert.deepEqual(applied, [["a@1", "b@1"]]);
  });

  test("a bad newcomer is left out, the others are served", async () => {
    const blame = new Blame();
    const first = underTest(["a@1", "b@1"], []);
    await blame.program(first.plan, first.apply);
    const { applied, plan, apply } = underTest(["a@1", "b@2"], ["b@2"]);
    const { outcome } = await blame.program(plan, apply);
    assert.deepEqual(applied, [["a@1", "b@2"], ["a@1"]]);
    assert.equal(outcome.routes.size, 0);
    assert.deepEqual([...blame.refused], [["b@2", "no b@2"]]);
  });

  test("of several newcomers only the bad ones are left out, also at the very first time", async () => {
    const blame = new Blame();
    const { applied, plan, apply } = underTest(["a@1", "b@1", "c@1", "d@1"], ["b@1", "d@1"]);
    const { outcome } = await blame.program(plan, apply);
    assert.deepEqual(applied.at(-1), ["a@1", "c@1"]);
    assert.equal(outcome.routes.size, 0);
    assert.deepEqual([...blame.refused.keys()], ["b@1", "d@1"]);
  });

  test("a new generation is tried again, and what is gone is forgotten", async () => {
    const blame = new Blame();
    blame.refused.set("b@1", "no");
    blame.keepOnly(new Set(["b@2"]));
    const { applied, plan, apply } = underTest(["b@2"], []);
    await blame.program(plan, apply);
    assert.deepEqual(applied, [["b@2"]]);
  });

  test("an Envoy that merely takes no update gets nobody blamed", async () => {
    const blame = new Blame();
    const { plan } = underTest(["a@1"], []);
    const slow = { message: "not within 5 s", refused: false };
    const { outcome } = await blame.program(plan, () =>
      Promise.resolve({ listeners: new Map(), routes: new Map([["c", slow]]) }),
    );
    assert.equal(outcome.routes.get("c")?.message, "not within 5 s");
    assert.equal(blame.refused.size, 0);
  });
});

describe("retirement", () => {
  const none = new Map<string, number>();
  test("a cluster goes when it is unused for the time and idle", () => {
    const retirement = new Retirement(5000);
    retirement.observe(["a", "b"], new Set(["a"]), 0);
    assert.deepEqual(retirement.ripe(none, 4999), []);
    assert.deepEqual(retirement.ripe(new Map([["b", 1]]), 5000), []);
    assert.deepEqual(retirement.ripe(none, 5000), ["b"]);
  });
  test("a cluster that is used again stays, and its time begins anew", () => {
    const retirement = new Retirement(5000);
    retirement.observe(["b"], new Set(), 0);
    retirement.observe(["b"], new Set(["b"]), 3000);
    assert.equal(retirement.isPending, false);
    retirement.observe(["b"], new Set(), 4000);
    assert.deepEqual(retirement.ripe(none, 6000), []);
    assert.deepEqual(retirement.ripe(none, 9000), ["b"]);
  });
  test("a pool stays as long as a request waits for its picker", () => {
    const retirement = new Retirement(0);
    retirement.observe(["pool/ns/p/h2c", "pool/ns/q"], new Set(), 0);
    assert.deepEqual(retirement.ripe(new Map([["picker/ns/p/0123456789ab", 1]]), 1), ["pool/ns/q"]);
  });
});

describe("placement", () => {
  const always = (): Promise<boolean> => Promise.resolve(true);
  const aged = (name: string, creationTimestamp: string) => {
    const made = gateway(name);
    return { ...made, metadata: { ...made.metadata, creationTimestamp } };
  };
  test("addresses in order of creation, kept while the Gateway lives, not given away again", async () => {
    const placement = new Placement("127.9.1", always);
    const [a, b, c] = [aged("a", "2026-01-02"), aged("b", "2026-01-01"), aged("c", "2026-01-03")];
    await placement.place([a, b]);
    assert.deepEqual(placement.placeOf(b), { address: "127.9.1.1" });
    assert.deepEqual(placement.placeOf(a), { address: "127.9.1.2" });
    await placement.place([a]);
    await placement.place([a, c]);
    assert.deepEqual(placement.placeOf(a), { address: "127.9.1.2" });
    assert.deepEqual(placement.placeOf(c), { address: "127.9.1.3" });
  });
  test("after a restart a Gateway keeps the address that its status tells", async () => {
    const placement = new Placement("127.9.1", always);
    const a = { ...gateway("a"), status: { addresses: [{ value: "127.9.1.7" }] } };
    const b = { ...gateway("b"), status: { addresses: [{ value: "127.8.1.7" }] } };
    await placement.place([a, b]);
    assert.deepEqual(placement.placeOf(a), { address: "127.9.1.7" });
    assert.deepEqual(placement.placeOf(b), { address: "127.9.1.1" });
  });
  test("a port that cannot be bound is bound 20000 higher, and stays there", async () => {
    let root = false;
    const placement = new Placement("127.9.1", (_, port) => Promise.resolve(root || port >= 1024));
    const made = gateway("a", [http, { ...http, name: "b", port: 8080 }]);
    await placement.place([made]);
    root = true;
    await placement.place([made]);
    assert.equal(placement.boundPort(made, 80), 20080);
    assert.equal(placement.boundPort(made, 8080), 8080);
  });
});

describe("facts", () => {
  const pod = (args: readonly string[], more: object = {}) =>
    podFacts({
      metadata: { name: "p", namespace: "n", ...more },
      spec: { containers: [{ args, ports: [{ name: "http", containerPort: 8000 }] }] },
      status: { podIP: "127.0.0.9", conditions: [{ type: "Ready", status: "True" }] },
    });
  test("a picker serves TLS unless told not to", () => {
    assert.equal(pod([]).secureServing, true);
    assert.equal(pod(["--secure-serving=true"]).secureServing, true);
    assert.equal(pod(["--pool-name", "x", "--secure-serving=false"]).secureServing, false);
  });
  test("a pod whose deletion has begun gets no new requests", () => {
    assert.equal(pod([]).serving, true);
    assert.equal(pod([], { deletionTimestamp: "2026-01-01T00:00:00Z" }).serving, false);
  });
  test("paths of objects", () => {
    assert.equal(objectPath("/api/v1/pods", { namespace: "n", name: "p" }), "/api/v1/namespaces/n/pods/p");
    assert.equal(objectPath("/apis/g/v1/classes", { name: "c" }), "/apis/g/v1/classes/c");
  });
});
