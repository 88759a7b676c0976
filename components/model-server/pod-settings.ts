import type * as k8s from "@pulumi/kubernetes";

/* What a user sets of the model servers' pods, beside engine, image and arguments. */

/** Where the value of a variable comes from. */
export type EnvValue =
  /** The config. A secret one is kept in a Secret of the pool, and reaches the container from there. */
  | {
      readonly from: "config";
      readonly value: string;
      readonly secret: boolean;
      /** Whether it is known only that something in the config is secret. Default: it is known of this value. */
      readonly guessed?: true;
    }
  /** A key of a Secret in the pool's namespace that somebody else keeps. */
  | { readonly from: "secret"; readonly name: string; readonly key: string };

/** What a pod asks of its node, as Kubernetes writes quantities. Limits are the patch's to set. */
export interface PodResources {
  readonly cpu?: string;
  readonly memory?: string;
  readonly ephemeralStorage?: string;
}

/** A volume of the pod, and where the server's container has it. */
export interface ServerVolume {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
  /** One of Kubernetes' kinds of volumes with its fields: `{configMap: {name: "templates"}}`. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** A strategic merge patch of the pod template. */
export interface PodPatch {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface PodSettings {
  /** Environment of the server's container, by name. Default: none beside the program's own. */
  readonly env?: Readonly<Record<string, EnvValue>>;
  /** Requests of the server's container. Default: the program's own. */
  readonly resources?: PodResources;
  /** Size of /dev/shm, in GiB. Default: no limit but the memory of the pod or its node. */
  readonly shmGb?: number;
  /** Seconds in which a pod that leaves finishes its streams; see drainingOf. Default: 90. */
  readonly drainSeconds?: number;
  /** Default: none beside the program's own. */
  readonly volumes?: readonly ServerVolume[];
  /** Default: the cluster's. */
  readonly priorityClassName?: string;
  /** Labels and annotations of the pods. Default: none beside the program's own. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Applied last. What the rollout depends on is refused; see owned-fields.ts. Default: none. */
  readonly podPatch?: PodPatch;
  /** Whether a secret may be anywhere in the patch. The pod template is then a secret to Pulumi. Default: it is not. */
  readonly patchIsSecret?: true;
}

/** Names of the settings, as the config has them: whether something is secret is no key of its own. */
export const podSettings = [
  "env",
  "resources",
  "shmGb",
  "drainSeconds",
  "volumes",
  "priorityClassName",
  "labels",
  "annotations",
  "podPatch",
] as const satisfies readonly Exclude<keyof PodSettings, "patchIsSecret">[];

/** Volumes of the pods that this program makes, and where they are mounted. */
export const ownVolumes = {
  names: ["cache", "shm", "weights", "adapters", "adapter-list", "adapter-loader", "loader-account"],
  mounts: ["/cache", "/dev/shm", "/weights", "/adapters"],
} as const;

/** The kinds of volumes that a pod can have. Source: Kubernetes API, core/v1 Volume. */
export const volumeKinds: readonly string[] = [
  ...["configMap", "secret", "projected", "downwardAPI", "emptyDir", "ephemeral", "image"],
  ...["persistentVolumeClaim", "csi", "hostPath", "nfs", "iscsi", "fc", "gcePersistentDisk"],
];

/** Variables that this program sets in every container; the engine has more. The user's value takes their place. */
export const cacheVariable = { name: "HF_HOME", value: "/cache/huggingface" } as const;

export const tokenVariable = "HF_TOKEN";

type Container = k8s.types.input.core.v1.Container;

/** Requests and limits of a container that has these accelerators. */
export function resourcesOf(
  accelerators: Readonly<Record<string, string>>,
  { cpu, memory, ephemeralStorage }: PodResources = {},
): NonNullable<Container["resources"]> {
  const requests = {
    ...accelerators,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(ephemeralStorage === undefined ? {} : { "ephemeral-storage": ephemeralStorage }),
  };
  return { limits: accelerators, requests };
}

/** The user's volumes as a pod has them, and their mounts. */
export function volumesOf({ volumes = [] }: PodSettings): {
  volumes: k8s.types.input.core.v1.Volume[];
  mounts: k8s.types.input.core.v1.VolumeMount[];
} {
  return {
    volumes: volumes.map(({ name, source }) => ({ name, ...source })),
    mounts: volumes.map(({ name, mountPath, subPath, readOnly }) => ({
      name,
      mountPath,
      ...(subPath === undefined ? {} : { subPath }),
      ...(readOnly === undefined ? {} : { readOnly }),
    })),
  };
}
