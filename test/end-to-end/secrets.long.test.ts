import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "@kubernetes/client-node";
import { minutes, StackLab, type StackUnderTest } from "./stack-lab";

/* A token for gated models goes into one Secret in the cluster, and is to be read nowhere else. */

const token = "hf_aTokenThatIsNowhereElse0123456789";

describe("a Hugging Face token", minutes(15), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  const printed: string[] = [];
  before(async () => {
    lab = await StackLab.start();
    stack = await lab.stack("dev", { weight: 0 });
    await stack.pulumi.run(["config", "set", "--secret", "huggingFaceToken", token]);
    for (const command of [
      ["preview", "--diff"],
      // Not with --debug: then Pulumi's SDK logs what the engine answers, secrets in clear (docs/gke.md).
      ["up", "--yes", "--diff"],
      ["preview", "--diff", "--refresh"],
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
    assert.ok(printed.some((text) => text.includes("llm-hugging-face")));
  });

  test("is encrypted in the state and in the stack's config", async () => {
    const state = await stack.pulumi.run(["stack", "export"]);
    assert.ok(!holds(state));
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
