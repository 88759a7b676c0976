import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "@kubernetes/client-node";
import { inventoried } from "../../stacks/state/inventory";
import { makeCluster } from "./production/production";
import { eventually, minutes, splitAt, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * Whatever happens to a stack's identity (its state, its name, its backend), what serves stays what it is: every object
 * keeps its uid, and customers keep their split.
 */

/** API versions of the kinds that the program makes in the lab, by kind. */
const versions: Readonly<Record<string, string>> = {
  "": "v1",
  apps: "apps/v1",
  policy: "policy/v1",
  "rbac.authorization.k8s.io": "rbac.authorization.k8s.io/v1",
  "gateway.networking.k8s.io": "gateway.networking.k8s.io/v1",
  "inference.networking.k8s.io": "inference.networking.k8s.io/v1",
  "admissionregistration.k8s.io": "admissionregistration.k8s.io/v1",
};

interface StateFile {
  deployment: { resources?: { type: string; urn: string; dependencies?: string[] }[] };
}

describe("whose things are, in a lab", minutes(20), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    stack = await make("dev", 10);
    await stack.up();
  }, minutes(6));
  after(async () => lab.stop());

  /** A stack of the service, on nodes that are there: a second one can want the same. */
  function make(name: string, weight: number): Promise<StackUnderTest> {
    return lab.stack(name, {
      "gcp:project": undefined,
      "gcp:region": undefined,
      cluster: { kubeconfig: lab.lab.controlPlane.kubeconfig },
      weight,
      pools: {
        llm: { accelerator: "nvidia-l4", replicas: 2 },
        "llm-new": { like: "llm", nodeLabels: ["cloud.google.com/gke-nodepool=l4"] },
      },
    });
  }

  /** uid of everything that the program made, by kind and name. */
  async function uids(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const { group, kind } of inventoried) {
      const version = versions[group];
      if (version === undefined) continue;
      const { items } = await lab.objects.list<KubernetesObject>(version, kind);
      for (const { metadata } of items) {
        if (metadata?.labels?.["app.kubernetes.io/managed-by"] !== "gke-inference-rollout") continue;
        found[`${kind} ${metadata.namespace ?? ""}/${metadata.name ?? ""}`] = metadata.uid ?? "";
      }
    }
    return found;
  }

  async function exported(of = stack): Promise<StateFile> {
    return JSON.parse(await of.pulumi.run(["stack", "export", "--show-secrets"])) as StateFile;
  }

  async function imported(state: StateFile, into = stack): Promise<void> {
    const file = path.join(into.workspace.folder, "state.json");
    fs.writeFileSync(file, JSON.stringify(state));
    await into.pulumi.run(["stack", "import", "--file", file]);
  }

  /** Takes resources out of the state, as `pulumi state delete` does, with whatever depended on them. */
  async function forget(gone: (resource: { type: string; urn: string }) => boolean): Promise<number> {
    const text = JSON.stringify(await exported());
    const state = JSON.parse(text) as StateFile;
    const resources = state.deployment.resources ?? [];
    const urns = new Set(resources.filter(gone).map(({ urn }) => urn));
    const kept = resources
      .filter(({ urn }) => !urns.has(urn))
      .map((resource) => {
        const without = JSON.stringify(resource, (_key, value: unknown) =>
          Array.isArray(value) ? value.filter((one) => !urns.has(String(one))) : value,
        );
        return JSON.parse(without) as { type: string; urn: string };
      });
    state.deployment.resources = kept;
    await imported(state);
    return urns.size;
  }

  async function serves(weight: number): Promise<void> {
    assert.deepEqual(weightsOf(await lab.route()), splitAt(weight));
    const address = (await stack.pulumi.outputs())["address"] as string;
    const answers = await lab.ask(address, 40, { model: "Qwen/Qwen3-8B" });
    assert.deepEqual(
      Object.keys(answers).filter((who) => who.startsWith("status")),
      [],
    );
  }

  test("what `pulumi state delete` took out of the state is adopted by the next update", async () => {
    const before = await uids();
    const routes = (await stack.resources()).filter(({ type }) => type.endsWith(":HTTPRoute"));
    assert.equal(routes.length, 3, "the customers' route, the preview route and that of the closed paths");
    for (const { urn } of routes) {
      // One can go with another that depends on it.
      if (!(await stack.resources()).some((one) => one.urn === urn)) continue;
      await stack.pulumi.run(["state", "delete", urn, "--yes", "--target-dependents"]);
    }
    const output = await stack.up();
    assert.match(output, /\d+ imported/);
    assert.match(
      output,
      /Pulumi's state had lost objects of this stack; this update imports them: .*HTTPRoute default\/routes-to-llm/,
    );
    assert.deepEqual(await uids(), before);
    await serves(10);
    assert.match(await stack.up(), /unchanged/);
  });

  test("so is everything at once", async () => {
    const before = await uids();
    const lost = await forget(({ type }) => type.startsWith("kubernetes:") && !type.includes(":Secret"));
    assert.ok(lost > 20, `${lost} resources`);
    await stack.up();
    assert.deepEqual(await uids(), before);
    await serves(10);
    const again = await stack.up();
    assert.doesNotMatch(again, /created|deleted|replaced|imported/);
    // The weight still moves: nothing that an earlier field manager wrote is in the way.
    await stack.set("weight", "30");
    await stack.up();
    await serves(30);
  });

  test("a state of before the candidate, put back: the candidate that serves is adopted", async () => {
    const before = await uids();
    const of =
      (name: string) =>
      ({ urn }: { urn: string }) =>
        urn.includes("$kubernetes:") && new RegExp(`::${name}(-|$)`).test(urn);
    const lost = await forget(of("llm-new"));
    assert.ok(lost > 5, `${lost} resources`);
    await stack.up();
    assert.deepEqual(await uids(), before);
    await serves(30);
  });

  test("a stack of a version that wrote no mark goes on as it is", async () => {
    const before = await uids();
    const mark = "inference-rollout/owner";
    for (const key of Object.keys(before)) {
      const [kind = "", place = ""] = key.split(" ");
      const [namespace, name = ""] = place.split("/");
      const group = inventoried.find((one) => one.kind === kind)?.group ?? "";
      const metadata = { name, ...(namespace === "" ? {} : { namespace }), annotations: { [mark]: null } };
      const object = { apiVersion: versions[group], kind, metadata } as unknown as KubernetesObject;
      await lab.edit(object as KubernetesObject & Record<string, unknown>);
    }
    const text = JSON.stringify(await exported(), (key, value: unknown) =>
      // The provider keeps which manager has which field, too.
      key === mark || key === `f:${mark}` || (key === "owner" && typeof value === "string")
        ? undefined
        : value,
    );
    assert.doesNotMatch(text, /inference-rollout\/owner/);
    await imported(JSON.parse(text) as StateFile);
    const preview = await stack.pulumi.run(["preview", "--non-interactive"]);
    assert.doesNotMatch(preview, /to delete|to replace|to create|to import/);
    await stack.up();
    assert.deepEqual(await uids(), before);
    await serves(30);
  });

  test("a renamed stack keeps everything", async () => {
    const before = await uids();
    await stack.pulumi.run(["stack", "rename", "renamed"]);
    const preview = await stack.pulumi.run(["preview", "--non-interactive"]);
    assert.doesNotMatch(preview, /to delete|to replace|to create|to import/);
    await stack.up();
    assert.deepEqual(await uids(), before);
    await serves(30);
    await stack.pulumi.run(["stack", "rename", "dev"]);
    await stack.up();
  });

  test("a second stack for the same service is refused by name, before anything is made", async () => {
    const before = await uids();
    const other = await make("other", 30);
    const refused = await other.refusedUp();
    assert.match(refused, /another-stacks/);
    assert.match(refused, /belong to stack organization\/inference-rollout\/dev /);
    assert.match(refused, /HTTPRoute default\/routes-to-llm, InferencePool default\/llm/);
    assert.deepEqual(
      (await other.resources()).filter(({ type }) => type.startsWith("kubernetes:")),
      [],
    );
    assert.deepEqual(await uids(), before);

    // The same state in another backend, or under another name, is the same stack.
    await imported(
      JSON.parse(
        JSON.stringify(await exported())
          .replaceAll("urn:pulumi:dev::", "urn:pulumi:other::")
          // The stack's own resource bears its name.
          .replaceAll("inference-rollout-dev", "inference-rollout-other"),
      ) as StateFile,
      other,
    );
    const preview = await other.pulumi.run(["preview", "--non-interactive"]);
    assert.doesNotMatch(preview, /to delete|to replace|to create|to import/);
  });

  test("taking over on purpose moves everything, and the stack that had it is refused from then on", async () => {
    const before = await uids();
    const taker = await make("taker", 30);
    await taker.setPath("allow[0]", "take-over-service");
    await taker.up();
    assert.deepEqual(await uids(), before);
    await serves(30);
    assert.match(await stack.refusedUp(), /belong to stack organization\/inference-rollout\/taker /);
    // Whoever takes the old stack down by habit does not take the service down.
    const { output } = await stack.pulumi.attempt([
      "destroy",
      "--yes",
      "--skip-preview",
      "--non-interactive",
    ]);
    await eventually("the route stands", async () => (await lab.route()) !== undefined, 5);
    assert.deepEqual(weightsOf(await lab.route()), splitAt(30), output);
    assert.deepEqual(await uids(), before);
    await taker.unset("allow");
    await taker.update({ weight: "20" });
    assert.deepEqual(weightsOf(await lab.route()), splitAt(20));
  });
});
