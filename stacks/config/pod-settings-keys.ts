import { z } from "zod";
import type { EnvValue, PodSettings, ServerVolume } from "../../components/model-server/pod-settings";
import { dnsName, flag, integer, list, matching, object, optional, record, required, text } from "./fields";

/* What a user sets of the model servers' pods, beside engine, image and arguments. */

const aQuantity = (what: string, example: string): z.ZodType<string> => {
  const expected = `${what}, as a Kubernetes quantity, for example ${example}`;
  return z.preprocess(
    (value) => (typeof value === "number" ? String(value) : value),
    matching(/^\d+(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/, expected),
  );
};

const aVariable = matching(/^[A-Za-z_][A-Za-z0-9_]*$/, "a name of a variable: letters, digits and _");

const anObjectName = matching(dnsName, "the name of an object: a-z, 0-9, - and .").max(253);

const aSecretKey = object({
  secret: required(anObjectName, { description: "Name of the Secret.", example: "hub-credentials" }),
  key: required(matching(/^[-._a-zA-Z0-9]+$/, "a key of the Secret"), {
    description: "Key of its data.",
    example: "token",
  }),
});

const plainValue = z.preprocess(
  (value) => (typeof value === "number" || typeof value === "boolean" ? String(value) : value),
  z.string(),
);

const aValue = z.union([plainValue, aSecretKey], { error: "a string, or {secret: NAME, key: KEY}" });

const labelKey = matching(
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
  "a key of a label or annotation, for example acme.com/team",
).max(317);

const labelValue = z.preprocess(
  (value) => (typeof value === "number" || typeof value === "boolean" ? String(value) : value),
  z
    .string({ error: "a value of a label: at most 63 letters, digits and . _ -" })
    .regex(
      /^(|[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/,
      "a value of a label: at most 63 letters, digits and . _ -",
    ),
);

const aVolume = z.looseObject(
  {
    name: required(matching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a name: a-z, 0-9 and -"), {
      description: "Name of the volume in the pod.",
      example: "templates",
      change: "new-pool",
    }),
    mountPath: required(matching(/^\/[^:]*[^/:]$/, "an absolute path"), {
      description: "Path in the server's container.",
      example: "/templates",
      change: "new-pool",
    }),
    subPath: optional(text("a path inside the volume"), {
      description: "Path inside the volume to mount instead of the whole volume.",
      default: "none",
      example: "chat",
      change: "new-pool",
    }),
    readOnly: optional(flag(), {
      description: "Whether the mount is read-only.",
      default: "false",
      example: true,
      change: "new-pool",
    }),
  },
  { error: "an object with name, mountPath and one Kubernetes volume type" },
);

export const podSettingFields = {
  env: optional(record(aVariable, aValue, "an object with a key for each variable"), {
    description:
      "Environment variables of the server, by name: a string, or `{secret: NAME, key: KEY}` for a Secret that exists in the pool's namespace. A string can be a secret (`pulumi config set --secret --path 'pools.llm.server.env.API_KEY' VALUE`): the stack stores it in a Secret in the pool's namespace. A pool's own variables are added to those that it inherits. Your value replaces a default of the program or the engine, such as `HF_HOME`; a variable that the rollout depends on is refused.",
    default: "none",
    example: { HF_HUB_DISABLE_TELEMETRY: "1" },
    secret: true,
    change: "new-pool",
  }),
  resources: optional(
    object({
      cpu: optional(aQuantity("CPUs", "8 or 500m"), {
        description: "CPUs that the server requests.",
        default: "1 for each accelerator of the pod",
        example: "8",
        change: "new-pool",
      }),
      memory: optional(aQuantity("memory", "32Gi"), {
        description: "Memory that the server requests.",
        default: "4Gi for each accelerator of the pod",
        example: "32Gi",
        change: "new-pool",
      }),
      ephemeralStorage: optional(aQuantity("storage", "200Gi"), {
        description:
          "Local storage that the server requests: weights from Hugging Face are downloaded to it. A pod that uses more than it requests is the first to be evicted when the disk is full.",
        default: "none",
        example: "200Gi",
        change: "new-pool",
      }),
    }),
    {
      description: "Requests of the server's container, besides its accelerators. Set limits in `podPatch`.",
      default: "1 CPU and 4Gi for each accelerator; none in pools of earlier versions",
      example: { memory: "32Gi" },
      change: "new-pool",
    },
  ),
  shmGb: optional(integer(1, 4096, "GiB"), {
    description:
      "Size of `/dev/shm`, through which the processes of a server exchange tensors. It counts as memory.",
    default: "limited only by the memory of the pod or its node",
    example: 16,
    change: "new-pool",
  }),
  drainSeconds: optional(integer(10, 3500, "seconds"), {
    description:
      "Seconds that a pod that leaves has to finish its streams, after 30 s in which it still serves as usual. The server's own flag, the pod's grace period, the picker's and the load balancer's draining follow from it. Removing the pool, a restart and the drain of a node take as long.",
    default: "`90`",
    example: 600,
    change: "new-pool",
  }),
  volumes: optional(list(aVolume, "volumes"), {
    description:
      "Volumes of the pod, each with its mount path in the server's container and one Kubernetes volume type. The objects that a volume refers to must exist in the pool's namespace.",
    default: "none",
    example: [{ name: "templates", mountPath: "/templates", configMap: { name: "chat-templates" } }],
    change: "new-pool",
  }),
  priorityClassName: optional(anObjectName, {
    description: "PriorityClass of the pods.",
    default: "the cluster's default",
    example: "serving",
    change: "restart",
  }),
  labels: optional(record(labelKey, labelValue, "an object with a key for each label"), {
    description: "Labels of the pods, added to the program's own.",
    default: "none",
    example: { team: "search" },
    change: "restart",
  }),
  annotations: optional(
    record(
      labelKey,
      z.preprocess(
        (value) => (typeof value === "number" || typeof value === "boolean" ? String(value) : value),
        z.string({ error: "a string" }),
      ),
      "an object with a key for each annotation",
    ),
    {
      description: "Annotations of the pods, added to the program's own.",
      default: "none",
      example: { "acme.com/owner": "search" },
      change: "restart",
    },
  ),
  podPatch: optional(
    object({
      metadata: optional(z.record(z.string(), z.unknown(), { error: "an object" }), {
        description: "Labels and annotations.",
        default: "none",
        example: { labels: { team: "search" } },
        change: "new-pool",
      }),
      spec: optional(z.record(z.string(), z.unknown(), { error: "an object" }), {
        description: "The pod's spec.",
        default: "none",
        example: { hostIPC: true },
        change: "new-pool",
      }),
    }),
    {
      description:
        "A strategic merge patch of the pod template, for everything else: lists merge by the keys that Kubernetes defines for them; null and `$patch: delete` remove. The server's container has the engine's name. A patch of something that the rollout depends on is refused, with the path.",
      default: "none",
      example: { spec: { dnsPolicy: "ClusterFirst" } },
      change: "new-pool",
    },
  ),
};

type RawSettings = z.infer<z.ZodObject<typeof podSettingFields>>;

/**
 * Settings as they are used, of values that have the right shape.
 * @param isSecret whether a variable's value is one, and whether that is only a guess.
 * @param hasSecret whether there may be a secret anywhere in the server's settings.
 */
export function settingsOf(
  raw: RawSettings,
  isSecret: (variable: string) => "known" | "guessed" | undefined,
  hasSecret: boolean,
): PodSettings {
  const { env, volumes, resources, podPatch } = raw;
  const envValues = Object.entries(env ?? {}).map(([name, value]): [string, EnvValue] => {
    if (typeof value !== "string") return [name, { from: "secret", name: value.secret, key: value.key }];
    const secret = isSecret(name);
    return [
      name,
      {
        from: "config",
        value,
        secret: secret !== undefined,
        ...(secret === "guessed" ? { guessed: true as const } : {}),
      },
    ];
  });
  const kept = Object.fromEntries(
    (["shmGb", "drainSeconds", "priorityClassName", "labels", "annotations"] as const).flatMap((name) =>
      raw[name] === undefined ? [] : [[name, raw[name]]],
    ),
  ) as PodSettings;
  return {
    ...kept,
    ...(env === undefined ? {} : { env: Object.fromEntries(envValues) }),
    ...(resources === undefined ? {} : { resources: defined(resources) }),
    ...(volumes === undefined ? {} : { volumes: volumes.map(volumeOf) }),
    ...(podPatch === undefined ? {} : { podPatch: defined(podPatch) }),
    ...(podPatch !== undefined && hasSecret ? { patchIsSecret: true } : {}),
  };
}

function volumeOf({ name, mountPath, subPath, readOnly, ...source }: z.infer<typeof aVolume>): ServerVolume {
  return {
    ...{ name, mountPath, source },
    ...(subPath === undefined ? {} : { subPath }),
    ...(readOnly === undefined ? {} : { readOnly }),
  };
}

function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
