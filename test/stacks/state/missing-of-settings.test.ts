import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { missingOfSettings } from "../../../stacks/state/missing-of-settings";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { nothingDeployed } from "../../../stacks/plan/model";
import { after, planFor, serviceConfig, sourceCase } from "../cases";

/* Whether what settings of pods name is in the cluster, before pods wait for it on nodes that are paid for. */

const server = {
  env: { HUB: { secret: "hub-credentials", key: "token" }, PLAIN: "x" },
  volumes: [
    { name: "templates", mountPath: "/templates", configMap: { name: "chat-templates" } },
    { name: "perhaps", mountPath: "/perhaps", configMap: { name: "none", optional: true } },
    { name: "scratch", mountPath: "/scratch", emptyDir: {} },
  ],
  priorityClassName: "serving",
  podPatch: { spec: { imagePullSecrets: [{ name: "registry" }], runtimeClassName: "gvisor" } },
};
const config = serviceConfig({
  ...sourceCase,
  candidate: "",
  weight: 0,
  pools: { llm: { accelerator: "nvidia-l4", replicas: 2, server } },
});

function readerOf(there: Readonly<Record<string, object>>): { reader: ClusterReader; asked: string[] } {
  const asked: string[] = [];
  const get = (path: string): Promise<LiveObject | undefined> => {
    asked.push(path);
    const found = there[path];
    return Promise.resolve(found === undefined ? undefined : { metadata: { name: "x" }, ...found });
  };
  return { reader: { get } as unknown as ClusterReader, asked };
}

const at = "/api/v1/namespaces/default";

describe("objects that the settings of a pool name", () => {
  it("are all looked for, and those that are missing are told with where they are named", async () => {
    const { reader } = readerOf({ [`${at}/secrets/hub-credentials`]: { data: { other: "" } } });
    const found = await missingOfSettings(reader, config, nothingDeployed);
    assert.deepEqual(
      found["llm"]?.missing.map(({ kind, name, problem }) => [kind, name, problem.kind]),
      [
        ["Secret", "hub-credentials", "keys"],
        ["ConfigMap", "chat-templates", "absent"],
        ["Secret", "registry", "absent"],
        ["PriorityClass", "serving", "absent"],
        ["RuntimeClass", "gvisor", "absent"],
      ],
    );
    assert.deepEqual(found["llm"].missing[0]?.where, ["env HUB of container vllm"]);
  });

  it("cause nothing where they are there", async () => {
    const { reader } = readerOf({
      [`${at}/secrets/hub-credentials`]: { data: { token: "" } },
      [`${at}/secrets/registry`]: {},
      [`${at}/configmaps/chat-templates`]: {},
      "/apis/scheduling.k8s.io/v1/priorityclasses/serving": {},
      "/apis/node.k8s.io/v1/runtimeclasses/gvisor": {},
    });
    assert.deepEqual(await missingOfSettings(reader, config, nothingDeployed), {});
  });

  it("are not asked for of pods that run", async () => {
    const world = after(config, planFor(config, nothingDeployed));
    const { reader, asked } = readerOf({});
    assert.deepEqual(await missingOfSettings(reader, config, world), {});
    assert.deepEqual(asked, []);
  });
});
