import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { load } from "js-yaml";
import { infoOf } from "../../../stacks/config/fields";
import { defaultOf } from "../../../stacks/config/key-reference";
import { allKeys, configSchema, topLevelKeys } from "../../../stacks/config/schema";
import { identityOf } from "../../../stacks/plan/identity";
import { ownedPool, serviceConfig, sourceCase } from "../cases";

describe("every key of the schema", () => {
  for (const { key, type, info } of allKeys()) {
    if (/(\[\]|\.\*)$/.test(key)) continue; // An entry: its list says what it is.
    it(`${key} has a description, a default and an example that is right`, () => {
      assert.ok(info !== undefined);
      assert.match(info.description, /^.{10,}\.$/);
      assert.notEqual(defaultOf(type), "");
      const { error } = type.safeParse(info.example);
      assert.equal(error, undefined);
    });
  }
});

describe("Pulumi.yaml", () => {
  interface Declared {
    config: Record<keyof typeof configSchema, { default: unknown; description: string }>;
  }
  const file = path.join(__dirname, "..", "..", "..", "Pulumi.yaml");
  const { config } = load(fs.readFileSync(file, "utf8")) as Declared;

  it("declares keys as the schema describes them, each with a default", () => {
    for (const [key, declared] of Object.entries(config)) {
      const schema = configSchema[key as keyof typeof configSchema];
      assert.equal(declared.description, infoOf(schema)?.description);
      const without = schema.safeParse(undefined).data ?? "";
      assert.deepEqual(declared.default, without, key);
    }
  });
});

describe("what is known of a key", () => {
  it("says what stays as it is on a rollback, and what makes a stack another service", () => {
    assert.deepEqual(topLevelKeys(({ keptOnRollback }) => keptOnRollback === true).sort(), [
      ...["allow", "freeze", "gate", "hostname", "resumed", "rolledBack", "route"],
    ]);
    assert.deepEqual(topLevelKeys(({ change }) => change === "new-service").sort(), [
      ...["cluster", "namespace", "platform", "role", "service"],
    ]);
  });

  it("says which keys are a pool's identity: with another value, and with no other key, it is another pool", () => {
    const base = { accelerator: "nvidia-l4", replicas: 6, provisioning: "spot", zones: ["us-central1-a"] };
    const others: Record<string, unknown> = {
      accelerator: "nvidia-rtx-pro-6000",
      acceleratorsPerReplica: 2,
      machineType: "g2-standard-16",
      zones: ["us-central1-b"],
      provisioning: "on-demand",
      fallback: "on-demand",
      driver: "disabled",
      nodeVersion: "1.34.1-gke.2037000",
      nodeImage: "ubuntu",
      imageCache: "global/images/x",
      diskGb: 200,
      acceleratorNetwork: "none",
      model: "acme/other",
      weights: { from: "gcs", bucket: "acme-models" },
      adapters: true,
      replicas: 7,
      autoscaling: { max: 9 },
      "server.version": "v0.20.0",
      "server.image": "acme/vllm:1",
      "server.args": ["--x"],
      "server.port": 8001,
      "server.loadingMinutes": 20,
      "server.env": { A: "1" },
      "server.resources": { cpu: "8" },
      "server.shmGb": 8,
      "server.drainSeconds": 600,
      "server.volumes": [{ name: "d", mountPath: "/d", emptyDir: {} }],
      "server.podPatch": { spec: { hostIPC: true } },
      "server.priorityClassName": "serving",
      "server.labels": { team: "a" },
      "server.annotations": { team: "a" },
    };
    const identity = (pool: Record<string, unknown>): object =>
      identityOf(
        ownedPool(
          serviceConfig({ ...sourceCase, candidate: "", weight: 0, adapters, pools: { llm: pool } }),
          "llm",
        ),
      );
    const adapters = [{ name: "sql", source: "acme/sql" }];
    const bare = { ...base, adapters: false };
    for (const [key, value] of Object.entries(others)) {
      const [, field] = /^server\.(.*)$/.exec(key) ?? [];
      const changed =
        field === undefined ? { ...bare, [key]: value } : { ...bare, server: { [field]: value } };
      const info = allKeys().find((one) => one.key === `pools.*.${key}`)?.info;
      const differs = JSON.stringify(identity(changed)) !== JSON.stringify(identity(bare));
      // What restarts pods stands there too, so that a plan knows of it; server-settings.test.ts tells the two apart.
      assert.equal(info?.change === "new-pool" || info?.change === "restart", differs, key);
    }
  });
});
