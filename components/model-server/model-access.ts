import { getProjectOutput } from "@pulumi/gcp/organizations";
import * as storage from "@pulumi/gcp/storage";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { poolLabels } from "../names";
import { serverAccount } from "./model-weights";

export interface ModelAccessArgs {
  service: string;
  pool: string;
  namespace: string;
  bucket: string;
  /** The servers' account, where they have one already for another reason. Absent: one is made. */
  account?: string;
  /** Project of the cluster; absent: who may read the bucket is somebody else's business. */
  project?: pulumi.Input<string>;
}

/**
 * The right of one pool's model servers to read one bucket, and nothing else: a Kubernetes service account that Cloud
 * Storage knows by itself (workload identity federation), without a key.
 */
export class ModelAccess extends pulumi.ComponentResource {
  constructor(name: string, args: ModelAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ModelAccess", name, {}, opts);
    const { service, pool, namespace, bucket, project } = args;
    const account = args.account ?? serverAccount(pool);
    const child = { parent: this };
    if (args.account === undefined) {
      new k8s.core.v1.ServiceAccount(
        account,
        {
          metadata: { name: account, namespace, labels: poolLabels(service, pool) },
          automountServiceAccountToken: false,
        },
        child,
      );
    }
    if (project !== undefined) {
      const { number } = getProjectOutput({ projectId: project }, child);
      new storage.BucketIAMMember(
        account,
        {
          bucket,
          role: "roles/storage.objectViewer",
          member: pulumi.interpolate`principal://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${project}.svc.id.goog/subject/ns/${namespace}/sa/${account}`,
        },
        child,
      );
    }
    this.registerOutputs();
  }
}
