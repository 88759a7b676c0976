import { fix } from "../../../stacks/plan/config-edits";
import { fixText } from "../../../stacks/messages/edits";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawConfig } from "../../../stacks/config/parse";
import type { ClusterReader } from "../../../stacks/state/cluster-reader";
import { adapters, cluster, config, core, named, planOf, two, weights, withPod } from "./copied-cluster";
import { group, kserve, modelservice, prefill, sglang, stateful, vllm } from "./manifests";

/* Pods that cannot be copied, each with what is said of it. */

describe("a copy", () => {
  const refused: readonly [string, ClusterReader, string, RegExp, RawConfig?][] = [
    [
      "no workload",
      cluster([]),
      "like-workload",
      /selects no pods of a Deployment, StatefulSet or LeaderWorkerSet in namespace default, so llm-new has nothing to copy/,
    ],
    [
      "pods that something else makes",
      cluster(
        [],
        {},
        {
          "/api/v1/namespaces/default/pods": [
            {
              metadata: {
                name: "a",
                labels: { app: "llm" },
                ownerReferences: [{ kind: "ReplicaSet", name: "requesters" }],
              },
            },
          ],
        },
      ),
      "like-workload",
      /\(1 pod created by ReplicaSet requesters\)/,
    ],
    [
      "prefill and decode behind one pool",
      cluster([modelservice, prefill], weights("ReadOnlyMany")),
      "like-workload",
      /2 workloads in namespace default \(Deployment ms-decode, Deployment ms-prefill\)/,
    ],
    [
      "a workload that is named, and is not behind the pool",
      cluster([modelservice, prefill], weights("ReadOnlyMany")),
      "like-workload",
      /pools\.llm-new\.workload is Deployment\/other, but pool llm selects the pods of Deployment ms-decode, Deployment ms-prefill/,
      config({ ...two, workload: "Deployment/other" }),
    ],
    [
      "groups of pods",
      cluster([group(4, ["--port", "8080"])]),
      "like-unusable",
      /a replica of it is a group of 4 pods/,
    ],
    [
      "what only LeaderWorkerSet sets",
      cluster([group(1, ["--address", "$(LWS_LEADER_ADDRESS)"])]),
      "like-unusable",
      /LWS_/,
    ],
    [
      "KServe's TLS",
      cluster([kserve], { [core("secrets", "qwen-kserve-self-signed-certs")]: named("s") }),
      "like-unusable",
      /its server uses TLS/,
    ],
    [
      "fewer accelerators than its arguments use",
      cluster([modelservice], weights("ReadOnlyMany")),
      "like-unusable",
      /use 2 accelerators, while a replica of llm-new has 1/,
    ],
    [
      "volumes of each pod",
      cluster([
        {
          ...stateful,
          object: {
            ...stateful.object,
            spec: {
              ...(stateful.object["spec"] as object),
              volumeClaimTemplates: [{ metadata: { name: "cache" } }],
            },
          },
        },
      ]),
      "like-unusable",
      /its own volumes \(cache\)/,
    ],
    [
      "a number from its name",
      cluster([withPod(stateful, {}, { args: ["exec vllm serve m --rank ${HOSTNAME##*-}"] })]),
      "like-unusable",
      /reads its ordinal from its pod name/,
    ],
    [
      "an engine that nobody names",
      cluster([withPod(stateful, {}, { image: "acme/server:v3", command: ["/serve"], args: [] })]),
      "like-unusable",
      /neither a label, the command nor the image identifies the engine/,
    ],
    [
      "another engine than the config says",
      cluster([sglang]),
      "like-unusable",
      /they run sglang, while the config says vllm/,
      config({ server: { engine: "vllm" } }),
    ],
    [
      "several ports",
      cluster([{ ...stateful, ports: [8000, 8001] }]),
      "like-unusable",
      /each pod serves on 2 ports \(8000, 8001\)/,
    ],
    [
      "a pool that names another port than the server",
      cluster([{ ...withPod(stateful, {}, { ports: [] }), ports: [8000] }]),
      "like-unusable",
      /its InferencePool uses port 8000, while the server listens on 8080/,
    ],
    [
      "devices that the new nodes lack",
      cluster([withPod(stateful, {}, { resources: { limits: { "nvidia.com/gpu": "1", "rdma/ib": "1" } } })]),
      "like-unusable",
      /it requests rdma\/ib/,
    ],
    [
      "resource claims",
      cluster([withPod(stateful, { resourceClaims: [{ name: "gpu" }] })]),
      "like-unusable",
      /resource claims \(DRA\)/,
    ],
    [
      "no accelerator at all",
      cluster([withPod(stateful, {}, { resources: {} })]),
      "like-unusable",
      /none of its containers requests an accelerator/,
    ],
    [
      "ports of its node",
      cluster([withPod(stateful, { hostNetwork: true })]),
      "like-unusable",
      /uses ports of its node \(hostNetwork\), while 8 replicas share a node/,
      config({ machineType: "a3-highgpu-8g" }),
    ],
    [
      "pods beside others",
      cluster([
        withPod(stateful, {
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { labelSelector: { matchLabels: { app: "cache" } }, topologyKey: "kubernetes.io/hostname" },
              ],
            },
          },
        }),
      ]),
      "like-unusable",
      /podAffinity requires app=cache/,
    ],
    [
      "a Secret that is not there",
      cluster([vllm], adapters),
      "like-reference-missing",
      /there is no Secret hf-token \(env HUGGING_FACE_HUB_TOKEN of container vllm\)$/,
    ],
    [
      "a Secret without the key",
      cluster([vllm], {
        ...adapters,
        [core("secrets", "hf-token")]: named("hf-token", { data: { other: "x" } }),
      }),
      "like-reference-missing",
      /Secret hf-token .* has no key token/,
    ],
    [
      "a claim of one node",
      cluster([modelservice], weights("ReadWriteOnce")),
      "like-reference-missing",
      /PersistentVolumeClaim weights .* is ReadWriteOnce, so only pods on one node/,
      config(two),
    ],
  ];
  for (const [what, reader, rule, found, raw] of refused) {
    it(`is refused with ${what}`, async () => {
      const { refusals } = await planOf(reader, raw);
      assert.deepEqual(
        refusals.map((refusal) => refusal.rule),
        [rule],
        JSON.stringify(refusals),
      );
      assert.match(refusals[0]?.found ?? "", found);
      assert.notEqual(fixText(refusals[0]?.fix ?? fix``), "");
    });
  }
});
