import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { annotations } from "../../../components/names";
import type { RawConfig } from "../../../stacks/config/parse";
import { kindOf } from "../../../stacks/plan/rollout-move";
import type { Pool } from "../../../stacks/plan/service-config";
import { serviceConfig } from "../cases";
import {
  candidate,
  cluster,
  config,
  core,
  named,
  planOf,
  podsOf,
  token,
  adapters,
  weights,
} from "./copied-cluster";
import { modelservice, stateful, vllm } from "./manifests";

/* What the config changes of copied pods: from the cluster to the plan, in shapes of real manifests. */

const of = (overrides: object, more: object = {}): RawConfig =>
  config({ ...more, like: { pool: "llm", overrides } });
const spec = (fields: object, more: object = {}): RawConfig => of({ spec: fields }, more);

interface Live {
  tolerations?: { key?: string }[];
  affinity?: { podAffinity?: unknown; podAntiAffinity?: unknown };
  volumes?: { name: string; persistentVolumeClaim?: { claimName: string } }[];
  containers: { name: string; args?: string[]; resources?: { requests?: Record<string, string> } }[];
}

describe("overrides of copied pods", () => {
  const pods = (raw: RawConfig, manifest = stateful): Promise<{ spec: Live; taken: readonly string[] }> =>
    podsOf(cluster([manifest], { ...token, ...adapters }), raw).then(({ template, taken }) => ({
      spec: template.spec as unknown as Live,
      taken,
    }));

  it("change containers by name; accelerators are still counted for the new nodes", async () => {
    const [name] = (stateful.object["spec"] as { template: { spec: Live } }).template.spec.containers.map(
      (container) => container.name,
    );
    const resources = { requests: { cpu: "8" } };
    const { spec: live, taken } = await pods(spec({ containers: [{ name, resources }] }));
    assert.equal(live.containers[0]?.resources?.requests?.["cpu"], "8");
    assert.equal(live.containers[0].resources.requests["nvidia.com/gpu"], "1");
    assert.ok(taken.includes("with the overrides of spec.containers"), taken.join("; "));
  });

  it("add tolerations to those that the new nodes need, and neighbours to those that are kept", async () => {
    const affinity = {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 1,
            podAffinityTerm: { labelSelector: { matchLabels: { app: "llm-new" } }, topologyKey: "zone" },
          },
        ],
      },
    };
    const { spec: live } = await pods(spec({ tolerations: [{ key: "team", operator: "Exists" }], affinity }));
    const keys = (live.tolerations ?? []).map(({ key }) => key);
    assert.ok(keys.includes("team") && keys.includes("nvidia.com/gpu"), keys.join());
    assert.deepEqual(live.affinity?.podAntiAffinity, affinity.podAntiAffinity);
  });

  it("exchange a volume that the new nodes cannot mount", async () => {
    const refused = await planOf(
      cluster([modelservice], weights("ReadWriteOnce")),
      config({ acceleratorsPerReplica: 2 }),
    );
    assert.deepEqual(
      refused.refusals.map(({ rule }) => rule),
      ["like-reference-missing"],
    );
    const objects = {
      ...weights("ReadWriteOnce"),
      [core("persistentvolumeclaims", "read-many")]: named("read-many", {
        spec: { accessModes: ["ReadOnlyMany"] },
      }),
    };
    const { volumes = [] } = (modelservice.object["spec"] as { template: { spec: Live } }).template.spec;
    const name = volumes.find(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined)?.name;
    const done = await planOf(
      cluster([modelservice], objects),
      spec(
        { volumes: [{ name, persistentVolumeClaim: { claimName: "read-many" } }] },
        { acceleratorsPerReplica: 2 },
      ),
    );
    assert.deepEqual(done.refusals, []);
  });

  it("are refused where they name a container that is not copied, or move the port", async () => {
    const reader = cluster([stateful]);
    const typo = await planOf(reader, spec({ containers: [{ name: "vlm", resources: {} }] }));
    assert.match(
      typo.refusals[0]?.found ?? "",
      /its overrides change a container vlm, and the copied pods have/,
    );
    const moved = await planOf(
      cluster([vllm], { ...token, ...adapters }),
      spec({ containers: [{ name: "vllm", args: ["--model", "Qwen/Qwen3-32B", "--port", "9000"] }] }),
    );
    assert.match(
      moved.refusals.map(({ found }) => found).join(),
      /its overrides move the server from port 8000 to 9000/,
    );
  });

  it("are refused where they set a label by which the copied pool selects", async () => {
    const selector = { "llm-d.ai/role": "decode" };
    const done = await planOf(
      cluster([{ ...modelservice, selector }], weights("ReadOnlyMany")),
      of({ metadata: { labels: { "llm-d.ai/role": "prefill" } } }, { acceleratorsPerReplica: 2 }),
    );
    assert.match(
      done.refusals[0]?.found ?? "",
      /its overrides set label llm-d\.ai\/role, by which the copied pool selects its pods/,
    );
  });

  it("are part of what the pool is made as, in an order of their own", async () => {
    const one = await planOf(
      cluster([stateful]),
      of({ spec: { dnsPolicy: "Default", schedulerName: "batch" } }),
    );
    const other = await planOf(
      cluster([stateful]),
      of({ spec: { schedulerName: "batch", dnsPolicy: "Default" } }),
    );
    assert.equal(
      one.pools[0]?.identity["like.overrides"],
      '{"spec":{"dnsPolicy":"Default","schedulerName":"batch"}}',
    );
    assert.deepEqual(other.pools[0]?.identity, one.pools[0].identity);
    const without = await planOf(cluster([stateful]), config());
    assert.equal(without.pools[0]?.identity["like.overrides"], undefined);
  });
});

describe("the kind of a rollout to a copy", () => {
  const kind = (like: object | string): string | undefined => {
    const { pools } = serviceConfig(config({ ...candidate, like }));
    return kindOf(pools["llm"] as Pool, pools["llm-new"] as Pool);
  };

  it("is a node update, unless what runs is changed", () => {
    assert.equal(kind("llm"), "node-update");
    assert.equal(kind({ pool: "llm", overrides: { spec: { tolerations: [] } } }), "node-update");
    const containers = [{ name: "vllm", image: "vllm/vllm-openai:v0.22.0" }];
    assert.equal(kind({ pool: "llm", overrides: { spec: { containers } } }), "model-server");
  });
});

describe("a copy of a copy", () => {
  const original = {
    metadata: { labels: { app: "vllm" } },
    spec: {
      containers: [
        {
          name: "vllm",
          image: "vllm/vllm-openai:v0.21.0",
          args: ["--port", "8000"],
          resources: { limits: { "nvidia.com/gpu": "1" } },
        },
      ],
    },
  };
  const first = { spec: { schedulerName: "first" } };
  const second = { spec: { dnsPolicy: "Default" } };
  const keeps = (pool: string): Record<string, unknown> => ({
    metadata: {
      name: pool,
      namespace: "default",
      annotations: {
        [annotations.template]: JSON.stringify(original),
        [annotations.copied]: JSON.stringify({
          from: "Deployment vllm",
          selector: { app: "vllm" },
          overrides: [first],
        }),
      },
    },
    spec: { replicas: 1, template: { metadata: { labels: { app: pool } } } },
  });
  const runs = async (keeper: string, pools: object): Promise<Record<string, unknown>> => {
    const reader = cluster(
      [],
      {},
      { "/apis/apps/v1/namespaces/default/deployments": [keeps(keeper)] as never },
    );
    const { template } = await podsOf(reader, { stable: "llm", candidate: "llm-new", pools });
    return template.spec as unknown as Record<string, unknown>;
  };

  it("has the changes of the one between, as that one keeps them, and its own", async () => {
    const pools = {
      llm: { existing: true },
      "llm-2": { ...candidate, like: { pool: "llm", overrides: { spec: { schedulerName: "edited" } } } },
      "llm-new": { ...candidate, like: { pool: "llm-2", overrides: second } },
    };
    const spec = await runs("llm-2", pools);
    assert.deepEqual([spec["schedulerName"], spec["dnsPolicy"]], ["first", "Default"]);
  });

  it("has none of the changes of one beside it", async () => {
    const pools = {
      llm: { existing: true },
      "llm-2": { ...candidate, like: { pool: "llm", overrides: first } },
      "llm-new": { ...candidate, like: { pool: "llm", overrides: second } },
    };
    const spec = await runs("llm-2", pools);
    assert.deepEqual([spec["schedulerName"], spec["dnsPolicy"]], [undefined, "Default"]);
  });

  it("that is made keeps what it was made with", async () => {
    const pools = {
      llm: { existing: true },
      "llm-new": { ...candidate, like: { pool: "llm", overrides: second } },
    };
    const spec = await runs("llm-new", pools);
    assert.deepEqual([spec["schedulerName"], spec["dnsPolicy"]], ["first", undefined]);
  });
});
