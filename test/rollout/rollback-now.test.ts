import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { annotations, labels, managedBy } from "../../components/names";
import { describeRollback } from "../../rollout/commands/rollback-now";
import { liveRollback, type LiveRollback } from "../../rollout/now/live-rollback";
import { chooseRoutes, rollBackNow, routesToMove } from "../../rollout/now/route-writer";
import { noReason } from "../../stacks/plan/latch";
import type { Latch } from "../../stacks/plan/observed";
import { ClusterUnreadable, type ClusterWriter, type LiveObject } from "../../stacks/state/cluster-reader";
import { observedRoute } from "../../stacks/state/observe";

const now = new Date("2026-11-26T18:00:00Z");
const ref = (name: string, weight: number, namespace?: string): object => ({
  group: "inference.networking.k8s.io",
  kind: "InferencePool",
  name,
  weight,
  ...(namespace === undefined ? {} : { namespace }),
});

interface RouteCase {
  weights?: Readonly<Record<string, number>>;
  moves?: number;
  latches?: readonly Latch[];
  rules?: object[];
  name?: string;
  service?: string;
}

/** The customers' route as the API server returns it after an update of this program's. */
function liveRoute({
  weights = { llm: 40, "llm-new": 60 },
  moves = 7,
  latches = [],
  ...rest
}: RouteCase = {}): LiveObject {
  const refs = Object.entries(weights).map(([name, weight]) => ref(name, weight));
  const notes = {
    [annotations.weights]: JSON.stringify(weights),
    [annotations.moves]: String(moves),
    [annotations.carried]: JSON.stringify({ llm: 6 }),
    ...(latches.length === 0 ? {} : { [annotations.latched]: JSON.stringify(latches) }),
  };
  const fields = (names: readonly string[]): object =>
    Object.fromEntries(names.map((key) => [`f:${key}`, {}]));
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      name: rest.name ?? "routes-to-llm",
      namespace: "default",
      resourceVersion: "41",
      labels: { [labels.managedBy]: managedBy, [labels.service]: rest.service ?? "llm", team: "search" },
      annotations: { ...notes, "argocd.argoproj.io/tracking-id": "shop" },
      managedFields: [
        {
          manager: "pulumi-kubernetes-1f2e",
          operation: "Apply",
          fieldsV1: {
            "f:metadata": {
              "f:labels": fields([labels.managedBy, labels.service]),
              "f:annotations": fields(Object.keys(notes)),
            },
            "f:spec": { "f:parentRefs": {}, "f:rules": {} },
          },
        },
        { manager: "gateway", operation: "Update", subresource: "status", fieldsV1: { "f:status": {} } },
      ],
    },
    spec: {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: rest.rules ?? [{ matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs: refs }],
    },
    status: { parents: [] },
  };
}

const preview = (...pools: (readonly [string, string?])[]): LiveObject => ({
  metadata: { name: "preview-of-llm", namespace: "default" },
  spec: { rules: pools.map(([name, namespace]) => ({ backendRefs: [ref(name, 1, namespace)] })) },
});

const request = { reason: "worse answers", now };

function moved(rollback: LiveRollback): Extract<LiveRollback, { outcome: "move" }> {
  if (rollback.outcome !== "move") assert.fail(JSON.stringify(rollback));
  return rollback;
}

function refusal(rollback: LiveRollback): string {
  if (rollback.outcome !== "refused") assert.fail(JSON.stringify(rollback));
  return rollback.reasons.map(({ found, fix }) => `${found} | ${fix}`).join();
}

describe("the live route goes back", () => {
  it("to the other pool, as the program would write it, under the manager that it writes with", () => {
    const { from, to, share, manager, object } = moved(
      liveRollback({ route: liveRoute(), preview: preview(["llm-new"]), pools: [] }, request),
    );
    assert.deepEqual(
      { from, to, share, manager },
      {
        from: "llm-new",
        to: { name: "llm", namespace: "default" },
        share: 60,
        manager: "pulumi-kubernetes-1f2e",
      },
    );
    assert.deepEqual(object["spec"], {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: [{ backendRefs: [ref("llm", 100)] }],
    });
    // What others own is left to them; what the manager owns is all there, else it would be removed.
    assert.deepEqual(object.metadata, {
      name: "routes-to-llm",
      namespace: "default",
      resourceVersion: "41",
      labels: { [labels.managedBy]: managedBy, [labels.service]: "llm" },
      annotations: {
        [annotations.weights]: '{"llm":100}',
        [annotations.moves]: "8",
        [annotations.carried]: '{"llm":6}',
        [annotations.latched]: JSON.stringify([
          { candidate: "llm-new", from: 60, reason: "worse answers", time: "2026-11-26T18:00:00Z" },
        ]),
      },
    });
    assert.equal("status" in object, false);
  });

  it("at 100 % too, where the route no longer names the pool that served before", () => {
    const route = liveRoute({ weights: { "llm-new": 100 } });
    const pools = [
      { name: "llm", namespace: "llm-llm" },
      { name: "llm-new", namespace: "default" },
    ];
    for (const service of [
      { route, preview: preview(["llm-new"]), pools },
      { route, preview: preview(["llm-new"], ["llm", "llm-llm"]), pools: [] },
    ]) {
      const { to, object } = moved(liveRollback(service, request));
      assert.deepEqual(to, { name: "llm", namespace: "llm-llm" });
      assert.deepEqual(observedRoute(object).backends, [{ pool: "llm", namespace: "llm-llm", weight: 100 }]);
    }
  });

  it("by the user's word where the cluster does not say who is who, and says so before", () => {
    const route = liveRoute({ weights: { "llm-new": 100 } });
    assert.match(
      refusal(liveRollback({ route, pools: [] }, request)),
      /no preview route.*--from POOL --to POOL/,
    );
    assert.match(
      refusal(liveRollback({ route, preview: preview(["llm-new"]), pools: [] }, request)),
      /which pool served before llm-new.*--to POOL/,
    );
    assert.match(
      refusal(
        liveRollback({ route, preview: preview(["llm-new"]), pools: [] }, { ...request, to: "llm-new" }),
      ),
      /both the pool that loses its traffic and the pool that gets it/,
    );
    const { to } = moved(liveRollback({ route, pools: [] }, { ...request, from: "llm-new", to: "llm" }));
    assert.deepEqual(to, { name: "llm", namespace: "default" });
  });

  it("never where it was not this program that wrote it, or where it has more than the one rule", () => {
    const foreign = liveRoute();
    Reflect.deleteProperty(foreign.metadata.annotations ?? {}, annotations.weights);
    assert.match(
      refusal(liveRollback({ route: foreign, pools: [] }, request)),
      /this program has never written HTTPRoute .*kubectl edit/,
    );
    const two = liveRoute({
      rules: [{ backendRefs: [ref("llm", 1)] }, { backendRefs: [ref("llm-new", 1)] }],
    });
    assert.match(refusal(liveRollback({ route: two, pools: [] }, request)), /2 rules/);
    const service = liveRoute({ rules: [{ backendRefs: [{ name: "shop", port: 80, weight: 1 }] }] });
    assert.match(refusal(liveRollback({ route: service, pools: [] }, request)), /Service\/shop/);
  });

  it("only from a pool of the service, and to the place that is named", () => {
    const route = liveRoute({ weights: { llm: 70, "llm-new": 30 } });
    for (const from of ["lllm-new", "other"]) {
      const text = refusal(
        liveRollback({ route, preview: preview(["llm-new"]), pools: [] }, { ...request, from }),
      );
      assert.match(text, new RegExp(`no pool ${from}.*llm, llm-new`));
    }
    const { to, isCandidate } = moved(
      liveRollback({ route, preview: preview(["llm-new"]), pools: [] }, { ...request, to: "old/llm" }),
    );
    assert.deepEqual(to, { name: "llm", namespace: "old" });
    assert.equal(isCandidate, true);
  });

  it("leaves to other managers what they own of its spec", () => {
    const route = liveRoute();
    Object.assign(route["spec"] as object, { hostnames: ["llm.example.com"] });
    const { object } = moved(liveRollback({ route, preview: preview(["llm-new"]), pools: [] }, request));
    assert.deepEqual(Object.keys(object["spec"] as object).sort(), ["parentRefs", "rules"]);
  });

  it("once: a candidate without traffic whose latch holds is left as it is", () => {
    const first = moved(
      liveRollback({ route: liveRoute(), preview: preview(["llm-new"]), pools: [] }, request),
    );
    const again = liveRollback({ route: first.object, preview: preview(["llm-new"]), pools: [] }, request);
    assert.equal(again.outcome, "there");
  });

  it("with a mark later than every mark that is there, whatever this machine's clock says", () => {
    const time = fc.date({ min: new Date("2026-01-01"), max: new Date("2027-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(time, fc.option(time, { nil: undefined }), time, (latched, resumed, at) => {
        const latch: Latch = {
          candidate: "llm-new",
          from: 10,
          reason: "slow",
          time: latched.toISOString(),
          ...(resumed === undefined ? {} : { resumed: { reason: "fixed", time: resumed.toISOString() } }),
        };
        const { object } = moved(
          liveRollback(
            { route: liveRoute({ latches: [latch] }), preview: preview(["llm-new"]), pools: [] },
            { ...request, now: at },
          ),
        );
        const [after] = observedRoute(object).latches ?? [];
        assert.ok(after !== undefined && after.resumed === undefined, JSON.stringify(after));
        for (const mark of [latched, ...(resumed === undefined ? [] : [resumed])])
          assert.ok(Date.parse(after.time) > mark.getTime() - 1000);
        assert.equal(after.reason, "worse answers");
      }),
    );
  });
});

/** A cluster of one route and two pools, that can refuse. */
class Cluster implements ClusterWriter {
  applied: { body: LiveObject; manager: string }[] = [];
  conflicts = 0;
  /** How the next write is refused. */
  refusal: ConstructorParameters<typeof ClusterUnreadable> = ["conflict", "409"];
  constructor(
    readonly route: LiveObject,
    readonly pods: Readonly<Record<string, number>> = { llm: 2, "llm-new": 2 },
    readonly pools: readonly string[] = ["llm", "llm-new"],
  ) {}

  get(path: string): Promise<LiveObject | undefined> {
    if (path.includes("preview-of-")) return Promise.resolve(preview(["llm-new"]));
    if (path.includes("httproutes")) return Promise.resolve(this.route);
    const name = path.split("/").at(-1) ?? "";
    const pool = { metadata: { name }, spec: { selector: { matchLabels: { app: name } } } };
    return Promise.resolve(this.pools.includes(name) ? pool : undefined);
  }

  list(path: string): Promise<LiveObject[]> {
    if (path.includes("inferencepools")) return Promise.resolve([]);
    if (path.includes("httproutes")) return Promise.resolve([this.route]);
    const pool = /app%3D(.+)$/.exec(path)?.[1] ?? "";
    const ready = { conditions: [{ type: "Ready", status: "True" }] };
    return Promise.resolve(
      Array.from({ length: this.pods[pool] ?? 0 }, (_, i) => ({
        metadata: { name: `${pool}-${i}` },
        status: ready,
      })),
    );
  }

  apply(_path: string, body: LiveObject, manager: string): Promise<LiveObject> {
    if (this.conflicts-- > 0) return Promise.reject(new ClusterUnreadable(...this.refusal));
    this.applied.push({ body, manager });
    return Promise.resolve(body);
  }
}

describe("rollback --now", () => {
  it("writes once, also when somebody else writes at the same moment", async () => {
    const cluster = new Cluster(liveRoute());
    cluster.conflicts = 3;
    const written = await rollBackNow(cluster, cluster.route, { reason: "slow" });
    assert.equal(cluster.applied.length, 1);
    assert.match(
      describeRollback(written, false).join("\n"),
      /All traffic now goes to llm \(2 of 2 pods ready\).*60 %/,
    );
  });

  it("prints the command that records it with the reason, for a shell", async () => {
    const next = async (reason: string): Promise<string> => {
      const cluster = new Cluster(liveRoute());
      return describeRollback(await rollBackNow(cluster, cluster.route, { reason }), false).join("\n");
    };
    assert.match(await next("it's slow"), /Next: npm run rollout -- rollback --reason 'it'\\''s slow'$/);
    assert.match(await next(noReason), /Next: npm run rollout -- rollback$/);
  });

  it("reads the route again where a guard of the cluster has counted another write; no right is no reason to", async () => {
    const cluster = new Cluster(liveRoute());
    cluster.conflicts = 2;
    const denied = "routes-to-llm was moved or rolled back while this update ran: nothing was overwritten";
    cluster.refusal = ["forbidden", denied];
    await rollBackNow(cluster, cluster.route, { reason: "slow" });
    assert.equal(cluster.applied.length, 1);
    cluster.conflicts = 2;
    cluster.refusal = ["forbidden", "cannot patch resource httproutes"];
    await assert.rejects(rollBackNow(cluster, cluster.route, { reason: "slow" }), /cannot patch/);
  });

  it("sends nothing to a pool that is not there or has no ready pod, unless it is forced", async () => {
    const dead = new Cluster(liveRoute(), { "llm-new": 2 });
    const refused = await rollBackNow(dead, dead.route, { reason: "slow" });
    assert.match(refusal(refused.rollback), /llm has no ready pod.*--force/);
    assert.equal(dead.applied.length, 0);
    await rollBackNow(dead, dead.route, { reason: "slow" }, { force: true });
    assert.equal(dead.applied.length, 1);
    const gone = new Cluster(liveRoute(), {}, ["llm-new"]);
    assert.match(
      refusal((await rollBackNow(gone, gone.route, { reason: "slow" }, { force: true })).rollback),
      /no InferencePool llm/,
    );
    assert.equal(gone.applied.length, 0);
  });

  it("changes nothing in a dry run", async () => {
    const cluster = new Cluster(liveRoute());
    const written = await rollBackNow(cluster, cluster.route, { reason: "slow" }, { dryRun: true });
    assert.equal(cluster.applied.length, 0);
    assert.match(describeRollback(written, true).join("\n"), /Nothing was changed/);
  });

  it("never goes to the pool of another service of the same name", async () => {
    const owned = (id: string): Record<string, string> => ({
      [annotations.owner]: JSON.stringify({ id, stack: `acme/inference-rollout/${id}` }),
    });
    const route = liveRoute({ weights: { "llm-new": 100 } });
    Object.assign(route.metadata.annotations ?? {}, owned("blue"));
    const pool = (name: string, namespace: string, notes: Record<string, string>): LiveObject => ({
      metadata: { name, namespace, labels: { [labels.service]: "llm" }, annotations: notes },
    });
    class TwoTeams extends Cluster {
      constructor(private readonly every: LiveObject[]) {
        super(route);
      }
      override list(path: string): Promise<LiveObject[]> {
        return path.includes("inferencepools") ? Promise.resolve(this.every) : super.list(path);
      }
    }
    const theirs = pool("llm", "team-b", owned("green"));
    const unmarked = pool("llm", "team-c", {});
    const refused = await rollBackNow(new TwoTeams([theirs, unmarked]), route, { reason: "slow" });
    assert.match(refusal(refused.rollback), /which pool served before llm-new/);
    const mine = pool("llm", "llm-llm", owned("blue"));
    const { rollback } = await rollBackNow(new TwoTeams([theirs, mine]), route, { reason: "slow" });
    assert.deepEqual(moved(rollback).to, { name: "llm", namespace: "llm-llm" });
  });

  it("writes no route of another stack than the one that is meant", async () => {
    const marked = (): Cluster => {
      const route = liveRoute();
      const owner = { id: "blue", stack: "acme/inference-rollout/blue" };
      Object.assign(route.metadata.annotations ?? {}, { [annotations.owner]: JSON.stringify(owner) });
      return new Cluster(route);
    };
    for (const [cluster, owner, writes] of [
      [marked(), "green", 0],
      [marked(), "blue", 1],
      [new Cluster(liveRoute()), "green", 1],
    ] as const) {
      const { rollback } = await rollBackNow(cluster, cluster.route, { reason: "slow" }, { owner });
      assert.equal(cluster.applied.length, writes);
      if (writes === 0) assert.match(refusal(rollback), /another stack's.*--stack NAME/);
    }
  });

  it("does without the preview route where it may not read it", async () => {
    class Narrow extends Cluster {
      override get(path: string): Promise<LiveObject | undefined> {
        return path.includes("preview-of-")
          ? Promise.reject(new ClusterUnreadable("forbidden", path))
          : super.get(path);
      }
    }
    const cluster = new Narrow(liveRoute());
    await rollBackNow(cluster, cluster.route, { reason: "slow", from: "llm-new" });
    assert.equal(cluster.applied.length, 1);
  });

  it("asks which service is meant where there are several, with the words to say it", () => {
    const shop = liveRoute({ name: "routes-to-shop", service: "shop" });
    const both = [liveRoute(), shop];
    const undecided = JSON.stringify(chooseRoutes(both, {}));
    assert.match(undecided, /2 services: default\/routes-to-llm \(llm 40 %, llm-new 60 %\)/);
    assert.match(
      undecided,
      /"npm run rollout -- rollback --now --kubeconfig FILE --service llm --namespace default, or npm .*--service shop/,
    );
    assert.deepEqual(chooseRoutes(both, { service: "shop" }), { routes: [shop] });
    assert.deepEqual(chooseRoutes(both, { route: "routes-to-shop" }), { routes: [shop] });
    assert.match(
      JSON.stringify(chooseRoutes(both, { service: "chat" })),
      /no route of service chat.*--service llm/,
    );
    assert.match(JSON.stringify(chooseRoutes([], {})), /no route of this program.*current context/);
  });

  it("takes the traffic off the candidate by every route of the service that sends it some", async () => {
    const other = liveRoute({ name: "chat", weights: { llm: 1, "llm-new": 1 } });
    const idle = liveRoute({ name: "batch", weights: { llm: 100 } });
    const all = [liveRoute(), other, idle];
    const choice = chooseRoutes(all, { service: "llm" });
    assert.deepEqual(choice, { routes: all });
    const cluster = new Cluster(liveRoute());
    assert.deepEqual(await routesToMove(cluster, all), [all[0], other]);
    assert.deepEqual(await routesToMove(cluster, [idle, idle]), [idle, idle]);
    assert.deepEqual(chooseRoutes(all, { service: "llm", route: "chat" }), { routes: [other] });
  });
});
