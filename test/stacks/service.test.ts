import { nothingDeployed } from "../../stacks/plan/model";
import type { Observed } from "../../stacks/plan/observed";
import { dependenciesOf, updateTimeoutOf, type Registered } from "../rendering";
import { renderService as render } from "./rendered-service";
import { rolloutPlanType } from "../../components/route/rollout-plan";
import { after, serviceConfig, sourceCase, planFor } from "./cases";
import { at, foreign, rolledBack } from "./plan/scenarios";
import { deployed } from "./plan/worlds";
import type { RawConfig } from "../../stacks/config/parse";
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

const find = (resources: readonly Registered[], kind: string, name: string): Registered["inputs"] => {
  const found = resources.filter(
    ({ inputs }) =>
      inputs["kind"] === kind && (inputs["metadata"] as { name?: string } | undefined)?.name === name,
  );
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0]!.inputs;
};

describe("a service without objectives", () => {
  let resources: Registered[] = [];
  before(async () => {
    resources = await render(sourceCase);
  });

  it("has the source's HTTPRoute, its invalid parentRef put right", () => {
    const route = find(resources, "HTTPRoute", "routes-to-llm");
    assert.equal(route["apiVersion"], "gateway.networking.k8s.io/v1");
    assert.deepEqual(route["spec"], {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: [
        {
          backendRefs: [
            { group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm", weight: 90 },
            { group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm-new", weight: 10 },
          ],
        },
      ],
    });
  });

  it("puts nothing into a namespace of its own", () => {
    assert.ok(
      resources.every(({ inputs }) => inputs["kind"] !== "Namespace" && inputs["kind"] !== "ReferenceGrant"),
    );
  });

  it("has the preview route behind a header that no customer sends by chance", () => {
    const preview = find(resources, "HTTPRoute", "preview-of-llm");
    const { rules } = preview["spec"] as {
      rules: { matches: { headers: { value: string }[] }[]; backendRefs: { name: string }[] }[];
    };
    // One rule to the candidate; one to the stable pool, which the gate asks for the names that it serves.
    const ref = { group: "inference.networking.k8s.io", kind: "InferencePool", weight: 1 };
    assert.deepEqual(
      rules.map(({ backendRefs }) => backendRefs),
      [[{ ...ref, name: "llm-new" }], [{ ...ref, name: "llm" }]],
    );
    const values = rules.map(({ matches }) =>
      matches.map(({ headers }) => headers.map(({ value }) => value)),
    );
    const secret = values[0]?.[0]?.[0] ?? "";
    // Every match of a rule has the header: that for everything, and the exact path that the closed paths would take.
    const stable = `stable-${secret}`;
    assert.deepEqual(values, [
      [[secret], [secret]],
      [[stable], [stable]],
    ]);
  });

  it("names the stable pool whatever the gate asks: at weight 100 no other route does", async () => {
    const gates = [{ names: "declared" }, { via: "api-server" }, { via: "off" }];
    const cases: RawConfig[] = [...gates.map((gate) => ({ gate })), { allow: ["stable-names"] }];
    for (const more of cases) {
      const named = await render({ ...sourceCase, weight: 100, ...more });
      const refs = (name: string): (string | undefined)[] =>
        (
          find(named, "HTTPRoute", name)["spec"] as { rules: { backendRefs: { name: string }[] }[] }
        ).rules.map(({ backendRefs }) => backendRefs[0]?.name);
      assert.deepEqual(refs("routes-to-llm"), ["llm-new"]);
      assert.deepEqual(refs("preview-of-llm"), ["llm-new", "llm"], JSON.stringify(more));
    }
  });

  it("deletes servers before whatever their streams pass, and whatever drains them", () => {
    // The engine deletes what depends on others first, and children before their component.
    const server = resources.find(({ type, name }) => type.endsWith(":ModelServer") && name === "llm")!;
    const after = dependenciesOf(server);
    for (const [kind, name] of [
      ["HealthCheckPolicy", "llm-health"],
      ["GCPBackendPolicy", "llm-backend"],
      ["InferencePool", "llm"],
      ["NodePool", "llm-nodes"],
      ["Deployment", "llm-epp"],
      ["Service", "llm-epp"],
    ] as const) {
      assert.ok(
        after.some((one) => one.endsWith(`:${kind}::${name}`)),
        `${kind} ${name} in ${after.join(", ")}`,
      );
    }
  });

  it("gives each pool machines of its own, tainted, with a label that its pods choose", () => {
    const pools = resources.filter(({ type }) => type === "gcp:container/nodePool:NodePool");
    assert.deepEqual(
      pools.map(({ inputs }) => [
        inputs["name"],
        (inputs["autoscaling"] as { totalMaxNodeCount: number }).totalMaxNodeCount,
        (inputs["nodeConfig"] as { machineType: string }).machineType,
      ]),
      [
        ["llm-abc123", 6, "g2-standard-12"],
        ["llm-new-abc123", 1, "a3-highgpu-8g"],
      ],
    );
    for (const { inputs } of pools) {
      const nodes = inputs["nodeConfig"] as { labels: object; taints: object[] };
      assert.deepEqual(nodes.taints, [{ key: "nvidia.com/gpu", value: "present", effect: "NO_SCHEDULE" }]);
      const pool = (inputs["name"] as string).replace("-abc123", "");
      const server = find(resources, "Deployment", pool)["spec"] as {
        template: { spec: { nodeSelector: object } };
      };
      assert.deepEqual(server.template.spec.nodeSelector, nodes.labels);
    }
  });

  it("lets model servers finish what they have", () => {
    const { template } = find(resources, "Deployment", "llm")["spec"] as {
      template: {
        spec: {
          terminationGracePeriodSeconds: number;
          containers: { args: string[]; lifecycle: { preStop: { sleep: { seconds: number } } } }[];
        };
      };
    };
    const [container] = template.spec.containers;
    const finish = Number(container!.args[container!.args.indexOf("--shutdown-timeout") + 1]);
    const sleep = container!.lifecycle.preStop.sleep.seconds;
    assert.ok(finish > 0);
    assert.ok(template.spec.terminationGracePeriodSeconds >= sleep + finish);
  });

  it("lets them take the time that the pool sets, and everything around them", async () => {
    const pools = {
      ...sourceCase.pools,
      "llm-new": { ...sourceCase.pools["llm-new"], server: { drainSeconds: 600 } },
    };
    const made = await render({ ...sourceCase, pools });
    const graceOf = (name: string): number =>
      (
        find(made, "Deployment", name)["spec"] as {
          template: { spec: { terminationGracePeriodSeconds: number } };
        }
      ).template.spec.terminationGracePeriodSeconds;
    assert.deepEqual(["llm-new", "llm-new-epp", "llm", "llm-epp"].map(graceOf), [640, 640, 130, 130]);
    assert.match(JSON.stringify(find(made, "Deployment", "llm-new")), /"--shutdown-timeout","600"/);
    const drained = find(made, "GCPBackendPolicy", "llm-new")["spec"] as {
      default: { connectionDraining: object };
    };
    assert.deepEqual(drained.default.connectionDraining, { drainingTimeoutSec: 640 });
  });

  it("gives pickers and model servers no more rights than they need", () => {
    for (const { inputs } of resources.filter(({ inputs }) => inputs["kind"] === "Role")) {
      for (const rule of inputs["rules"] as { verbs: string[]; resources: string[] }[]) {
        assert.deepEqual(rule.verbs, ["get", "list", "watch"]);
        assert.ok(!rule.resources.includes("*"));
      }
    }
    const server = find(resources, "Deployment", "llm")["spec"] as {
      template: { spec: { automountServiceAccountToken: boolean } };
    };
    assert.equal(server.template.spec.automountServiceAccountToken, false);
  });

  it("says nothing of role or weight anywhere but in the two routes and in what policies judge by", () => {
    const others = resources.filter(
      ({ type, inputs }) =>
        type !== rolloutPlanType &&
        inputs["kind"] !== "HTTPRoute" &&
        inputs["kind"] !== "ValidatingAdmissionPolicy",
    );
    assert.doesNotMatch(JSON.stringify(others), /stable|candidate|"weight":/);
  });
});

describe("what policies judge an update by", () => {
  it("is a resource with the change in its inputs", async () => {
    const found = (await render(sourceCase)).filter(({ type }) => type === rolloutPlanType);
    assert.deepEqual(
      found.map(({ name, inputs }) => [name, inputs]),
      [["llm", { stable: "llm", candidate: "llm-new", weight: 10, previousWeight: 0, removed: [] }]],
    );
  });
});

describe("promotion", () => {
  it("renders the surviving pool exactly as before", async () => {
    const only = (resources: readonly Registered[]): unknown =>
      resources
        .filter(
          ({ inputs, name }) => JSON.stringify(inputs).includes("llm-new") && !name.startsWith("llm-preview"),
        )
        .filter(({ type, inputs }) => type !== rolloutPlanType && inputs["kind"] !== "HTTPRoute")
        .map(({ type, name, inputs }) => ({ type, name, inputs }));
    const shifted = only(await render({ ...sourceCase, weight: 100 }));
    const promoted = only(await render({ ...sourceCase, stable: "llm-new", candidate: "", weight: 0 }));
    assert.deepEqual(promoted, shifted);
  });
});

describe("a service with objectives", () => {
  let resources: Registered[] = [];
  before(async () => {
    resources = await render({ ...sourceCase, objectives: [{ name: "batch", priority: -10 }] });
  });

  it("has each objective under the same name on both pools, each in the pool's namespace", () => {
    const objectives = resources.filter(({ inputs }) => inputs["kind"] === "InferenceObjective");
    assert.deepEqual(
      objectives.map(({ inputs }) => [
        (inputs["metadata"] as { name: string; namespace: string }).namespace,
        (inputs["metadata"] as { name: string; namespace: string }).name,
        (inputs["spec"] as { poolRef: { name: string } }).poolRef.name,
        (inputs["spec"] as { priority: number }).priority,
      ]),
      [
        ["llm-llm", "batch", "llm", -10],
        ["llm-llm-new", "batch", "llm-new", -10],
      ],
    );
  });

  it("lets the service's route, and no other namespace's, name the pools", () => {
    const grants = resources.filter(({ inputs }) => inputs["kind"] === "ReferenceGrant");
    assert.equal(grants.length, 2);
    for (const { inputs } of grants) {
      assert.equal(inputs["apiVersion"], "gateway.networking.k8s.io/v1beta1");
      assert.deepEqual((inputs["spec"] as { from: object[] }).from, [
        { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default" },
      ]);
    }
    const route = find(resources, "HTTPRoute", "routes-to-llm")["spec"] as {
      rules: { backendRefs: object[] }[];
    };
    assert.deepEqual(
      route.rules[0]?.backendRefs.map((ref) => (ref as { namespace: string }).namespace),
      ["llm-llm", "llm-llm-new"],
    );
  });
});

describe("the customers' route", () => {
  const notesOf = (resources: readonly Registered[]): Record<string, string> =>
    (find(resources, "HTTPRoute", "routes-to-llm")["metadata"] as { annotations: Record<string, string> })
      .annotations;

  it("carries the weights that were written with it", async () => {
    assert.deepEqual(notesOf(await render(sourceCase)), {
      "inference-rollout/weights": '{"llm":90,"llm-new":10}',
    });
  });

  it("carries the latch of a candidate that was rolled back", async () => {
    const resources = await render({ ...at(0), rolledBack }, deployed(at(0), at(60)));
    const notes = notesOf(resources);
    assert.equal(notes["inference-rollout/weights"], '{"llm":100}');
    assert.deepEqual(JSON.parse(notes["inference-rollout/latched"] ?? ""), [{ ...rolledBack, from: 60 }]);
  });

  it("is imported and forced in exactly the update that takes it over", async () => {
    const pools = { ...sourceCase.pools, llm: { existing: true } };
    const theirs = { ...nothingDeployed, pools: [{ name: "llm", namespace: "default", owned: false }] };
    const take = { ...sourceCase, weight: 0, pools, allow: ["take-over-route"] };
    const routeOf = async (raw: RawConfig, world: Observed): Promise<Registered> => {
      const resources = await render(raw, world);
      const found = resources.find(
        ({ inputs }) => (inputs["metadata"] as { name?: string } | undefined)?.name === "routes-to-llm",
      );
      assert.ok(found !== undefined);
      return found;
    };
    const taken = await routeOf(take, foreign(theirs, { llm: 1 }));
    assert.equal(taken.importId, "default/routes-to-llm");
    assert.equal(
      (taken.inputs["metadata"] as { annotations: Record<string, string> }).annotations[
        "pulumi.com/patchForce"
      ],
      "true",
    );
    const config = serviceConfig(take);
    const next = await routeOf(take, after(config, planFor(config, foreign(theirs, { llm: 1 }))));
    assert.equal(next.importId, undefined);
    assert.ok(!("pulumi.com/patchForce" in notesOf([next])));
  });
});

describe("another name of the customers' route", () => {
  it("is the one that everything goes by", async () => {
    const resources = await render({ ...sourceCase, service: "shop", route: "llm-route" });
    const names = resources.map(({ inputs }) => (inputs["metadata"] as { name?: string } | undefined)?.name);
    assert.ok(names.includes("llm-route") && !names.includes("routes-to-shop"));
    const guard = find(resources, "ValidatingAdmissionPolicy", "default-shop-traffic-guard");
    assert.match(JSON.stringify(guard), /params\.metadata\.name == 'llm-route'/);
    assert.doesNotMatch(JSON.stringify(resources), /routes-to-shop/);
  });

  it("changes neither the number of resources nor what the guard binds", async () => {
    const bindings = (resources: readonly Registered[]): unknown[] =>
      resources
        .filter(({ inputs }) => inputs["kind"] === "ValidatingAdmissionPolicyBinding")
        // The guard of the route's moves needs no parameters.
        .flatMap(({ inputs }) => (inputs["spec"] as { paramRef?: object }).paramRef ?? []);
    const one = { selector: {}, parameterNotFoundAction: "Allow" };
    assert.deepEqual(bindings(await render({ ...sourceCase, route: "llm-route" })), [
      { ...one, namespace: "default" },
    ]);
    const objectives = [{ name: "batch", priority: -10 }];
    assert.deepEqual(bindings(await render({ ...sourceCase, objectives })), [
      { ...one, namespace: "default" },
      { ...one, namespace: "llm-llm" },
      { ...one, namespace: "llm-llm-new" },
    ]);
  });
});

describe("pods that restart in place", () => {
  const pools = {
    ...sourceCase.pools,
    llm: { accelerator: "nvidia-l4", replicas: 6, server: { priorityClassName: "high" } },
  };
  const timeoutIn = async (raw: RawConfig, world: Observed): Promise<string> =>
    updateTimeoutOf(
      (await render(raw, world)).find(({ type, name }) => type.endsWith(":Deployment") && name === "llm")!,
    );

  it("have the time of one for each: they load one after the other", async () => {
    assert.equal(await timeoutIn({ ...at(30), pools }, deployed(at(0), at(30))), "270m");
    assert.equal(await timeoutIn(at(30), deployed(at(0))), "45m");
  });
});

describe("capacity that follows weight", () => {
  it("gives node pools the planned size at least and the full size at the most", async () => {
    const limits = (resources: readonly Registered[]): unknown[] =>
      resources
        .filter(({ type }) => type === "gcp:container/nodePool:NodePool")
        .map(({ inputs }) => {
          const { totalMinNodeCount, totalMaxNodeCount } = inputs["autoscaling"] as Record<string, number>;
          return [inputs["name"], totalMinNodeCount, totalMaxNodeCount];
        });
    const capacity = { mode: "follow-weight", rollbackReserve: 0.5 };
    const raw = { ...at(60), capacity };
    assert.deepEqual(limits(await render(raw)), [
      ["llm-abc123", 3, 6],
      // H100s are sold on demand by eight: one machine carries both replicas.
      ["llm-new-abc123", 1, 1],
    ]);
    assert.deepEqual(limits(await render(at(60))), [
      ["llm-abc123", 6, 6],
      ["llm-new-abc123", 1, 1],
    ]);
  });
});

describe("a service with rights in its namespaces only", () => {
  it("has nothing that belongs to no namespace, and everything else", async () => {
    const wide = /ValidatingAdmission|ClusterRole|core\/v1:Namespace$/;
    const before = await render(sourceCase);
    const typesOf = (resources: readonly Registered[]): string[] => resources.map(({ type }) => type);
    const narrow = typesOf(await render({ ...sourceCase, clusterScoped: false }));
    assert.ok(typesOf(before).some((type) => wide.test(type)));
    assert.deepEqual(
      narrow.sort(),
      typesOf(before)
        .filter((type) => !wide.test(type) && !/:(?:Traffic|Move)Guard$/.test(type))
        .sort(),
    );
  });
});
