import { z } from "zod";
import { provisionings } from "../../components/accelerators/accelerator";
import { enginesThat } from "../../components/engines/catalogue";
import { maxLabel } from "../../components/names";
import { integer, name, oneOf, text } from "./fields";

/*
 * What a pool says of its machines, of the place its weights come from and of autoscaling. Part of the pool's schema
 * (schema.ts); rules between fields are in hardware.ts and weights.ts.
 */

export const hardwareFields = {
  provisioning: oneOf(provisionings)
    .optional()
    .describe(
      "How the machines are bought. Default: on-demand. Spot machines go with 30 s notice, flex-start ones after seven days at the latest.",
    ),
  reservation: text("a reservation, as NAME or projects/PROJECT/reservations/NAME")
    .regex(
      /^(projects\/[a-z0-9-]+\/reservations\/)?[a-z]([-a-z0-9]*[a-z0-9])?(\/reservationBlocks\/[a-z0-9-]+(\/reservationSubBlocks\/[a-z0-9-]+)?)?$/,
      "a reservation, as NAME or projects/PROJECT/reservations/NAME",
    )
    .optional()
    .describe("provisioning reservation: the specific reservation that the machines come from, by name."),
  fallback: oneOf(["on-demand"])
    .optional()
    .describe(
      "provisioning spot: a second set of machines, bought on demand, that only grows when pods do not fit on spot machines. Default: none.",
    ),
  driver: oneOf(["default", "latest", "disabled"])
    .optional()
    .describe(
      "GPU driver that GKE installs: the default or the latest of the node version, or none (you install it). Default: default.",
    ),
  nodeVersion: text("a GKE version, as 1.34.1-gke.2037000")
    .regex(/^\d+\.\d+\.\d+-gke\.\d+$/, "a GKE version, as 1.34.1-gke.2037000")
    .optional()
    .describe("GKE version of the nodes: a security fix is a pool with a newer one. Default: the cluster's."),
  nodeImage: oneOf(["cos", "ubuntu"])
    .optional()
    .describe("Node image: Container-Optimized OS or Ubuntu, each with containerd. Default: cos."),
  imageCache: text("a disk image, as global/images/NAME or projects/PROJECT/global/images/NAME")
    .regex(
      /^(projects\/[a-z0-9-]+\/)?global\/images\/[a-z]([-a-z0-9]*[a-z0-9])?$/,
      "a disk image, as global/images/NAME or projects/PROJECT/global/images/NAME",
    )
    .optional()
    .describe("Disk image with container images on it: a secondary boot disk of every node. Default: none."),
  diskGb: integer(20, 65_536, ": gigabytes")
    .optional()
    .describe(
      "Boot disk of each node. Weights from Hugging Face are kept there where the machine has no local SSD. Default: GKE's own (100).",
    ),
  nodeLabels: z
    .array(
      text("a label, as KEY=VALUE").regex(
        /^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?=[A-Za-z0-9._-]*$/,
        "a label, as KEY=VALUE",
      ),
      { error: "a list of labels, each as KEY=VALUE" },
    )
    .min(1, "at least one label")
    .optional()
    .describe(
      "With cluster.kubeconfig: labels of the nodes that the pool's model servers run on. Default: GKE's own labels of the accelerator.",
    ),
  acceleratorNetwork: oneOf(["auto", "none"])
    .optional()
    .describe(
      "auto: GKE sets up the machines' accelerator network (RDMA; needs Dataplane V2). Default: auto where the machines have one, else none.",
    ),
} as const;

export const weightsSchema = z.strictObject(
  {
    from: oneOf(["hugging-face", "gcs", "disk"]).describe(
      "Hugging Face by the model's name, a Cloud Storage bucket, or a disk that many nodes read.",
    ),
    bucket: text("the name of a bucket")
      .regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/, "the name of a bucket")
      .optional()
      .describe("from gcs: the bucket."),
    path: text("a folder, without / at either end")
      .regex(/^[^/](.*[^/])?$/, "a folder, without / at either end")
      .optional()
      .describe("from gcs or disk: the folder that holds the model. Default: the model's name."),
    loader: oneOf(["mount", "stream"])
      .optional()
      .describe(
        `from gcs: mounted by Cloud Storage FUSE, or streamed into the GPUs (only with ${enginesThat(({ stream }) => stream !== undefined).titles}). Default: mount.`,
      ),
    claim: name(maxLabel)
      .optional()
      .describe("from disk: the PersistentVolumeClaim (ReadOnlyMany) in the pool's namespace."),
  },
  { error: "an object with from, bucket, path, loader, claim" },
);

export const autoscalingSchema = z.strictObject(
  {
    max: integer(1, 1000, ": the most replicas").describe(
      "The most replicas. The fewest are what the rollout needs: the autoscaler never goes below.",
    ),
    metric: oneOf(["queue", "cache"])
      .optional()
      .describe("What it follows: waiting requests, or use of the KV cache. Default: queue."),
    target: integer(1, 1000, "")
      .optional()
      .describe("Waiting requests a replica (default 10), or percent of the KV cache (default 80)."),
  },
  { error: "an object with max, metric, target" },
);

export type WeightsInput = z.infer<typeof weightsSchema>;
export type AutoscalingInput = z.infer<typeof autoscalingSchema>;
