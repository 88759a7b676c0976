import type { OwnedPool } from "../../../stacks/plan/service-config";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { RawConfig } from "../../../stacks/config/parse";
import type { Mistake } from "../../../stacks/messages/mistakes";
import { identityOf } from "../../../stacks/plan/identity";
import { cloud, ownedPool, serviceConfig, sourceCase } from "../cases";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

type PoolText = Record<string, unknown>;

function rawWith(pool: PoolText, more: RawConfig = {}): RawConfig {
  return {
    ...sourceCase,
    ...more,
    pools: { llm: { accelerator: "nvidia-l4", replicas: 6 }, "llm-new": pool },
  };
}

function pool(text: PoolText, more: RawConfig = {}): OwnedPool {
  return ownedPool(serviceConfig(rawWith(text, more)), "llm-new");
}

function mistakes(text: PoolText, more: RawConfig = {}): Mistake[] {
  return resolveConfig(rawWith(text, more), cloud).mistakes;
}

const b200 = { accelerator: "nvidia-b200", acceleratorsPerReplica: 8, replicas: 1 };

describe("what a pool says of its machines", () => {
  it("takes a reservation by name, in one zone", () => {
    const { hardware } = pool({
      ...b200,
      provisioning: "reservation",
      reservation: "projects/acme-res/reservations/b200-block",
      zones: ["us-central1-b"],
    });
    assert.equal(hardware.reservation, "projects/acme-res/reservations/b200-block");
  });

  it("takes a node version, a node image and a driver: a node update on the same hardware", () => {
    const { hardware } = pool({
      like: "llm",
      driver: "latest",
      nodeVersion: "1.34.1-gke.2037000",
      nodeImage: "ubuntu",
    });
    assert.equal(hardware.accelerator, "nvidia-l4");
    assert.deepEqual(
      [hardware.driver, hardware.nodeVersion, hardware.nodeImage],
      ["latest", "1.34.1-gke.2037000", "ubuntu"],
    );
  });

  const wrong: [string, PoolText, string, RegExp, RegExp?][] = [
    [
      "GB200 on demand",
      { ...b200, accelerator: "nvidia-gb200", acceleratorsPerReplica: 4 },
      "provisioning",
      /not available as on-demand/,
    ],
    [
      "a reservation without a name",
      { ...b200, provisioning: "reservation", zones: ["us-central1-b"] },
      "reservation",
      /name of the reservation/,
    ],
    [
      "a reservation in no zone",
      { ...b200, provisioning: "reservation", reservation: "r" },
      "zones",
      /exactly one zone: a reservation/,
    ],
    [
      "a name of a reservation that is not used",
      { ...b200, provisioning: "spot", reservation: "r" },
      "reservation",
      /no reservation unless/,
    ],
    [
      "a fallback for machines that are not spot",
      { like: "llm", fallback: "on-demand" },
      "fallback",
      /only for spot/,
    ],
    [
      "a fallback that nobody sells",
      { accelerator: "nvidia-h100-80gb", replicas: 1, provisioning: "spot", fallback: "on-demand" },
      "fallback",
      /only for machine types that are available on demand/,
      /a3-highgpu-1g is not available on demand/,
    ],
    [
      "a slice over several zones",
      { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, replicas: 1 },
      "zones",
      /a 4x4 slice is in one zone/,
    ],
    [
      "a driver for TPUs",
      { accelerator: "tpu-v6e-slice", replicas: 1, driver: "latest" },
      "driver",
      /have their own driver/,
    ],
    [
      "another image on TPUs",
      { accelerator: "tpu-v6e-slice", replicas: 1, nodeImage: "ubuntu" },
      "nodeImage",
      /cos/,
    ],
    [
      "an image cache on ubuntu",
      { like: "llm", nodeImage: "ubuntu", imageCache: "global/images/x" },
      "imageCache",
      /only cos/,
    ],
    [
      "an accelerator network that is not there",
      { like: "llm", acceleratorNetwork: "auto" },
      "acceleratorNetwork",
      /have no accelerator network/,
    ],
    [
      "more machines than a rack has",
      {
        accelerator: "nvidia-gb200",
        acceleratorsPerReplica: 4,
        replicas: 19,
        provisioning: "reservation",
        reservation: "r",
        zones: ["us-central1-a"],
      },
      "replicas",
      /at most 18/,
    ],
    ["a version that is none", { like: "llm", nodeVersion: "1.34" }, "nodeVersion", /a GKE version/],
    [
      "SGLang on TPUs",
      { accelerator: "tpu-v6e-slice", replicas: 1, server: { engine: "sglang" } },
      "server.engine",
      /vllm/,
    ],
  ];
  for (const [title, text, field, allowed, said] of wrong) {
    it(`refuses ${title}, with a command that fixes it`, () => {
      const found = mistakes(text);
      assert.deepEqual(
        found.map(({ key }) => key),
        [`pools.llm-new.${field}`],
      );
      assert.match(found[0]!.allowed, allowed);
      if (said !== undefined) assert.match(found[0]!.found, said);
      assert.match(fixText(found[0]!.fix), /^pulumi config (set|rm) /);
    });
  }

  it("does not take over from another accelerator's pool what only fits there", () => {
    const pools = {
      llm: {
        accelerator: "nvidia-l4",
        machineType: "g2-standard-16",
        driver: "latest",
        replicas: 6,
        zones: ["us-central1-a"],
      },
      "llm-new": { like: "llm", accelerator: "tpu-v6e-slice", replicas: 2 },
    };
    const { hardware } = ownedPool(serviceConfig({ ...sourceCase, pools }), "llm-new");
    assert.equal(hardware.machineType, undefined);
    assert.equal(hardware.driver, "default");
    assert.deepEqual(hardware.zones, ["us-central1-a"]);
  });

  it("takes the engine's image for TPUs", () => {
    assert.equal(pool({ accelerator: "tpu-v6e-slice", replicas: 1 }).server.image, "vllm/vllm-tpu:v0.21.0");
    assert.equal(pool({ accelerator: "nvidia-l4", replicas: 1 }).server.image, "vllm/vllm-openai:v0.21.0");
  });
});

describe("where weights come from", () => {
  const l4 = { accelerator: "nvidia-l4", replicas: 1 };

  it("is Hugging Face, a bucket or a disk; the folder is the model's name unless it is said", () => {
    assert.deepEqual(pool(l4).weights, { from: "hugging-face" });
    assert.deepEqual(pool({ ...l4, weights: { from: "gcs", bucket: "acme-models" } }).weights, {
      from: "gcs",
      bucket: "acme-models",
      path: "Qwen/Qwen3-8B",
      loader: "mount",
    });
    assert.deepEqual(pool(l4, { weights: { from: "disk", claim: "models", path: "qwen" } }).weights, {
      from: "disk",
      claim: "models",
      path: "qwen",
    });
  });

  const wrong: [string, PoolText, string][] = [
    ["a bucket without a name", { ...l4, weights: { from: "gcs" } }, "weights.bucket"],
    ["a disk without a claim", { ...l4, weights: { from: "disk" } }, "weights.claim"],
    [
      "a bucket for Hugging Face",
      { ...l4, weights: { from: "hugging-face", bucket: "b00" } },
      "weights.bucket",
    ],
    [
      "streaming by SGLang",
      { ...l4, server: { engine: "sglang" }, weights: { from: "gcs", bucket: "acme", loader: "stream" } },
      "weights.loader",
    ],
    [
      "streaming into TPUs",
      {
        accelerator: "tpu-v6e-slice",
        replicas: 1,
        weights: { from: "gcs", bucket: "acme", loader: "stream" },
      },
      "weights.loader",
    ],
  ];
  for (const [title, text, field] of wrong) {
    it(`refuses ${title}`, () => {
      assert.deepEqual(
        mistakes(text).map(({ key }) => key),
        [`pools.llm-new.${field}`],
      );
    });
  }
});

describe("autoscaling", () => {
  const l4 = { accelerator: "nvidia-l4", replicas: 4 };
  it("is off unless it is asked for, and then never below what carries the traffic", () => {
    assert.equal(pool(l4).autoscaling, undefined);
    assert.deepEqual(pool({ ...l4, autoscaling: { max: 8 } }).autoscaling, {
      max: 8,
      metric: "queue",
      target: 10,
      shrinkAfterSeconds: 600,
    });
    assert.deepEqual(
      mistakes({ ...l4, autoscaling: { max: 3 } }).map(({ key }) => key),
      ["pools.llm-new.autoscaling.max"],
    );
  });
});

describe("a pool's identity", () => {
  const l4 = { accelerator: "nvidia-l4", replicas: 1 };
  const changes: PoolText[] = [
    { driver: "disabled" },
    { nodeVersion: "1.34.1-gke.2037000" },
    { nodeImage: "ubuntu" },
    { imageCache: "global/images/x" },
    { diskGb: 200 },
    { provisioning: "spot", fallback: "on-demand" },
    { machineType: "g2-standard-16" },
    { weights: { from: "gcs", bucket: "acme-models" } },
  ];
  for (const change of changes) {
    it(`has ${JSON.stringify(change)}`, () => {
      assert.notDeepEqual(identityOf(pool({ ...l4, ...change })), identityOf(pool(l4)));
    });
  }

  it("has the machine, also where the program chose it: another version of the program must not exchange it", () => {
    assert.equal(identityOf(pool(l4))["machineType"], "g2-standard-12");
  });

  it("has neither replicas nor autoscaling, which change in place", () => {
    assert.deepEqual(identityOf(pool({ ...l4, replicas: 7, autoscaling: { max: 9 } })), identityOf(pool(l4)));
  });
});
