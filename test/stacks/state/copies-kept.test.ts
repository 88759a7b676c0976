import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { annotations } from "../../../components/names";
import { UserError } from "../../../stacks/messages/user-error";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { observe } from "../../../stacks/state/observe";
import { serviceConfig } from "../cases";
import { adapters, cluster, config, podsOf, token } from "./copied-cluster";
import { vllm } from "./manifests";

describe("a copy that was made", () => {
  const made = (notes: Record<string, string>): ReturnType<typeof cluster> => {
    const deployment: LiveObject = {
      metadata: { name: "llm-new", namespace: "default", annotations: notes, labels: { app: "llm-new" } },
      spec: {
        selector: { matchLabels: { app: "llm-new" } },
        template: { metadata: { labels: { app: "llm-new" } } },
      },
    };
    return cluster(
      [vllm],
      { ...token, ...adapters },
      {
        "/apis/apps/v1/namespaces/default/deployments": [vllm.object, deployment],
      },
    );
  };
  const template = JSON.stringify({
    metadata: { labels: { app: "llm" } },
    spec: { containers: [{ name: "vllm", image: "vllm/vllm-openai:v0.21.0" }] },
  });

  it("is kept by what is written on it, also where the note of its origin cannot be read", async () => {
    const { template: pods } = await podsOf(
      made({ [annotations.template]: template, [annotations.copied]: "{ edited" }),
    );
    assert.match(JSON.stringify(pods.spec.containers), /"image":"vllm\/vllm-openai:v0\.21\.0"/);
  });

  it("is not rendered anew from a note that somebody edited: that would restart it", async () => {
    await assert.rejects(
      podsOf(made({ [annotations.template]: "{ edited" })),
      (error: unknown) =>
        error instanceof UserError &&
        /inference-rollout\/template of Deployment default\/llm-new.*JSON.*pulumi stack export/s.test(
          error.message,
        ),
    );
  });
});

describe("the namespace of a Gateway", () => {
  it("is read only where this stack may make it", async () => {
    for (const configurable of [true, false]) {
      const asked: string[] = [];
      const given = cluster([vllm], { ...token, ...adapters });
      const reader: ClusterReader = {
        ...given,
        get: (path) => {
          asked.push(path);
          return given.get(path);
        },
      };
      const gateway = { name: "shared", namespace: "gateway-infra", configurable };
      const observed = await observe(reader, serviceConfig(config()), undefined, () => true, gateway);
      assert.equal(asked.includes("/api/v1/namespaces/gateway-infra"), configurable);
      assert.equal("gateway-infra" in observed.namespaces, false);
    }
  });
});
