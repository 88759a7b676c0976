import { adaptersOf, idleSeconds, maxLoadingMinutes, newestRendering } from "../engines/catalogue";
import type { EnvironmentVariable, RunningServer } from "../engines/engine";
import type * as k8s from "@pulumi/kubernetes";
import { annotations } from "../names";
import { adapterLoading, adapterMount } from "../adapters/adapter-loading";
import { resourceName } from "../accelerators/accelerator";
import { type Weights, weightsSetup } from "./model-weights";
import {
  type Draining,
  type PodTemplate,
  drainingOf,
  spread,
  acceleratorsOfPod,
  nodeBinding,
  type PlacementArgs,
} from "./pod-template";
import { cacheVariable, type PodResources, resourcesOf, tokenVariable, volumesOf } from "./pod-settings";
import { type Word, argVariables, argWords, userVariables } from "./server-secrets";
import { mergedTemplate } from "./strategic-merge";

type Container = k8s.types.input.core.v1.Container;
type EnvVar = k8s.types.input.core.v1.EnvVar;
type PodSpec = k8s.types.input.core.v1.PodSpec;
type Toleration = k8s.types.input.core.v1.Toleration;

/** The Secret that holds the token for gated models, in the pool's namespace. */
export interface TokenSecret {
  /** Name of the Secret. */
  name: string;
  /** Key of its data that holds the token. */
  key: string;
}

export interface ServerTemplateArgs extends PlacementArgs {
  /** The model: its name on Hugging Face, by which clients ask for it wherever its files come from. */
  model: string;
  /** Engine, image, arguments and port. */
  server: RunningServer;
  /** Where the model's files come from. */
  weights: Weights;
  /** Whether adapters are loaded while the server runs; only with engines that support it. */
  adapters: boolean;
  /** Token for gated models. Default: none. */
  token?: TokenSecret;
  /** Whether the pool has nodes of two kinds, of which spot nodes are preferred. Default: false. */
  prefersSpot?: boolean;
  /** How the template was rendered when the pool was made: newestRendering, or an earlier number. Default: newest. */
  rendering?: number;
}

/** Pod template of a model server that this project sets up. */
export const serverTemplate = (args: ServerTemplateArgs): PodTemplate => patched(ownTemplate(args), args);

/** Before the user's patch. */
function ownTemplate(args: ServerTemplateArgs): PodTemplate {
  const { server, rendering = newestRendering } = args;
  const { accelerator } = args.placement;
  const resources = { [resourceName(accelerator)]: String(acceleratorsOfPod(args)) };
  const weights = weightsSetup(args);
  const { engine } = server;
  const draining = drainingOf(server);
  const probes = rendering >= 4 ? engine.probes : (engine.formerProbes ?? engine.probes);
  const health = { path: engine.healthPath, port: "http" };
  const adapters = args.adapters ? adaptersOf(engine) : undefined;
  const loading =
    adapters === undefined
      ? undefined
      : adapterLoading({ pool: args.pool, image: server.image, serverPort: server.port, rendering });
  const account = loading?.serviceAccountName ?? weights.serviceAccount;
  const own = volumesOf(server);
  const container: Container = {
    name: engine.name,
    image: server.image,
    command: [...engine.command],
    args: [
      ...weights.args,
      ...engine.serve({ port: server.port, accelerators: devicesOf(args) }),
      ...engine.drain(server.image, draining.finishSeconds),
      ...(adapters?.flags ?? []),
      ...argWords(server),
    ] as string[],
    env: withVariables(
      [
        cacheVariable,
        ...environmentOf(args),
        ...(rendering >= 5 ? (engine.keepAlive?.(idleSeconds) ?? []) : []),
        ...(adapters?.environment ?? []),
        ...argVariables(args.pool, server),
        ...(args.token === undefined
          ? []
          : [
              {
                name: tokenVariable,
                valueFrom: { secretKeyRef: { name: args.token.name, key: args.token.key } },
              },
            ]),
      ],
      userVariables(args.pool, server),
    ),
    ports: [{ name: "http", containerPort: server.port, protocol: "TCP" }],
    // No other probe runs before the model is loaded, which may take as long as a download.
    startupProbe: {
      httpGet: health,
      initialDelaySeconds: 2,
      ...probes.startup,
      failureThreshold: Math.ceil((maxLoadingMinutes * 60) / probes.startup.periodSeconds),
    },
    readinessProbe: { httpGet: health, ...probes.readiness },
    livenessProbe: { httpGet: health, ...probes.liveness },
    lifecycle: { preStop: { sleep: { seconds: draining.preStopSeconds } } },
    resources: resourcesOf(resources, requestsOf(args)),
    securityContext: {
      allowPrivilegeEscalation: false,
      // What the TPU's runtime needs is not documented: it keeps what containers have by default, as in Google's manifests.
      ...(accelerator.family === "tpu" ? {} : { capabilities: { drop: ["ALL"] } }),
    },
    volumeMounts: [
      { name: "cache", mountPath: "/cache" },
      { name: "shm", mountPath: "/dev/shm" },
      ...weights.mounts,
      ...(loading === undefined ? [] : [adapterMount]),
      ...own.mounts,
    ],
  };
  const notes = {
    ...server.annotations,
    ...weights.annotations,
    ...(server.secretsRevision === undefined ? {} : { [annotations.secrets]: server.secretsRevision }),
  };
  return {
    metadata: {
      ...(server.labels === undefined ? {} : { labels: { ...server.labels } }),
      ...(Object.keys(notes).length === 0 ? {} : { annotations: notes }),
    },
    spec: {
      ...nodeBinding(args),
      ...spread(args.pool, args.prefersSpot ?? false),
      // The loader's account is the pod's where there is one: it reads the weights too (ModelAccess).
      ...(account === undefined ? {} : { serviceAccountName: account }),
      ...(server.priorityClassName === undefined ? {} : { priorityClassName: server.priorityClassName }),
      // The server never talks to the API server.
      automountServiceAccountToken: false,
      ...(loading === undefined ? {} : { initContainers: [loading.sidecar] }),
      // A Service named like the engine in the namespace would otherwise set ENGINE_PORT, which some engines read.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: draining.graceSeconds,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      containers: [container],
      volumes: [
        { name: "cache", emptyDir: {} },
        {
          name: "shm",
          emptyDir: {
            medium: "Memory",
            ...(server.shmGb === undefined ? {} : { sizeLimit: `${server.shmGb}Gi` }),
          },
        },
        ...weights.volumes,
        ...(loading?.volumes ?? []),
        ...own.volumes,
      ],
    },
  };
}

/** The user's variables after the program's own, and in the place of those that have the same name. */
function withVariables(own: readonly EnvVar[], users: readonly EnvVar[]): EnvVar[] {
  const names = new Set(users.map(({ name }) => name));
  return [...own.filter(({ name }) => !names.has(name)), ...users];
}

/** A template with the user's patch. Its tolerations are added: without the program's own no node takes the pod. */
function patched(template: PodTemplate, { server: { podPatch } }: ServerTemplateArgs): PodTemplate {
  if (podPatch === undefined) return template;
  const { metadata, spec } = mergedTemplate(template, podPatch);
  const added = podPatch.spec?.["tolerations"] as PodSpec["tolerations"] | undefined;
  const tolerations = [...(template.spec.tolerations as Toleration[]), ...((added ?? []) as Toleration[])];
  return { ...(metadata === undefined ? {} : { metadata }), spec: { ...spec, tolerations } };
}

/**
 * Without requests a pod is the first to go when its node runs short of memory. So little for each accelerator fits beside
 * the system's pods on the smallest machine of the catalogue (4 processors and 16 GB for one GPU).
 */
function requestsOf(args: ServerTemplateArgs): PodResources {
  const { rendering = newestRendering, server } = args;
  const count = acceleratorsOfPod(args);
  const least = rendering >= 3 ? { cpu: String(count), memory: `${4 * count}Gi` } : {};
  return { ...least, ...server.resources };
}

const isNew = ({ rendering = newestRendering }: ServerTemplateArgs): boolean => rendering >= 2;

/** Devices that the model is split over. */
function devicesOf(args: ServerTemplateArgs): number {
  const { devicesPerChip = 1 } = args.placement.accelerator;
  return args.acceleratorsPerReplica * (isNew(args) ? devicesPerChip : 1);
}

function environmentOf(args: ServerTemplateArgs): readonly EnvironmentVariable[] {
  const { accelerator, hosts } = args.placement;
  const { engine, image } = args.server;
  const own = engine.environment(accelerator.family, image);
  if (!isNew(args)) return accelerator.family === "tpu" ? own : [];
  return [...own, ...(hosts > 1 ? (engine.overNodes?.environment(accelerator.family) ?? []) : [])];
}

export const groupApi = {
  group: "leaderworkerset.x-k8s.io",
  version: "v1",
  kind: "LeaderWorkerSet",
} as const;

/** Label that LeaderWorkerSet gives all pods of a set. */
export const groupNameLabel = "leaderworkerset.sigs.k8s.io/name";

const rayPort = 6379;

/** Nodes of the Ray cluster that are alive; nothing while Ray does not answer. */
const countNodes =
  'python3 -c \'import ray; ray.init(address="auto", log_to_driver=False); print(sum(node["Alive"] for node in ray.nodes()))\' 2>/dev/null | tail -n 1';

/**
 * Pod templates of a replica that is a group: the leader answers requests, the workers lend it their chips. Ray ties
 * them together; the server waits until all of them are there. Shape: LeaderWorkerSet's own example on TPUs.
 *
 * Not verified on GKE; Google's tutorial of model servers on TPUs covers single nodes only.
 */
export function groupTemplates(args: ServerTemplateArgs): { leader: PodTemplate; worker: PodTemplate } {
  const { overNodes, title } = args.server.engine;
  if (overNodes === undefined)
    throw new Error(`this program does not support multi-host replicas with ${title}`);
  const own = ownTemplate(args);
  const leader = containersOf(own).map((container) =>
    asLeader(container, overNodes.flags, isNew(args) ? args.placement.hosts : 1),
  );
  const worker = containersOf(own).map((container) => asWorker(container, drainingOf(args.server)));
  return {
    leader: patched({ ...own, spec: { ...own.spec, containers: leader } }, args),
    worker: patched({ ...own, spec: { ...own.spec, containers: worker } }, args),
  };
}

function containersOf(template: PodTemplate): Container[] {
  return template.spec.containers as Container[];
}

/**
 * `exec` hands SIGTERM to the server itself, which finishes its streams; "$@" are its words, unharmed. It starts when all
 * nodes of the group are in the Ray cluster: it would take what there is for everything.
 */
function asLeader(container: Container, flags: readonly string[], nodes: number): Container {
  const words = [...(container.command as string[]), ...(container.args as Word[])];
  const all = nodes === 1 ? "" : ` && until [ "$(${countNodes})" = ${nodes} ]; do sleep 2; done`;
  const script = `ray start --head --port=${rayPort}${all} && exec "$@" ${flags.join(" ")}`;
  return { ...container, command: ["bash", "-c", script, "leader"], args: words };
}

/** A worker serves no requests and has no probes; it stays as long as its leader may need to finish. */
function asWorker(
  { name, image, env, resources, securityContext, volumeMounts }: Container,
  draining: Draining,
): Container {
  const script = `until ray start --address="$LWS_LEADER_ADDRESS:${rayPort}" --block; do sleep 2; done`;
  const stays = draining.preStopSeconds + draining.finishSeconds;
  return {
    name,
    ...defined({ image, env, resources, securityContext, volumeMounts }),
    command: ["bash", "-c", script],
    lifecycle: { preStop: { sleep: { seconds: stays } } },
  };
}

function defined(fields: Partial<Container>): Partial<Container> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
