import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isProtected, rendered, type Registered } from "../rendering";
import { resolveConfig } from "../../stacks/config/resolve";
import { buildPlatform, ownPlatform, type PlatformOptions } from "../../stacks/platform";
import { cloud } from "./cases";

const template = "projects/acme-ml/locations/us-central1/templates/prompts";
const armor = {
  modelArmor: { promptTemplate: template, responseTemplate: template, model: "Qwen/Qwen3-8B" },
};

/** What a platform registers. */
async function resourcesOf(config: object): Promise<Registered[]> {
  const { config: resolved, mistakes } = resolveConfig({ role: "platform", ...config }, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(resolved?.role === "platform");
  const { platform } = resolved;
  return rendered(() =>
    buildPlatform(platform, { owners: {}, stack: "s", definitions: [], deletable: false }),
  );
}

const typesOf = async (config: object): Promise<string[]> =>
  (await resourcesOf(config)).map(({ type }) => type);

describe("what services run on", () => {
  const held = async (config: object, options: Partial<PlatformOptions>): Promise<string[]> => {
    const { config: resolved } = resolveConfig({ role: "platform", ...config }, cloud);
    assert.ok(resolved?.role === "platform");
    const { platform } = resolved;
    const all = { owners: {}, stack: "s", definitions: [], deletable: false, ...options };
    const made = await rendered(() => buildPlatform(platform, all));
    return made
      .filter(isProtected)
      .map(({ type, name }) => `${type.split(":").at(-1) ?? ""} ${name}`)
      .sort();
  };

  it("is protected: the engine refuses before its first step", async () => {
    assert.deepEqual(await held({}, {}), [
      "Account inference-nodes",
      "Cluster inference",
      "Gateway my-inference-gateway",
      "Network inference",
      "NodePool inference-system",
      "Subnetwork inference-nodes",
      "Subnetwork inference-proxies",
    ]);
    assert.deepEqual(await held({ cluster: { kubeconfig: "{}" } }, {}), ["Gateway my-inference-gateway"]);
    assert.deepEqual(await held({ gateway: { existing: true }, cluster: { kubeconfig: "{}" } }, {}), []);
  });

  it("is not once the config allows to destroy it, nor is what stays when the stack leaves", async () => {
    assert.deepEqual(await held({}, { deletable: true }), []);
    assert.deepEqual(await held({ cluster: { kubeconfig: "{}" } }, { kept: true }), []);
  });

  it("has an identity that no endpoint and no certificate is part of, where it is on GKE", async () => {
    const identity = async (config: object): Promise<unknown> =>
      (await resourcesOf(config)).find(({ type }) => type === "pulumi:providers:kubernetes")?.inputs[
        "clusterIdentifier"
      ];
    const inference = "projects/acme-ml/locations/us-central1/clusters/inference";
    assert.equal(await identity({}), inference);
    assert.equal(await identity({ cluster: { authorizedNetworks: ["203.0.113.7/32"] } }), inference);
    assert.equal(await identity({ cluster: { name: "inference", location: "us-central1" } }), inference);
    assert.equal(await identity({ cluster: { kubeconfig: "{}" } }), undefined);
  });
});

describe("a gateway with Model Armor", () => {
  const access = "inference-rollout:index:ModelArmorAccess";

  it("gets its access to Model Armor with a cluster that the stack creates", async () => {
    assert.ok((await typesOf({ gateway: armor })).includes(access));
    assert.ok(!(await typesOf({})).includes(access));
  });

  it("leaves the project of any other cluster as it is", async () => {
    const cluster = { name: "inference", location: "us-central1" };
    assert.ok(!(await typesOf({ cluster, gateway: armor })).includes(access));
    const existing = { name: "theirs", existing: true };
    assert.ok(!(await typesOf({ gateway: existing })).includes(access));
  });
});

describe("system nodes of a cluster that the stack creates", () => {
  it("are at most six, or as many as the config says: one picker runs on each", async () => {
    const most = async (cluster: object): Promise<unknown> => {
      const system = (await resourcesOf({ cluster })).find(({ name }) => name === "inference-system");
      return (system?.inputs["autoscaling"] as { totalMaxNodeCount?: number } | undefined)?.totalMaxNodeCount;
    };
    assert.equal(await most({}), 6);
    assert.equal(await most({ systemNodes: 20 }), 20);
  });
});

describe("a platform stack that holds what belongs to no namespace for its services", () => {
  const guards = async (guardedServices: object[]): Promise<string[]> =>
    (await resourcesOf({ guardedServices }))
      .filter(({ type }) => /ValidatingAdmission|ClusterRole/.test(type))
      .map(({ type, inputs }) => {
        const { name } = inputs["metadata"] as { name: string };
        return `${type.split(":").at(-1) ?? ""} ${name}`;
      })
      .sort();

  it("has nothing of the kind unasked", async () => {
    assert.deepEqual(await guards([]), []);
  });

  it("has the policies and the rights of each", async () => {
    assert.deepEqual(await guards([{ service: "chat", namespace: "team", poolNamespaces: ["chat-new"] }]), [
      "ClusterRole team-chat-metrics",
      "ClusterRoleBinding team-chat-metrics-reader",
      "ClusterRoleBinding team-chat-metrics-reviewer",
      "ValidatingAdmissionPolicy team-chat-route-moves",
      "ValidatingAdmissionPolicy team-chat-route-shape",
      "ValidatingAdmissionPolicy team-chat-traffic-guard",
      "ValidatingAdmissionPolicyBinding team-chat-route-moves",
      "ValidatingAdmissionPolicyBinding team-chat-route-shape",
      "ValidatingAdmissionPolicyBinding team-chat-traffic-guard",
      "ValidatingAdmissionPolicyBinding team-chat-traffic-guard-chat-new",
    ]);
  });
});

describe("images of other registries on a cluster that the stack creates", () => {
  const hub = "us-central1-docker.pkg.dev/acme-ml/inference-docker-hub";

  it("come through a repository for each, and services are told where", async () => {
    const cluster = { imageMirrors: ["docker.io", "docker.io"] };
    const { config } = resolveConfig({ role: "platform", cluster }, cloud);
    assert.ok(config?.role === "platform");
    const { platform } = config;
    const options = { owners: {}, stack: "s", definitions: [], deletable: false };
    const told: unknown[] = [];
    const made = await rendered(() => told.push(buildPlatform(platform, options).imageMirrors));
    const repositories = made.filter(({ type }) => type === "gcp:artifactregistry/repository:Repository");
    assert.deepEqual(
      repositories.map(({ inputs }) => inputs["repositoryId"]),
      ["inference-docker-hub"],
    );
    assert.deepEqual(told, [{ "docker.io": hub }]);
    assert.deepEqual(ownPlatform(platform).imageMirrors, { "docker.io": hub });
    assert.equal(ownPlatform(platform).otherMirrors?.["docker.io"], undefined);
    assert.match(ownPlatform(platform).otherMirrors?.["quay.io"] ?? "", /inference-quay-io$/);
  });

  it("are nowhere unless they are asked for", async () => {
    assert.ok(!(await typesOf({})).some((type) => type.includes("artifactregistry")));
  });
});
