import { nothingDeployed } from "../../../stacks/plan/model";
import { renderService } from "../../stacks/rendered-service";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { argWords } from "../../../components/model-server/server-secrets";
import type { Registered } from "../../rendering";
import { after, serviceConfig, sourceCase, planFor } from "../../stacks/cases";

const key = "sk-live-1";
const args = ["--max-model-len", "8192", "--api-key", key];
const pools = (accelerator = "nvidia-l4"): object => ({
  llm: { accelerator, replicas: 2, server: { args } },
  "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb" },
});
const raw = { ...sourceCase, pools: pools() };
const secrets = new Set(["pools.llm.server.args[3]"]);

describe("a secret argument of a model server", () => {
  it("is in the inputs of its Secret only, and is a secret to Pulumi there", async () => {
    const resources = await renderService(raw, nothingDeployed, undefined, secrets);
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(key));
    assert.deepEqual(
      holding.map(({ type, name }) => [type, name]),
      [
        ["kubernetes:core/v1:Secret", "llm-arguments"],
        ["kubernetes:core/v1:Secret", "llm-new-arguments"],
      ],
    );
    for (const resource of holding) assert.deepEqual(clear(resource), []);
  });

  it("reaches the container by a variable that Kubernetes puts in its place", async () => {
    const resources = await renderService(raw, nothingDeployed, undefined, secrets);
    for (const pool of ["llm", "llm-new"]) {
      const { metadata, spec } = templateOf(resources, pool);
      const [container] = spec.containers;
      assert.deepEqual(container?.args.slice(-4), [
        "--max-model-len",
        "8192",
        "--api-key",
        "$(SECRET_ARG_4)",
      ]);
      assert.deepEqual(
        container.env.filter(({ name }) => name.startsWith("SECRET")),
        [
          {
            name: "SECRET_ARG_4",
            valueFrom: { secretKeyRef: { name: `${pool}-arguments`, key: "arg-4" } },
          },
        ],
      );
      assert.match(String(metadata.annotations["inference-rollout/secrets"]), /^[A-Za-z0-9]{12}$/);
    }
  });

  it("reaches the leader and the workers of a group", async () => {
    const group = {
      accelerator: "tpu-v6e-slice",
      acceleratorsPerReplica: 16,
      replicas: 1,
      zones: ["us-central1-a"],
      server: { args },
    };
    const resources = await renderService(
      { ...sourceCase, candidate: "", weight: 0, pools: { llm: group } },
      nothingDeployed,
      undefined,
      secrets,
    );
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(key));
    assert.deepEqual(
      holding.map(({ name }) => name),
      ["llm-arguments"],
    );
    const set = resources.find(({ type }) => type.includes("LeaderWorkerSet"));
    assert.match(JSON.stringify(set?.inputs), /"\$\(SECRET_ARG_4\)"/);
  });

  it("of a pool of before stays in its pods, which are not started again, and is a secret to Pulumi", async () => {
    const before = serviceConfig(raw);
    const world = after(before, planFor(before, nothingDeployed));
    const old = await renderService(raw, nothingDeployed);
    const resources = await renderService(raw, world, undefined, secrets);
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(key));
    assert.deepEqual(
      holding.map(({ type, name }) => [type, name]),
      [
        ["kubernetes:apps/v1:Deployment", "llm"],
        ["kubernetes:apps/v1:Deployment", "llm-new"],
      ],
    );
    for (const resource of holding) assert.deepEqual(clear(resource), []);
    for (const pool of ["llm", "llm-new"]) {
      assert.deepEqual(templateOf(resources, pool), templateOf(old, pool));
    }
  });

  it("leaves a pool without one as it was", () => {
    const { server } = serviceConfig(raw).pools["llm"] as { server: Parameters<typeof argWords>[0] };
    assert.deepEqual(argWords(server), args);
  });
});

interface Template {
  metadata: { annotations: Record<string, unknown> };
  spec: { containers: { args: unknown[]; env: { name: string }[] }[] };
}

function templateOf(resources: readonly Registered[], pool: string): Template {
  const found = resources.find(({ type, name }) => type === "kubernetes:apps/v1:Deployment" && name === pool);
  return (unwrapped(found?.inputs["spec"]) as { template: Template }).template;
}

/** Pulumi's mark of a secret among a resource's inputs. */
const secretMark = "4dabf18193072939515e22adb298388d";

const isSecret = (value: unknown): value is { value: unknown } =>
  typeof value === "object" && value !== null && secretMark in value;

/** Where the key stands without being a secret. */
function clear({ inputs }: Registered): string[] {
  const visit = (at: string, value: unknown): string[] => {
    if (isSecret(value)) return [];
    if (typeof value === "object" && value !== null)
      return Object.entries(value).flatMap(([name, inner]) => visit(`${at}.${name}`, inner));
    return String(value).includes(key) ? [at] : [];
  };
  return visit("", inputs);
}

function unwrapped(value: unknown): unknown {
  if (isSecret(value)) return unwrapped(value.value);
  if (Array.isArray(value)) return value.map(unwrapped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unwrapped(inner)]));
}

describe("a patch of the pods where it is known only that the config holds a secret", () => {
  const podPatch = {
    spec: { containers: [{ name: "proxy", image: "proxy:1", env: [{ name: "TOKEN", value: key }] }] },
  };
  const patched = (more: object = {}): typeof raw => ({
    ...raw,
    pools: {
      llm: { accelerator: "nvidia-l4", replicas: 2, server: { podPatch }, ...more },
      "llm-new": { like: "llm" },
    },
  });

  it("is in the pods' template only, which is a secret to Pulumi", async () => {
    const resources = await renderService(patched(), nothingDeployed, undefined, new Set(["pools"]));
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(key));
    assert.deepEqual(holding.map(({ type, name }) => [type, name]).sort(), [
      ["kubernetes:apps/v1:Deployment", "llm"],
      ["kubernetes:apps/v1:Deployment", "llm-new"],
    ]);
    for (const resource of holding) assert.deepEqual(clear(resource), []);
  });

  it("is so in groups of pods", async () => {
    const group = {
      accelerator: "tpu-v6e-slice",
      acceleratorsPerReplica: 16,
      zones: ["us-central1-a"],
      replicas: 1,
    };
    const config = { ...patched(group), candidate: "", weight: 0 };
    const resources = await renderService(config, nothingDeployed, undefined, new Set(["pools"]));
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(key));
    assert.deepEqual(
      holding.map(({ name }) => name),
      ["llm"],
    );
    for (const resource of holding) assert.deepEqual(clear(resource), []);
  });
});
