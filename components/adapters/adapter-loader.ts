import * as fs from "node:fs";
import * as path from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { adapterListName, labels, managedBy, poolLabels, type PoolRef } from "../names";
import { listFile, loaderFile, loaderName } from "./adapter-loading";

export interface AdapterLoaderArgs extends PoolRef {
  /** What the pool's model servers have to have loaded. */
  list: AdapterList;
  /** File of the loader beside this one: the engine's `adapters.loader`. */
  loader: string;
}

/**
 * What the adapter loaders of a pool's pods read, and what they may do: write the status of their own pod. The list
 * is a ConfigMap, which the kubelet brings into running pods (within about a minute), so that a change of it
 * restarts nothing, and a pod that starts later or again loads the same list.
 */
export class AdapterLoader extends pulumi.ComponentResource {
  constructor(name: string, args: AdapterLoaderArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:AdapterLoader", name, {}, opts);
    const { namespace, pool, service } = args;
    const own = adapterListName(pool);
    const child = { parent: this };
    const metadata = { name: own, namespace, labels: poolLabels(service, pool) };
    new k8s.core.v1.ConfigMap(own, { metadata, data: { [listFile]: listText(args.list) } }, child);
    new k8s.core.v1.ConfigMap(
      loaderName(pool),
      { metadata: { ...metadata, name: loaderName(pool) }, data: { [loaderFile]: loaderText(args.loader) } },
      child,
    );
    const account = new k8s.core.v1.ServiceAccount(own, { metadata }, child);
    const role = new k8s.rbac.v1.Role(
      own,
      { metadata, rules: [{ apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] }] },
      child,
    );
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      own,
      {
        metadata: {
          name: `${namespace}-${own}-own-pod`,
          labels: { [labels.managedBy]: managedBy, [labels.service]: service, [labels.pool]: pool },
        },
        spec: {
          failurePolicy: "Fail",
          matchConstraints: {
            resourceRules: [
              { apiGroups: [""], apiVersions: ["v1"], resources: ["pods/status"], operations: ["UPDATE"] },
            ],
          },
          matchConditions: [
            {
              name: "by-an-adapter-loader",
              expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${own}'`,
            },
          ],
          validations: [
            {
              expression: ownPod,
              message: "an adapter loader writes the status of its own pod and of no other",
              reason: "Forbidden",
            },
          ],
        },
      },
      child,
    );
    const policyBinding = new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      own,
      {
        metadata: { name: `${namespace}-${own}-own-pod`, labels: policy.metadata.labels },
        spec: { policyName: policy.metadata.name, validationActions: ["Deny"] },
      },
      child,
    );
    new k8s.rbac.v1.RoleBinding(
      own,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
      },
      // The right comes after what limits it.
      { ...child, dependsOn: [policyBinding] },
    );
    this.registerOutputs();
  }
}

/** A token that is bound to a pod names it; RBAC alone cannot say "its own". */
const ownPod = `
'authentication.kubernetes.io/pod-name' in request.userInfo.extra &&
  request.userInfo.extra['authentication.kubernetes.io/pod-name'].exists(name, name == object.metadata.name)`.trim();

export function listText({ revision, adapters }: AdapterList): string {
  return `${JSON.stringify({ revision, adapters }, undefined, 2)}\n`;
}

/** The program of the sidecar; read once. */
function loaderText(file: string): string {
  const text = loaders.get(file) ?? fs.readFileSync(path.join(__dirname, file), "utf8");
  loaders.set(file, text);
  return text;
}

const loaders = new Map<string, string>();

/** What a pool's model servers have to have loaded. */
export interface AdapterList {
  /** Changes with the list: pods report with it which list they have loaded. */
  revision: string;
  /** Name under which each is loaded, and its source: a Hugging Face repository or `gs://bucket/path`. */
  adapters: readonly { name: string; source: string }[];
}
