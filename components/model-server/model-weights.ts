import type { Server } from "../engines/engine";
import type * as k8s from "@pulumi/kubernetes";

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
  pool: string;
  model: string;
  weights: Weights;
  server: Server;
  acceleratorsPerReplica: number;
}

/** Service account of a pool's model servers, where they need one: what Google Cloud knows them by. */
export const serverAccount = (pool: string): string => `${pool}-server`;

const folder = "/weights";

/**
 * Mount options of Cloud Storage FUSE for files that never change and are read once from end to end. Source:
 * accelerated-platforms' vLLM deployments.
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
  const flag = server.engine === "vllm" ? "--model" : "--model-path";
  // Clients go on asking for the model by its name, wherever its files come from.
  const from = (source: string): string[] => [flag, source, "--served-model-name", model];
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
            ...["--load-format", "runai_streamer"],
            // Each GPU's process reads its own part instead of all reading everything.
            ...(acceleratorsPerReplica > 1
              ? ["--model-loader-extra-config", JSON.stringify({ distributed: true })]
              : []),
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
  | { from: "hugging-face" }
  | { from: "gcs"; bucket: string; path: string; loader: "mount" | "stream" }
  | { from: "disk"; claim: string; path: string };
