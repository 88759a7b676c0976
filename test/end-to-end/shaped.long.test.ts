import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PatchStrategy } from "@kubernetes/client-node";
import { chanceOf, wrong } from "../../rollout/traffic/split-odds";
import { InferenceClient } from "../../rollout/traffic/client";
import { Traffic } from "../../lab/traffic/traffic";
import { makeCluster, serve } from "./production/production";
import { minutes, nobodyNoticed, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * A route of several rules that somebody's chart made, with customers on it: taken over as it is, through the whole
 * ladder and back, promoted, and its owner edits it in between. At every step everything in it but the split is as its
 * owner has it, with the real Kubernetes provider.
 */

const model = "Qwen/Qwen3-8B";
const hostname = "chat.example.org";
const gatewayApi = "gateway.networking.k8s.io/v1";
const pool = { group: "inference.networking.k8s.io", kind: "InferencePool" };
const filters = [
  { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-team", value: "search" }] } },
];
const tenant = [{ type: "Exact", name: "x-tenant", value: "gold" }];
const rules = [
  {
    name: "completions",
    matches: [{ path: { type: "PathPrefix", value: "/v1" } }],
    filters,
    timeouts: { request: "300s" },
    backendRefs: [{ ...pool, name: "llm" }],
  },
  {
    matches: [{ path: { type: "PathPrefix", value: "/v1" }, headers: tenant }],
    timeouts: { request: "600s" },
    backendRefs: [{ ...pool, name: "llm" }],
  },
  {
    matches: [{ path: { type: "Exact", value: "/robots.txt" } }],
    filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "www.example.org", statusCode: 302 } }],
  },
];
const labels = {
  team: "search",
  "app.kubernetes.io/managed-by": "Helm",
  "argocd.argoproj.io/instance": "chat",
};
const annotations = { "meta.helm.sh/release-name": "chat", "example.org/on-call": "search-sre" };

interface Rule {
  [field: string]: unknown;
  backendRefs?: { name: string; weight: number; kind: string }[];
}

interface Live {
  metadata: {
    uid: string;
    generation: number;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: { rules: Rule[]; [field: string]: unknown };
}

/** Everything in a route that is its owner's. */
function ownersPart({ metadata, spec }: Live): unknown {
  const own = (entries: Record<string, string>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(entries).filter(([key]) => !/^(inference-rollout|pulumi\.com)\//.test(key)),
    );
  return {
    uid: metadata.uid,
    labels: own(metadata.labels),
    annotations: own(metadata.annotations),
    spec: {
      ...spec,
      rules: spec.rules.map((rule) => ({
        ...rule,
        backendRefs: rule.backendRefs === undefined ? [] : ["pools"],
      })),
    },
  };
}

const splitsOf = ({ spec }: Live): (Record<string, number> | undefined)[] =>
  spec.rules.map(({ backendRefs }) =>
    backendRefs === undefined
      ? undefined
      : Object.fromEntries(backendRefs.map(({ name, weight }) => [name, weight])),
  );

describe("a route of any shape", minutes(24), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let target: { host: string; port: number; hostname: string };
  let found: Live;
  let owners: unknown;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const address = await serve(lab);
    await lab.remove(gatewayApi, "HTTPRoute", "default", "routes-to-llm");
    const object = {
      apiVersion: gatewayApi,
      kind: "HTTPRoute",
      metadata: { name: "chat", namespace: "default", labels, annotations },
      spec: {
        parentRefs: [{ name: "my-inference-gateway", sectionName: "http" }],
        hostnames: [hostname, "*.chat.example.org"],
        rules,
      },
    };
    // As kubectl does: the provider takes over what managers of its name own.
    await lab.objects.create(object, undefined, undefined, "kubectl-client-side-apply");
    target = { host: address, port: await lab.lab.boundPort(address), hostname };
    await answered();
    found = await live();
    owners = ownersPart(found);
    traffic = Traffic.start(target, { requests: 200_000, seconds: 1800 });
    traffic.setRates({ plain: 15, streams: 3, models: [model] });
    stack = await make("shaped", { gateway: { existing: true } });
  }, minutes(5));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  /** A stack of the service, on nodes that are there: a second one can want the same. */
  function make(name: string, config: object): Promise<StackUnderTest> {
    return lab.stack(name, {
      "gcp:project": undefined,
      "gcp:region": undefined,
      cluster: { kubeconfig: lab.lab.controlPlane.kubeconfig },
      weight: 0,
      pools: {
        llm: { existing: true },
        "llm-new": {
          ...{ like: "llm", accelerator: "nvidia-l4", replicas: 2 },
          nodeLabels: ["cloud.google.com/gke-nodepool=l4"],
        },
      },
      ...config,
    });
  }

  async function live(): Promise<Live> {
    const route = await lab.get<Live>(gatewayApi, "HTTPRoute", "default", "chat");
    assert.ok(route !== undefined);
    return route;
  }

  async function ask(count: number, headers: Record<string, string> = {}): Promise<Record<string, number>> {
    const client = new InferenceClient(target);
    const counts: Record<string, number> = {};
    for (let sent = 0; sent < count; sent += 20) {
      const answers = await Promise.all(
        Array.from({ length: Math.min(20, count - sent) }, () =>
          client.complete({ kind: "plain", model, maxTokens: 1, headers }),
        ),
      );
      for (const { failure, pool: who = "nobody" } of answers) {
        const key = failure ?? who;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    return counts;
  }

  async function answered(): Promise<void> {
    for (let tried = 0; tried < 120; tried++) {
      if ((await ask(5))["llm"] === 5) return;
      await sleep(500);
    }
    throw new Error("customers are not answered");
  }

  /** Whether customers of every rule get a split. */
  async function customersGet(percent: number): Promise<void> {
    for (const headers of [{}, { "x-tenant": "gold" }]) {
      const sample = async (requests: number): Promise<number> => {
        const counts = await ask(requests, headers);
        assert.equal((counts["llm"] ?? 0) + (counts["llm-new"] ?? 0), requests, JSON.stringify(counts));
        return chanceOf({ requests, candidate: counts["llm-new"] ?? 0 }, percent / 100);
      };
      if ((await sample(200)) >= 0.0027) continue;
      const chance = await sample(800);
      assert.ok(chance >= wrong, `not ${percent} % with ${JSON.stringify(headers)}`);
    }
  }

  const at = (weight: number): Record<string, number> => ({
    ...(weight < 100 ? { llm: weight === 0 ? 1 : 100 - weight } : {}),
    ...(weight > 0 ? { "llm-new": weight === 100 ? 1 : weight } : {}),
  });

  /** The owner's part is untouched, and both rules have the split. */
  async function holds(weight: number): Promise<void> {
    const route = await live();
    assert.deepEqual(ownersPart(route), owners);
    const [one, two, redirect] = splitsOf(route);
    assert.deepEqual([one, two, redirect], [at(weight), at(weight), undefined]);
  }

  test("a second route beside it is refused, with the commands that take it over", async () => {
    const text = await stack.refusedUp();
    assert.match(text, /other-route[^]*HTTPRoute default\/chat/);
    assert.match(text, /gateway\.hostname'? chat\.example\.org/);
    assert.match(text, /pulumi config set route chat/);
    assert.equal(await lab.route("routes-to-llm"), undefined);
  });

  test("it is taken over as it was found", async () => {
    await stack.setPath("gateway.hostname", hostname);
    await stack.set("route", "chat");
    assert.match(await stack.refusedUp(), /route-not-ours[^]*writes weights in rules\[0\], rules\[1\]/);
    await stack.setPath("allow[0]", "take-over-route");
    const preview = await stack.pulumi.run(["preview", "--diff"]);
    assert.match(preview, /import/);
    await stack.up();
    await stack.unset("allow");
    const route = await live();
    assert.deepEqual(route.spec, found.spec);
    assert.equal(route.metadata.labels["inference-rollout/service"], "llm");
    await holds(0);
  });

  test("a second update has nothing to do", async () => {
    await stack.up();
    assert.match(await stack.up(), /unchanged/);
    assert.doesNotMatch(await stack.pulumi.run(["preview"]), /HTTPRoute \S+ +(update|replace|delete|create)/);
  });

  test("the preview header wins over its rules: the gate asks the candidate itself", async () => {
    const secret = (await stack.pulumi.run(["stack", "output", "previewSecret", "--show-secrets"])).trim();
    for (const headers of [{}, { "x-tenant": "gold" }]) {
      assert.deepEqual(await ask(20, { "x-inference-preview": secret, ...headers }), { "llm-new": 20 });
      assert.deepEqual(await ask(20, { "x-inference-preview": `stable-${secret}`, ...headers }), { llm: 20 });
    }
  });

  for (const weight of [10, 60]) {
    test(`to ${weight}`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      await holds(weight);
      await customersGet(weight);
    });
  }

  test("what its owner edits in between is kept, and said", async () => {
    const { spec } = await live();
    const [first, ...rest] = spec.rules;
    assert.ok(first !== undefined);
    const edited = [{ ...first, timeouts: { request: "900s" } }, ...rest];
    await lab.edit({
      apiVersion: gatewayApi,
      kind: "HTTPRoute",
      metadata: { name: "chat", namespace: "default", labels: { tier: "gold" } },
      spec: { rules: edited },
    });
    const route = await live();
    owners = ownersPart(route);
    assert.deepEqual(route.spec.rules[0]?.["timeouts"], { request: "900s" });
    const updated = await stack.update({ weight: "30" });
    assert.equal(updated.status, 0, updated.output);
    assert.match(
      updated.output,
      /was changed by its owner since the last update: this update keeps the change/,
    );
    await holds(30);
    await customersGet(30);
  });

  test("an edit while an update runs is not overwritten: the API server refuses the stale write", async () => {
    const { metadata, spec } = await live();
    const stale = spec.rules.map((rule) =>
      rule.backendRefs === undefined ? rule : { ...rule, timeouts: { request: "1s" } },
    );
    const write = (from: number): Promise<unknown> =>
      lab.objects.patch(
        {
          apiVersion: gatewayApi,
          kind: "HTTPRoute",
          metadata: {
            name: "chat",
            namespace: "default",
            annotations: { "inference-rollout/written-from": String(from) },
          },
          spec: { rules: stale },
        } as never,
        undefined,
        "All",
        "pulumi-kubernetes-1234abcd",
        true,
        PatchStrategy.ServerSideApply,
      );
    await assert.rejects(write(metadata.generation - 1), /was edited while this update ran/);
    // Only tried: the API server takes it where it is made from what is there.
    await write(metadata.generation);
    await holds(30);
  });

  for (const weight of [100, 0, 100]) {
    test(`to ${weight}`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      await holds(weight);
      await customersGet(weight);
    });
  }

  test("rolled back at once, without Pulumi, and resumed", async () => {
    const kubeconfig = lab.lab.controlPlane.kubeconfig;
    const now = await stack.rollout("rollback", "--now", "--kubeconfig", kubeconfig, "--reason", "worse");
    assert.equal(now.status, 0, now.output);
    await holds(0);
    await customersGet(0);
    const recorded = await stack.rollout("rollback", "--yes", "--reason", "worse");
    assert.equal(recorded.status, 0, recorded.output);
    await holds(0);
    const resumed = await stack.rollout("resume", "--yes", "--reason", "better");
    assert.equal(resumed.status, 0, resumed.output);
    const updated = await stack.update({ weight: "100" });
    assert.equal(updated.status, 0, updated.output);
    await holds(100);
  });

  test("promoted: only the new pool is named, in every rule", async () => {
    const updated = await stack.update({ stable: "llm-new", candidate: undefined, weight: undefined });
    assert.equal(updated.status, 0, updated.output);
    await holds(100);
    assert.match((await stack.rollout("status")).output, /live route +llm-new 100 %/);
  });

  test("a second stack of the service is told whose it is before it makes anything, and can take it over", async () => {
    const config = { stable: "llm-new", candidate: "", route: "chat", gateway: { existing: true, hostname } };
    const again = await make("again", config);
    const refused = await again.refusedUp();
    assert.match(refused, /another-stacks[^]*belong to stack organization\/inference-rollout\/shaped /);
    assert.match(refused, /HTTPRoute default\/chat/);
    const made = (await again.resources()).filter(({ type }) => type.startsWith("kubernetes:"));
    assert.deepEqual(made, []);
    await again.setPath("allow[0]", "take-over-service");
    assert.match(await again.up(), /\d+ imported/);
    await holds(100);
    assert.match(await stack.refusedUp(), /belong to stack organization\/inference-rollout\/again /);
  });

  test("no customer has noticed", async () => {
    assert.deepEqual(await nobodyNoticed(traffic), ["llm", "llm-new"]);
  });
});
