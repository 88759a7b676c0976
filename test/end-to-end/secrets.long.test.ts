import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "@kubernetes/client-node";
import { minutes, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * A token for gated models goes into one Secret in the cluster, and is to be read nowhere else. A key that is secret as a
 * whole, as Pulumi ESC may have it, hides all of the pods' patch but from those who may read pods.
 */

const token = "hf_aTokenThatIsNowhereElse0123456789";
const patchToken = "sk-in-the-patch-of-the-pods-0123456789";
const env = [{ name: "TEAM_TOKEN", value: patchToken }];
const pools = {
  llm: {
    ...{ accelerator: "nvidia-l4", replicas: 2 },
    server: { podPatch: { spec: { containers: [{ name: "vllm", env }] } } },
  },
  "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 1 },
};

describe("a Hugging Face token, and a patch in a secret key", minutes(15), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  const printed: string[] = [];
  before(async () => {
    lab = await StackLab.start();
    stack = await lab.stack("dev", { weight: 0 });
    await stack.pulumi.run(["config", "set", "--secret", "huggingFaceToken", token]);
    await stack.pulumi.run(["config", "set", "--secret", "pools", JSON.stringify(pools)]);
    for (const command of [
      ["preview", "--diff"],
      // Not with --debug: then Pulumi's SDK logs what the engine answers, secrets in clear (docs/gke.md).
      ["up", "--yes", "--diff"],
      ["preview", "--diff", "--refresh", "--expect-no-changes"],
      ["stack", "--show-urns"],
      ["stack", "output", "--json"],
      ["stack", "history", "--json"],
    ]) {
      printed.push(await stack.pulumi.run(command));
    }
  }, minutes(8));
  after(async () => lab.stop());

  test("reaches the model servers' Secret", async () => {
    const secret = await lab.get<{ data: Record<string, string> }>(
      "v1",
      "Secret",
      "default",
      "llm-hugging-face",
    );
    assert.equal(Buffer.from(secret?.data["token"] ?? "", "base64").toString(), token);
  });

  test("is in nothing that pulumi prints", () => {
    const lines = printed.flatMap((text) => text.split("\n"));
    assert.deepEqual(lines.filter(holds), []);
    assert.deepEqual(
      lines.filter((line) => line.includes(patchToken)),
      [],
    );
    assert.ok(printed.some((text) => text.includes("llm-hugging-face")));
  });

  test("is encrypted in the state and in the stack's config", async () => {
    const state = await stack.pulumi.run(["stack", "export"]);
    assert.ok(!holds(state));
    assert.ok(!state.includes(patchToken));
    assert.ok(state.includes("llm-hugging-face"));
    assert.ok(!holds(fs.readFileSync(stack.workspace.configFile, "utf8")));
  });

  test("is in no object of the cluster but its Secrets", async () => {
    for (const [version, kind] of [
      ["v1", "Pod"],
      ["v1", "ConfigMap"],
      ["v1", "Event"],
      ["apps/v1", "Deployment"],
      ["apps/v1", "ReplicaSet"],
    ] as const) {
      const { items } = await lab.objects.list<KubernetesObject>(version, kind);
      assert.ok(items.length > 0 || kind === "Event", kind);
      assert.ok(!holds(JSON.stringify(items)), kind);
    }
  });

  test("the patch reaches the server, and no annotation of the pool", async () => {
    const found = await lab.get<{
      spec: { template: { spec: { containers: { env: { name: string; value?: string }[] }[] } } };
    }>("apps/v1", "Deployment", "default", "llm");
    const variables = found?.spec.template.spec.containers[0]?.env ?? [];
    assert.equal(variables.find(({ name }) => name === "TEAM_TOKEN")?.value, patchToken);
    for (const [version, kind] of [
      ["inference.networking.k8s.io/v1", "InferencePool"],
      ["v1", "ConfigMap"],
      ["v1", "Event"],
    ] as const) {
      const { items } = await lab.objects.list<KubernetesObject>(version, kind);
      assert.ok(!JSON.stringify(items).includes(patchToken), kind);
    }
    const status = await stack.rollout("status", "--json");
    assert.equal(status.status, 0, status.output);
    assert.ok(!status.output.includes(patchToken));
  });

  test("another patch is another pool, and neither is shown", minutes(2), async () => {
    const other = JSON.stringify(pools).replace(patchToken, "sk-another-in-the-patch");
    await stack.pulumi.run(["config", "set", "--secret", "pools", other]);
    const refused = await stack.refusedUp();
    assert.match(refused, /edited-in-place/);
    assert.match(refused, /server\.podPatch/);
    assert.doesNotMatch(refused, /sk-/);
    await stack.pulumi.run(["config", "set", "--secret", "pools", JSON.stringify(pools)]);
  });

  test("is in no file of the lab but etcd's own", () => {
    const files = filesOf(lab.lab.folder).filter((file) => !/etcd[^/]*\/member\//.test(file));
    assert.ok(files.some((file) => file.endsWith(".log")));
    for (const file of files) assert.ok(!holds(fs.readFileSync(file, "utf8")), file);
  });
});

/** In clear, or as Kubernetes writes what is in a Secret. */
function holds(text: string): boolean {
  return text.includes(token) || text.includes(Buffer.from(token).toString("base64"));
}

function filesOf(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    // Links lead to the checkout.
    if (entry.isSymbolicLink()) return [];
    return entry.isDirectory() ? filesOf(file) : entry.isFile() ? [file] : [];
  });
}
