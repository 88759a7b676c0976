import { PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import assert from "node:assert/strict";
import type { LiveObject, ManagedFields } from "../../stacks/state/cluster-reader";
import { eventually, type StackLab, type StackUnderTest } from "./stack-lab";

/* What was in a cluster before a stack came, to be compared with what is there once it has left. */

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
  ["networking.gke.io/v1", "HealthCheckPolicy"],
  ["networking.gke.io/v1", "GCPBackendPolicy"],
];

export const customersRoute = [
  "gateway.networking.k8s.io/v1",
  "HTTPRoute",
  "default",
  "routes-to-llm",
] as const;

/** Labels and annotations as Helm and kubectl leave them, and a second owner of the route's fields. */
export async function asHelmMadeIt(lab: StackLab): Promise<void> {
  const [apiVersion, kind, namespace, name] = customersRoute;
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
export async function everything(lab: StackLab): Promise<Record<string, unknown>> {
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

/** The stack is empty, and everything is as it was. Nodes and namespaces take their time to go. */
export async function leftAsBefore(
  lab: StackLab,
  stack: StackUnderTest,
  earlier: Readonly<Record<string, unknown>>,
): Promise<void> {
  assert.deepEqual(await stack.resources(), []);
  const names = Object.keys(earlier).join();
  await eventually(
    "nothing is left of the stack",
    async () => Object.keys(await everything(lab)).join() === names,
    90,
  ).catch(() => undefined);
  assert.deepEqual(await everything(lab), earlier);
}
