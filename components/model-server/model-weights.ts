import * as pulumi from "@pulumi/pulumi";
import { poolLabels, type PoolRef } from "../names";
import { getProjectOutput } from "@pulumi/gcp/organizations";
import * as storage from "@pulumi/gcp/storage";
import type { RunningServer } from "../engines/engine";
import * as k8s from "@pulumi/kubernetes";

type Volume = k8s.types.input.core.v1.Volume;
type VolumeMount = k8s.types.input.core.v1.VolumeMount;

/** What a model server needs so that its weights get there. */
export interface WeightsSetup {
  /** The server's own arguments for the model. */
  args: readonly string[];
  volumes: readonly Volume[];
  mounts: readonly VolumeMount[];
  annotations?: Record<string, string>;
  /** Kubernetes service account that may read the bucket. */
  serviceAccount?: string;
}

export interface WeightsArgs {
  /** Name of the InferencePool. */
  pool: string;
  /** The name that clients ask for; on Hugging Face also that of the files. */
  model: string;
  /** Where the files come from. */
  weights: Weights;
  /** Whose flags say so. */
  server: Pick<RunningServer, "engine">;
  /** GPUs or TPU chips of one replica. */
  acceleratorsPerReplica: number;
}

/** Service account of a pool's model servers, where they need one: what Google Cloud knows them by. */
export const serverAccount = (pool: string): string => `${pool}-server`;

const folder = "/weights";

/**
 * Mount options of Cloud Storage FUSE for files that never change and are read once from end to end. Source:
 * accelerated-platforms' deployments of model servers.
 */
const fuseOptions = [
  "implicit-dirs",
  "file-cache:max-size-mb:-1",
  "file-cache:cache-file-for-range-read:true",
  "file-cache:enable-parallel-downloads:true",
  "metadata-cache:ttl-secs:-1",
  "metadata-cache:stat-cache-max-size-mb:-1",
  "metadata-cache:type-cache-max-size-mb:-1",
  "metadata-cache:negative-ttl-secs:0",
];

/** The sidecar that GKE adds may use what it needs of the node; its limits would otherwise be small. */
const fuseAnnotations = {
  "gke-gcsfuse/volumes": "true",
  "gke-gcsfuse/cpu-limit": "0",
  "gke-gcsfuse/memory-limit": "0",
  "gke-gcsfuse/ephemeral-storage-limit": "0",
};

export function weightsSetup({
  pool,
  model,
  weights,
  server,
  acceleratorsPerReplica,
}: WeightsArgs): WeightsSetup {
  const { model: flag, servedName } = server.engine.flags;
  // Clients go on asking for the model by its name, wherever its files come from.
  const from = (source: string): string[] => [flag, source, servedName.flag, model];
  switch (weights.from) {
    case "hugging-face":
      return { args: [flag, model], volumes: [], mounts: [] };
    case "disk":
      return {
        args: from(`${folder}/${weights.path}`),
        volumes: [{ name: "weights", persistentVolumeClaim: { claimName: weights.claim, readOnly: true } }],
        mounts: [{ name: "weights", mountPath: folder, readOnly: true }],
      };
    case "gcs":
      if (weights.loader === "stream") {
        return {
          args: [
            ...from(`gs://${weights.bucket}/${weights.path}`),
            ...(server.engine.stream?.(acceleratorsPerReplica) ?? []),
          ],
          volumes: [],
          mounts: [],
          serviceAccount: serverAccount(pool),
        };
      }
      return {
        args: from(folder),
        volumes: [
          {
            name: "weights",
            csi: {
              driver: "gcsfuse.csi.storage.gke.io",
              readOnly: true,
              volumeAttributes: {
                bucketName: weights.bucket,
                mountOptions: [...fuseOptions, `only-dir:${weights.path}`].join(","),
              },
            },
          },
        ],
        mounts: [{ name: "weights", mountPath: folder, readOnly: true }],
        annotations: fuseAnnotations,
        serviceAccount: serverAccount(pool),
      };
  }
}

/** Where the weights of a model come from. */
export type Weights =
  /** By the model's name. */
  | { from: "hugging-face" }
  /** A folder of a Cloud Storage bucket, mounted by Cloud Storage FUSE or streamed into GPU memory by the engine. */
  | { from: "gcs"; bucket: string; path: string; loader: "mount" | "stream" }
  /** A folder of a PersistentVolumeClaim (ReadOnlyMany) in the pool's namespace. */
  | { from: "disk"; claim: string; path: string };

export interface ModelAccessArgs extends PoolRef {
  /** The bucket that holds the model. */
  bucket: string;
  /** Kubernetes service account of the servers, where they have one already. Default: one is made. */
  account?: string;
  /** Whether the engine streams the model, which asks for the bucket itself too. Default: it reads objects only. */
  streams?: boolean;
  /** Project of the cluster. Default: the right to read the bucket is given outside this stack. */
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
      const member = pulumi.interpolate`principal://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${project}.svc.id.goog/subject/ns/${namespace}/sa/${account}`;
      new storage.BucketIAMMember(account, { bucket, role: "roles/storage.objectViewer", member }, child);
      if (args.streams === true) {
        // runai_model_streamer_gcs 0.15.9, files.py: it calls get_bucket, which objectViewer does not allow.
        const name = `${account}-bucket`;
        new storage.BucketIAMMember(name, { bucket, role: "roles/storage.bucketViewer", member }, child);
      }
    }
    this.registerOutputs();
  }
}
