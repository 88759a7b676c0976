import type { GatewayConfig } from "../../../components/gateways/gateway";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gatewayFor } from "../../../components/gateways/endpoint";
import type { RawConfig } from "../../../stacks/config/parse";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import { usesTls } from "../../../components/gateways/gateway";
import { cloud, sourceCase } from "../cases";

function gateway(given: object): GatewayConfig {
  const { config, mistakes } = resolveConfig({ ...sourceCase, gateway: given }, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(config !== undefined && config.role !== "service");
  return config.platform.gateway;
}

const keys = (given: object, more: object = {}): string[] =>
  resolveConfig({ ...sourceCase, ...more, gateway: given }, cloud).mistakes.map(({ key }) => key);

const template = (region: string, name: string): string =>
  `projects/acme-ml/locations/${region}/templates/${name}`;

describe("the gateway", () => {
  it("is internal, in clear text inside the network, with an hour for an answer", () => {
    const found = gateway({});
    assert.deepEqual(
      [found.exposure, found.port, usesTls(found), found.timeoutSeconds, found.globalAccess],
      ["internal", 80, false, 3600, false],
    );
  });

  it("speaks TLS with a Secret or with a certificate of Certificate Manager", () => {
    for (const given of [{ tlsSecret: "llm" }, { certificate: "llm" }]) {
      assert.ok(usesTls(gateway(given)));
      assert.equal(gateway(given).port, 443);
    }
    assert.deepEqual(keys({ tlsSecret: "llm", certificate: "llm" }), ["gateway.certificate"]);
  });

  it("is opened to the world only with a name and a certificate", () => {
    assert.deepEqual(keys({ exposure: "external" }), ["gateway.hostname", "gateway.tlsSecret"]);
    assert.deepEqual(keys({ exposure: "external", hostname: "llm.example.com", certificate: "llm" }), []);
  });

  it("refuses what does not go with its exposure", () => {
    assert.deepEqual(keys({ cloudArmor: "llm" }), ["gateway.cloudArmor"]);
    const external = { exposure: "external", hostname: "llm.example.com", tlsSecret: "llm" };
    assert.deepEqual(keys({ ...external, globalAccess: true }), ["gateway.globalAccess"]);
    assert.deepEqual(keys({ ...external, cloudArmor: "llm" }), []);
  });

  it("has its traffic looked at by templates of one region, closed unless it is told otherwise", () => {
    const armor = {
      promptTemplate: template("us-central1", "prompts"),
      responseTemplate: template("us-central1", "answers"),
    };
    assert.deepEqual(gateway({ modelArmor: armor }).modelArmor, {
      ...armor,
      model: "Qwen/Qwen3-8B",
      failOpen: false,
      location: "us-central1",
    });
    const two = { ...armor, responseTemplate: template("us-east1", "answers") };
    assert.deepEqual(keys({ modelArmor: two }), ["gateway.modelArmor.responseTemplate"]);
  });
});

describe("a service's own hostname", () => {
  const mistakesOf = (raw: RawConfig): string[] =>
    resolveConfig({ ...sourceCase, ...raw }, cloud).mistakes.map(
      ({ key, allowed, fix }) => `${key}: ${allowed}; ${fixText(fix)}`,
    );
  const many = { hostname: "*.example.com" };

  it("is the Gateway's unless it says one", () => {
    assert.deepEqual(mistakesOf({ hostname: "chat.example.com" }), []);
    assert.deepEqual(mistakesOf({ gateway: { hostname: "llm.example.com" } }), []);
    assert.equal(gatewayFor(many, undefined).hostname, "*.example.com");
    assert.equal(gatewayFor(many, "chat.example.com").hostname, "chat.example.com");
  });

  it("has to be one that the Gateway takes requests for", () => {
    assert.deepEqual(mistakesOf({ gateway: many, hostname: "chat.example.com" }), []);
    assert.deepEqual(mistakesOf({ gateway: many, hostname: "chat.example.org" }), [
      "hostname: a name that the Gateway takes requests for: *.example.com; pulumi config set hostname llm.example.com",
    ]);
    assert.deepEqual(mistakesOf({ gateway: { hostname: "llm.example.com" }, hostname: "chat.example.com" }), [
      "hostname: a name that the Gateway takes requests for: llm.example.com; pulumi config set hostname llm.example.com",
    ]);
  });

  it("is required where the Gateway's stands for many", () => {
    assert.deepEqual(mistakesOf({ gateway: many }), [
      "hostname: the service's own name: the Gateway takes requests for *.example.com; pulumi config set hostname llm.example.com",
    ]);
    // A platform has no service.
    assert.deepEqual(mistakesOf({ role: "platform", gateway: many }), []);
  });
});

describe("the cluster", () => {
  const cluster = (given: object): string[] =>
    resolveConfig({ ...sourceCase, cluster: given }, cloud).mistakes.map(({ key }) => key);

  it("has a control plane without a public endpoint unless networks are named", () => {
    const { config } = resolveConfig(sourceCase, cloud);
    assert.ok(config?.role === "all" && config.platform.cluster.mode === "create");
    assert.deepEqual(config.platform.cluster.authorizedNetworks, []);
    assert.deepEqual(cluster({ authorizedNetworks: ["203.0.113.7/32"] }), []);
    assert.deepEqual(cluster({ authorizedNetworks: ["203.0.113.7"] }), ["cluster.authorizedNetworks[0]"]);
  });
});
