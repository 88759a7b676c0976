import type { GatewayConfig } from "../../../components/gateways/gateway";
import { rendered } from "../../rendering";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { InferenceGateway } from "../../../components/gateways/inference-gateway";
import { usesTls } from "../../../components/gateways/gateway";
import { targetOf } from "../../../rollout/traffic/outcome";
import { platformOf } from "../../../rollout/pulumi/live";
import { next } from "../../../rollout/steps/moves";
import { parseValues } from "../../../rollout/steps/values";
import { defaults } from "../../../stacks/config/defaults";
import {
  completeGateway,
  connectTo,
  endpointOf,
  urlOf,
  type GivenGateway,
} from "../../../components/gateways/endpoint";
import { resolveConfig } from "../../../stacks/config/resolve";
import { howToTry } from "../../../stacks/outputs";
import { cloud, serviceConfig, sourceCase } from "../cases";

/* Facts that several places need are decided in one of them. */

const name = "llm.example.com";
const address = "10.0.0.5";

const configs: Record<string, unknown>[] = [undefined, { tlsSecret: "t" }, { certificate: "c" }].flatMap(
  (tls) =>
    [undefined, 8080, 80, 443].flatMap((port) =>
      [undefined, name].flatMap((hostname) =>
        [false, true].flatMap((existing) =>
          (["internal", "external"] as const)
            .filter((exposure) => exposure === "internal" || (tls !== undefined && hostname !== undefined))
            .map((exposure) => ({
              ...tls,
              ...(port === undefined ? {} : { port }),
              ...(hostname === undefined ? {} : { hostname }),
              existing,
              exposure,
            })),
        ),
      ),
    ),
);

function gatewayOf(gateway: Record<string, unknown>): GatewayConfig {
  const { config, mistakes } = resolveConfig({ ...sourceCase, gateway }, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(config?.role === "all");
  return config.platform.gateway;
}

describe("where a service is reached", () => {
  it(`is the same to its listener, its outputs, its gate and verify, in ${configs.length} configs`, async () => {
    const gateways = configs.map(gatewayOf);
    const resources = await rendered(() =>
      gateways.forEach((gateway, i) => new InferenceGateway(`gateway-${i}`, gateway)),
    );
    for (const [i, gateway] of gateways.entries()) {
      const title = JSON.stringify(configs[i]);
      const object = resources.find(
        ({ inputs, name: of }) => inputs["kind"] === "Gateway" && of === `gateway-${i}`,
      );
      const [listener] = (
        object?.inputs["spec"] as { listeners: { protocol: string; port: number; hostname?: string }[] }
      ).listeners;
      assert.ok(listener !== undefined);
      const tls = listener.protocol === "HTTPS";

      const url = new URL(
        /curl (\S+)/.exec(howToTry(serviceConfig(), gateway, address).customers)?.[1] ?? "",
      );
      assert.equal(url.protocol, tls ? "https:" : "http:", title);
      assert.equal(Number(url.port || (tls ? 443 : 80)), listener.port, title);
      assert.equal(url.hostname, listener.hostname ?? address, title);
      assert.equal(urlOf(endpointOf(gateway), address), url.origin, title);

      const gate = endpointOf(gateway);
      const verify = targetOf(gate, address);
      assert.deepEqual(
        [gate.tls, gate.hostname, connectTo(gate, address)],
        [tls, listener.hostname, { host: address, port: listener.port }],
      );
      assert.deepEqual(
        [verify.tls ?? false, verify.hostname, verify.host, verify.port],
        [tls, listener.hostname, address, listener.port],
      );

      // A service stack has it from its platform's outputs, as JSON; an earlier version said less.
      const given = JSON.parse(JSON.stringify(gateway)) as GatewayConfig;
      assert.deepEqual(completeGateway(given), given);
      const less: GivenGateway = { ...given };
      for (const key of ["globalAccess", "timeoutSeconds", "logging"]) Reflect.deleteProperty(less, key);
      assert.deepEqual(endpointOf(completeGateway(less)), gate);
    }
  });

  it("is somewhere else for gate and verify alike, where the config names a tunnel; the name stays", () => {
    for (const config of configs) {
      const endpoint = endpointOf(gatewayOf(config), "localhost:8443");
      const { tls = false, ...target } = targetOf(endpoint, address);
      assert.deepEqual(connectTo(endpoint, address), { host: "localhost", port: 8443 });
      assert.deepEqual(
        [target.host, target.port, target.hostname, tls],
        ["localhost", 8443, endpoint.hostname, endpoint.tls],
      );
    }
  });

  it("of a platform that says nothing but a name is clear text inside the network", () => {
    const given: GivenGateway = { name: "shared", namespace: "infra" };
    const gateway = completeGateway(given);
    assert.deepEqual(endpointOf(gateway), { port: 80, tls: false });
    assert.equal(completeGateway({ ...given, certificate: "c" }).port, 443);
  });
});

describe("the gateway of a service stack", () => {
  it("is its platform's, with its port and its certificate: rollout verify asks no port 80 in clear", async () => {
    const gateway = { name: "shared", namespace: "infra", port: 8443, certificate: "c", hostname: name };
    const { config } = resolveConfig({ ...sourceCase, role: "service", platform: "acme/inference/platform" });
    assert.ok(config?.role === "service");
    const asked: (string | undefined)[] = [];
    const engine = {
      platformOutputs: (stack?: string): Promise<Record<string, unknown>> => {
        asked.push(stack);
        return Promise.resolve({ gateway, kubeconfig: "[secret]" });
      },
    };
    const found = await platformOf(engine, config, { gateway: { name: "other", namespace: "other" } });
    assert.deepEqual(asked, ["acme/inference/platform"]);
    assert.equal(found.kubeconfig, undefined, "a kubeconfig that cannot be decrypted is none");
    assert.ok(found.gateway !== undefined);
    assert.deepEqual(targetOf(endpointOf(found.gateway), address), {
      host: address,
      port: 8443,
      hostname: name,
      tls: true,
    });
  });
});

describe("a default", () => {
  it("of the ladder is the same to the program, the rollout command and the docs", () => {
    assert.deepEqual(serviceConfig().ladder, defaults.ladder);
    const printed = { "inference-rollout:stable": "llm", "inference-rollout:candidate": "llm-new" };
    const values = parseValues(
      Object.fromEntries(Object.entries(printed).map(([key, value]) => [key, { value, secret: false }])),
    );
    const steps: number[] = [];
    for (let weight: number | undefined = 0; weight !== undefined;) {
      const deployed = {
        ...{ state: "shifting", stable: "llm", candidate: "llm-new", weights: { "llm-new": weight } },
        ...{ pools: {}, latches: [], names: [], adapters: {}, poolStates: {}, notes: [] },
      };
      const decision = next(values, deployed);
      weight = decision.outcome === "update" ? Number(/to (\d+) %/.exec(decision.title)?.[1]) : undefined;
      if (weight !== undefined) steps.push(weight);
    }
    assert.deepEqual(steps, defaults.ladder);
    const docs = fs.readFileSync(path.join(__dirname, "..", "..", "..", "docs", "config.md"), "utf8");
    assert.ok(docs.includes(`| \`${defaults.ladder.join(", ")}\` |`));
  });

  it("and whether there is TLS are written down once", () => {
    const root = path.join(__dirname, "..", "..", "..");
    const sources = ["stacks", "components", "rollout"].flatMap((folder) => filesIn(path.join(root, folder)));
    const having = (pattern: RegExp): string[] =>
      sources
        .filter((file) => pattern.test(fs.readFileSync(file, "utf8")))
        .map((file) => path.relative(root, file));
    assert.deepEqual(having(/10, 30, 60, 100/), ["stacks/config/defaults.ts"]);
    assert.deepEqual(having(/"my-inference-gateway"/), ["stacks/config/defaults.ts"]);
    assert.deepEqual(having(/\? 443\b|\?\? (80|443)\b/), ["components/gateways/gateway.ts"]);
    assert.deepEqual(having(/(tlsSecret|certificate) [!=]== undefined \|\|/), [
      "components/gateways/gateway.ts",
    ]);
    assert.ok(usesTls({ certificate: "c" }));
  });
});

function filesIn(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? filesIn(file) : file.endsWith(".ts") ? [file] : [];
  });
}
