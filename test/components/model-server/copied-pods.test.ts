import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { adaptPods, copyArgs } from "../../../components/model-server/copied/adapt";
import { overrideProblems } from "../../../components/model-server/copied/overrides";
import { podOf, type PodSpec } from "../../../components/model-server/copied/pod";
import { referencesOf } from "../../../components/model-server/copied/references";
import { engineOf, portFlagOf, usedBy } from "../../../components/model-server/copied/server";
import { isMisfit, placementOf } from "../../../components/accelerators/placement";
import type { PodTemplate } from "../../../components/model-server/pod-template";
import { ownedPool, serviceConfig, sourceCase } from "../../stacks/cases";

const pool = ownedPool(serviceConfig(sourceCase), "llm-new");
const placement = placementOf(pool.hardware);
assert.ok(!isMisfit(placement));
const args = copyArgs("llm", pool, placement, true);

const server = {
  name: "vllm",
  image: "vllm/vllm-openai:v0.21.0",
  resources: { limits: { "nvidia.com/gpu": "1" } },
};
const podWith = (more: object, container: object = {}): PodSpec =>
  podOf({ spec: { containers: [{ ...server, ...container }], ...more } });

describe("references of a pod", () => {
  const inContainer = (field: object): object => ({ containers: [{ ...server, ...field }] });
  const inInit = (field: object): object => ({ initContainers: [{ name: "init", ...field }] });
  const volume = (source: object): object => ({ volumes: [{ name: "v", ...source }] });
  const env = (valueFrom: object): object => ({ env: [{ name: "E", valueFrom }] });
  const places: readonly [string, object][] = [
    ["Secret/x", inContainer(env({ secretKeyRef: { name: "x", key: "k" } }))],
    ["Secret/x", inInit(env({ secretKeyRef: { name: "x", key: "k" } }))],
    ["ConfigMap/x", inContainer(env({ configMapKeyRef: { name: "x", key: "k" } }))],
    ["Secret/x", inContainer({ envFrom: [{ secretRef: { name: "x" } }] })],
    ["ConfigMap/x", inInit({ envFrom: [{ configMapRef: { name: "x" } }] })],
    ["Secret/x", volume({ secret: { secretName: "x" } })],
    ["ConfigMap/x", volume({ configMap: { name: "x" } })],
    ["Secret/x", volume({ projected: { sources: [{ secret: { name: "x" } }] } })],
    ["ConfigMap/x", volume({ projected: { sources: [{ configMap: { name: "x" } }] } })],
    ["PersistentVolumeClaim/x", volume({ persistentVolumeClaim: { claimName: "x" } })],
    ["Secret/x", volume({ csi: { driver: "a.b", nodePublishSecretRef: { name: "x" } } })],
    [
      "SecretProviderClass/x",
      volume({
        csi: { driver: "secrets-store-gke.csi.k8s.io", volumeAttributes: { secretProviderClass: "x" } },
      }),
    ],
    ["Secret/x", volume({ cephfs: { monitors: [], secretRef: { name: "x" } } })],
    ["Secret/x", volume({ azureFile: { shareName: "s", secretName: "x" } })],
    ["Secret/x", { imagePullSecrets: [{ name: "x" }] }],
    ["ServiceAccount/x", { serviceAccountName: "x" }],
    ["PriorityClass/x", { priorityClassName: "x" }],
    ["RuntimeClass/x", { runtimeClassName: "x" }],
  ];
  for (const [id, spec] of places) {
    it(`are found: ${id} in ${JSON.stringify(spec)}`, () => {
      assert.deepEqual(
        referencesOf(podWith(spec)).map(({ kind, name }) => `${kind}/${name}`),
        [id],
      );
    });
  }

  it("are not those that a pod starts without, or that every namespace has", () => {
    const spec = {
      serviceAccountName: "default",
      priorityClassName: "system-node-critical",
      ...inContainer({ envFrom: [{ secretRef: { name: "x", optional: true } }] }),
      volumes: [
        { name: "a", secret: { secretName: "x", optional: true } },
        { name: "b", projected: { sources: [{ configMap: { name: "x", optional: true } }] } },
        { name: "c", emptyDir: {} },
      ],
    };
    assert.deepEqual(referencesOf(podWith(spec)), []);
  });
});

describe("what a server says of itself", () => {
  const rows: readonly [object, "vllm" | "sglang" | undefined, number | undefined, number | undefined][] = [
    [{ command: ["vllm", "serve"], args: ["m", "--port", "8200", "-tp", "2"] }, "vllm", 8200, 2],
    [
      { command: ["python3", "-m", "sglang.launch_server"], args: ["--port=30000", "--tp=4"] },
      "sglang",
      30000,
      4,
    ],
    [{ args: ["--tensor-parallel-size", "2", "--pipeline-parallel-size=2"] }, "vllm", undefined, 4],
    [{ command: ["sh", "-c", "exec vllm serve m --port 8080 --port=8081"] }, "vllm", 8081, undefined],
    [{ args: ["--tensor-parallel-size", "$(TP)"], env: [{ name: "TP", value: "8" }] }, "vllm", undefined, 8],
    [{ args: ["--tensor-parallel-size", "$(TP)"] }, "vllm", undefined, undefined],
    [{ image: "registry.example/acme/llm:v3", command: ["/serve"] }, undefined, undefined, undefined],
    [{ image: "ghcr.io/llm-d/llm-d:v0.4.0" }, "vllm", undefined, undefined],
  ];
  for (const [container, engine, port, used] of rows) {
    it(JSON.stringify(container), () => {
      const pod = podWith({}, container);
      assert.deepEqual([engineOf(pod, {}), portFlagOf(pod), usedBy(pod)], [engine, port, used]);
    });
  }

  it("is its label's word first", () => {
    const key = "inference.networking.k8s.io/engine-type";
    assert.equal(engineOf(podWith({}, { image: "acme/llm:v3" }), { [key]: "sglang" }), "sglang");
    assert.equal(engineOf(podWith({}), { [key]: "triton" }), undefined);
  });
});

describe("copied pods that cut their streams", () => {
  const lifecycle = { preStop: { sleep: { seconds: 30 } } };
  const grace = { terminationGracePeriodSeconds: 130 };
  const notesOf = (spec: PodSpec, ...overrides: object[]): string =>
    adaptPods({ template: { spec } as unknown as PodTemplate, selector: {}, overrides }, args).notes.join(
      "\n",
    );

  it("are mentioned, with the overrides that end it", () => {
    const without = notesOf(podWith(grace));
    assert.match(without, /do not finish their streams when they leave \(vllm has no preStop hook\)/);
    const [, text = ""] = /overrides: (\{.*\})\}$/.exec(without) ?? [];
    const overrides = JSON.parse(text) as object;
    assert.equal(notesOf(podWith(grace), overrides), "");
    assert.deepEqual(overrideProblems(overrides), []);
    assert.match(notesOf(podWith({}, { lifecycle })), /they are killed after 30 s/);
    assert.equal(notesOf(podWith(grace, { lifecycle })), "");
  });
});

/* Whatever ties pods to machines, in whatever combination: nothing of it stays, and all of it is told. */
describe("no copied pod", () => {
  const key = fc.constantFrom(
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/machine-family",
    "cloud.google.com/reservation-name",
    "cloud.google.com/compute-class",
    "cloud.google.com/gke-gpu-driver-version",
    "topology.kubernetes.io/zone",
    "kubernetes.io/hostname",
    "gpu.nvidia.com/model",
    "team",
    "pool.example.com/tier",
  );
  const value = fc.constantFrom("a", "b");
  const labels = { app: "vllm", team: "search" };
  const term = fc.record({
    labelSelector: fc.constantFrom(
      { matchLabels: { app: "vllm" } },
      { matchExpressions: [{ key: "team", operator: "Exists" }] },
    ),
    topologyKey: fc.constantFrom("kubernetes.io/hostname", "topology.kubernetes.io/zone"),
  });
  const nodeTerm = fc
    .array(
      fc.record({
        key,
        operator: fc.constantFrom("In", "NotIn"),
        values: fc.array(value, { minLength: 1, maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 2 },
    )
    .map((matchExpressions) => ({ matchExpressions }));
  const pods = fc.record(
    {
      nodeName: value,
      nodeSelector: fc.dictionary(key, value),
      tolerations: fc.array(fc.record({ key, operator: fc.constant("Exists") }), { maxLength: 3 }),
      topologySpreadConstraints: fc.array(
        term.map((one) => ({ ...one, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" })),
        { maxLength: 2 },
      ),
      affinity: fc.record({
        nodeAffinity: fc.record({
          requiredDuringSchedulingIgnoredDuringExecution: fc.record({
            nodeSelectorTerms: fc.array(nodeTerm, { maxLength: 2 }),
          }),
          preferredDuringSchedulingIgnoredDuringExecution: fc.array(
            nodeTerm.map((preference) => ({ weight: 1, preference })),
            { maxLength: 2 },
          ),
        }),
        podAntiAffinity: fc.record({
          requiredDuringSchedulingIgnoredDuringExecution: fc.array(term, { maxLength: 2 }),
        }),
        podAffinity: fc.record({
          requiredDuringSchedulingIgnoredDuringExecution: fc.array(term, { maxLength: 2 }),
        }),
      }),
    },
    { requiredKeys: [] },
  );

  it("asks for a machine of the old pool, and everything left behind is listed", () => {
    let seen = 0;
    fc.assert(
      fc.property(pods, (more) => {
        const spec = { containers: [server], ...more } as unknown as PodTemplate["spec"];
        const done = adaptPods({ template: { metadata: { labels }, spec }, selector: { app: "vllm" } }, args);
        const result = done.template.spec as unknown as PodSpec;
        assert.deepEqual(done.unusable, []);
        assert.deepEqual(result.nodeSelector, { "inference-rollout/pool": "llm.llm-new" });
        assert.equal(result.nodeName, undefined);
        assert.equal(result.affinity, undefined);
        assert.deepEqual(
          result.tolerations?.map((one) => one.key),
          ["nvidia.com/gpu"],
        );
        assert.ok(JSON.stringify(result.topologySpreadConstraints).includes('"app":"llm-new"'));
        assert.ok(!JSON.stringify(result.topologySpreadConstraints).includes("DoNotSchedule"));
        for (const [name, text] of Object.entries(more.nodeSelector ?? {}))
          assert.ok(done.left.includes(`nodeSelector ${name}=${text}`));
        for (const { key: name } of more.tolerations ?? [])
          assert.ok(done.left.includes(`toleration ${name}`));
        const { nodeAffinity, podAntiAffinity, podAffinity } = more.affinity ?? {};
        const told = (start: string): number => done.left.filter((text) => text.startsWith(start)).length;
        const expressions = [
          ...(nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms ?? []),
          ...(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
            ({ preference }) => preference,
          ),
        ].flatMap(({ matchExpressions }) => matchExpressions);
        assert.equal(told("nodeAffinity "), expressions.length);
        assert.equal(
          told("podAntiAffinity "),
          podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution.length ?? 0,
        );
        assert.equal(
          told("podAffinity "),
          podAffinity?.requiredDuringSchedulingIgnoredDuringExecution.length ?? 0,
        );
        assert.equal(told("topologySpreadConstraint "), more.topologySpreadConstraints?.length ?? 0);
        seen += done.left.length - 1;
      }),
      { numRuns: 500 },
    );
    assert.ok(seen > 500, `only ${seen} things were left behind: the property says nothing`);
  });
});
