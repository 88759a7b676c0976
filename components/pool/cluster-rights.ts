import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, managedBy } from "../names";
import { metricsReviewer } from "./endpoint-picker";

export interface ClusterRightsArgs {
  /** Name of the inference service, as a label value. */
  service: string;
  /** Namespaces in which its pools are. */
  namespaces: readonly string[];
}

/**
 * The rights in the whole cluster that the pools of a service need, for stacks that may write in their namespaces
 * only: a picker asks the API server whether a reader of its metrics may read them, and a collector's account may. The
 * names of pools change with every rollout, so the rights are those of all service accounts in the namespaces.
 */
export class ClusterRights extends pulumi.ComponentResource {
  constructor(name: string, args: ClusterRightsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ClusterRights", name, {}, opts);
    const child = { parent: this };
    const own = `${name}-metrics`;
    const marks = { [labels.managedBy]: managedBy, [labels.service]: args.service };
    const subjects = args.namespaces.map((namespace) => ({
      kind: "Group",
      apiGroup: rbac,
      name: `system:serviceaccounts:${namespace}`,
    }));
    const reader = new k8s.rbac.v1.ClusterRole(
      own,
      { metadata: { name: own, labels: marks }, rules: [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }] },
      child,
    );
    const roles = { reviewer: metricsReviewer, reader: reader.metadata.name };
    for (const [suffix, role] of Object.entries(roles)) {
      const bound = `${name}-metrics-${suffix}`;
      new k8s.rbac.v1.ClusterRoleBinding(
        bound,
        {
          metadata: { name: bound, labels: marks },
          roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role },
          subjects,
        },
        child,
      );
    }
    this.registerOutputs();
  }
}

const rbac = "rbac.authorization.k8s.io";
