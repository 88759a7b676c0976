import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import { Traffic } from "../../lab/traffic/traffic";
import { projectFolder } from "../../lab/workspace";
import type { LiveObject, ManagedFields } from "../../stacks/state/cluster-reader";
import { Command } from "./command";
import { makeCluster, serve } from "./production/production";
import { eventually, minutes, splitAt, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * In and out again: a service that serves is taken over, goes half-way to a new pool and back, and the stack leaves.
 * Everything is as it was before, field owners included, and no customer has noticed. Then the same once more, with
 * the command interrupted.
 */

const model = "Qwen/Qwen3-8B";

/** Kinds of which nothing may be more, less or other than before. */
const kinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ["v1", "Namespace"],
  ["v1", "Service"],
  ["v1", "ServiceAccount"],
  ["v1", "ConfigMap"],
  ["v1", "Secret"],
  ["v1", "Node"],
  ["apps/v1", "Deployment"],
  ["policy/v1", "PodDisruptionBudget"],
  ["autoscaling/v2", "HorizontalPodAutoscaler"],
  ["rbac.authorization.k8s.io/v1", "Role"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
  ["rbac.authorization.k8s.io/v1", "ClusterRole"],
  ["rbac.authorization.k8s.io/v1", "ClusterRoleBinding"],
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"],
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"],
  ["gateway.networking.k8s.io/v1", "Gateway"],
  ["gateway.networking.k8s.io/v1", "HTTPRoute"],
  ["gateway.networking.k8s.io/v1beta1", "ReferenceGrant"],
  ["inference.networking.k8s.io/v1", "InferencePool"],
  ["inference.networking.x-k8s.io/v1alpha2", "InferenceObjective"],
  ["inference.networking.x-k8s.io/v1alpha2", "InferenceModelRewrite"],
];

const route = ["gateway.networking.k8s.io/v1", "HTTPRoute", "default", "routes-to-llm"] as const;

describe("a service that is taken over and handed back", minutes(25), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let before_: Record<string, unknown>;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const address = await serve(lab);
    await asHelmMadeIt(lab);
    before_ = await everything(lab);
    const target = { host: address, port: await lab.lab.boundPort(address) };
    traffic = Traffic.start(target, { requests: 400_000, seconds: 3000 });
    traffic.setRates({ plain: 20, streams: 3, models: [model] });
    stack = await lab.stack(
      "adopted",
      {},
      path.join(projectFolder, "examples", "Pulumi.adopted-cluster.yaml"),
    );
  }, minutes(5));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  async function adopt(): Promise<void> {
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
    assert.deepEqual(weightsOf(await lab.route()), { llm: 100 });
  }

  async function asBefore(): Promise<void> {
    assert.deepEqual(await stack.resources(), []);
    // Nodes and namespaces take their time to go.
    await eventually(
      "nothing is left of the stack",
      async () => Object.keys(await everything(lab)).join() === Object.keys(before_).join(),
      90,
    ).catch(() => undefined);
    assert.deepEqual(await everything(lab), before_);
  }

  test("taken over, with a note of what it was", async () => {
    await adopt();
    const live = await lab.get<LiveObject>(...route);
    assert.match(live?.metadata.annotations?.["inference-rollout/taken-over"] ?? "", /"helm"/);
    assert.match(await stack.pulumi.run(["preview"]), /unchanged/);
  });

  test("half-way, the stack cannot leave: its pool serves", async () => {
    const updated = await stack.update({ weight: "30" });
    assert.equal(updated.status, 0, updated.output);
    const { status, output } = await stack.rollout("release", "--yes");
    assert.equal(status, 1, output);
    assert.match(output, /pool llm-new was created by this stack, and the live route sends it 30 %/);
    assert.match(output, /npm run rollout -- rollback/);
    assert.deepEqual(weightsOf(await lab.route()), splitAt(30));
  });

  test("no way of destroying the stack takes the route away", async () => {
    const { status, output } = await stack.rollout("destroy", "--yes", "--service", "llm");
    assert.equal(status, 1, output);
    assert.match(output, /existed before this stack[^]*npm run rollout -- release/);
    await stack.setPath("allow[0]", "destroy");
    assert.match(await stack.refusedUp(), /taken-over-route[^]*npm run rollout -- release/);
    await stack.unset("allow");
    for (const words of [[], ["--run-program"]]) {
      const plain = await stack.pulumi.attempt(["destroy", "--yes", "--skip-preview", ...words]);
      assert.notEqual(plain.status, 0, plain.output);
    }
    assert.deepEqual(weightsOf(await lab.route()), splitAt(30));
  });

  test("back at 0, a dry run says what would happen, and changes nothing", async () => {
    const updated = await stack.update({ weight: "0" });
    assert.equal(updated.status, 0, updated.output);
    const resources = await stack.resources();
    const { status, output } = await stack.rollout("release", "--dry-run");
    assert.equal(status, 0, output);
    assert.match(output, /hand back[^]*HTTPRoute llm[^]*InferencePool llm-new[^]*Nothing was changed/);
    assert.deepEqual(await stack.resources(), resources);
  });

  test("released: every object is as it was, its owners too", async () => {
    const { status, output } = await stack.rollout("release", "--yes", "--json");
    assert.equal(status, 0, output);
    assert.match(output, /"ok": true/);
    await asBefore();
    assert.doesNotMatch(await stack.pulumi.run(["config"]), /allow/);
  });

  test("its owner writes it as before, without forcing anything", async () => {
    const object = {
      apiVersion: route[0],
      kind: route[1],
      metadata: { name: route[3], namespace: route[2] },
    };
    const refs = [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm", weight: 1 }];
    const spec = {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: [{ backendRefs: refs }],
    };
    await lab.objects.patch(
      { ...object, spec } as KubernetesObject,
      undefined,
      undefined,
      "lab",
      false,
      PatchStrategy.ServerSideApply,
    );
  });

  test("taken over again and released again, interrupted at every step", async () => {
    await adopt();
    assert.ok((await lab.pool("llm-new")) !== undefined);
    const steps = [
      /prepare the stack to leave\n/,
      /hand back what serves\n/,
      /remove the rest of the stack\n[^]*delete /,
    ];
    for (const step of steps) {
      const { command, ended } = release(stack);
      await command.prints(step, 120);
      command.signal("SIGINT");
      await ended;
      assert.deepEqual(weightsOf(await lab.route()).llm !== undefined, true, command.output);
    }
    const last = await stack.rollout("release", "--yes");
    assert.ok(last.status === 0 || /the stack is empty/.test(last.output), last.output);
    await asBefore();
  });

  test("no customer has noticed", async () => {
    await traffic.drain(60);
    const { outcomes } = traffic;
    assert.deepEqual(
      outcomes.flatMap(({ failure }) => failure ?? []),
      [],
    );
    assert.deepEqual([...new Set(outcomes.map(({ pool }) => pool))].sort(), ["llm", "llm-new"]);
    console.log(`# ${outcomes.length} requests and streams, none failed`);
  });
});

function release(stack: StackUnderTest): { command: Command; ended: Promise<number> } {
  const env = { ...process.env, ...stack.pulumi.environment };
  const main = path.join(projectFolder, "rollout", "main.ts");
  const command = new Command(main, ["release", "--yes"], env, stack.workspace.folder);
  return { command, ended: command.ended };
}

/** Labels and annotations as Helm and kubectl leave them, and a second owner of the route's fields. */
async function asHelmMadeIt(lab: StackLab): Promise<void> {
  const [apiVersion, kind, namespace, name] = route;
  const patch = {
    apiVersion,
    kind,
    metadata: {
      namespace,
      name,
      labels: { "app.kubernetes.io/managed-by": "Helm", team: "search" },
      annotations: {
        "meta.helm.sh/release-name": "llm",
        "meta.helm.sh/release-namespace": "default",
        "kubectl.kubernetes.io/last-applied-configuration": '{"kind":"HTTPRoute"}\n',
      },
    },
  };
  await lab.objects.patch(patch, undefined, undefined, "helm", undefined, PatchStrategy.MergePatch);
}

/** Every object of the kinds above: what people wrote in it, and who owns which field of it. */
async function everything(lab: StackLab): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [apiVersion, kind] of kinds) {
    const { items } = await lab.objects
      .list<LiveObject & KubernetesObject>(apiVersion, kind)
      .catch(() => ({ items: [] }));
    for (const { metadata, ...object } of items) {
      const {
        name,
        namespace = "",
        labels,
        annotations,
        ownerReferences,
        finalizers,
      } = metadata as LiveObject["metadata"] & { finalizers?: string[] };
      const owners = ((metadata as LiveObject["metadata"]).managedFields ?? [])
        .filter(({ subresource }) => subresource === undefined)
        .map(({ manager, operation, fieldsV1 }: ManagedFields) => ({ manager, operation, fieldsV1 }));
      const mine =
        kind === "Node"
          ? {}
          : {
              labels,
              annotations,
              ownerReferences,
              finalizers,
              owners,
              spec: object["spec"],
              data: object["data"],
              rules: object["rules"],
              subjects: object["subjects"],
            };
      found[`${kind} ${namespace}/${name}`] = mine;
    }
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => a.localeCompare(b)));
}
