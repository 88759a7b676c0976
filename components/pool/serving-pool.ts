import * as pulumi from "@pulumi/pulumi";
import { hardwareOf, type HardwareArgs } from "../accelerators/accelerators";
import { isMisfit, placementOf, type Placement } from "../accelerators/placement";
import { adapterListName, type PoolRef } from "../names";
import { AcceleratorNodePool } from "../cluster/accelerator-node-pool";
import { type AdapterList, AdapterLoader } from "../adapters/adapter-loader";
import { type NameRule, ModelNames } from "../adapters/name-rewrites";
import { adaptersOf, runningServer } from "../engines/catalogue";
import type { RunningServer, ServerArgs } from "../engines/engine";
import { copyArgs, type CopiedPods } from "../model-server/copied/adapt";
import { ModelAccess, type Weights } from "../model-server/model-weights";
import { ModelServer } from "../model-server/model-server";
import type { Autoscaling } from "../model-server/server-autoscaler";
import { ownedFields, ownedVariable } from "../model-server/owned-fields";
import { hasSecrets, ServerSecrets } from "../model-server/server-secrets";
import { patchProblems } from "../model-server/strategic-merge";
import type { TokenSecret } from "../model-server/server-template";
import { EndpointPicker } from "./endpoint-picker";
import type { PickerSettings } from "./picker-settings";
import { InferencePool, Objectives, type Objective } from "./inference-pool";
import { PoolMonitoring } from "./pool-monitoring";
import type { PoolTraffic } from "../gateways/gateway";
import { PoolPolicies } from "./pool-policies";

/** Where GKE makes the pool's nodes. */
export interface NodeLocation {
  /** GKE cluster: its name or id. */
  cluster: pulumi.Input<string>;
  /** Region or zone of the cluster. */
  location: pulumi.Input<string>;
  /** Project of the cluster. Default: the provider's. */
  project?: pulumi.Input<string>;
  /** Address of the service account that the nodes act as. Default: the project's default one. */
  serviceAccount?: pulumi.Input<string>;
}

/** Kinds that a cluster knows beyond Kubernetes' own: objects of a kind it does not know are not made. */
export interface ClusterKinds {
  /** HealthCheckPolicy and GCPBackendPolicy of GKE's Gateway controller. Default: true. */
  gatewayPolicies?: boolean;
  /** PodMonitoring of Google Cloud Managed Service for Prometheus. Default: true. */
  podMonitoring?: boolean;
  /** Namespace of managed Prometheus' collector. Default: that of GKE Standard. */
  collectorNamespace?: string;
}

export interface ServingPoolArgs extends PoolRef {
  /** Replicas that the pool has now; with `autoscaling`, the fewest. */
  replicas: number;
  /** Replicas that node pools have room for from the beginning, so that growing makes no nodes anew. Default: replicas. */
  fullReplicas?: number;
  /** Accelerator and nodes. */
  hardware: HardwareArgs;
  /** Where a replica is placed, if you have computed it: `placementOf(hardware)`. Default: computed here. */
  placement?: Placement;
  /** Model: its name on Hugging Face, which is also the name that clients ask for. */
  model: string;
  /** Engine, image, arguments and port of the model servers. Default: the default engine at the version it was tried with. */
  server?: ServerArgs;
  /** What is set of the endpoint picker. Default: as GKE's own chart of the extension deploys it. */
  picker?: PickerSettings;
  /** How pod templates were rendered when the pool was made: pods keep it. Default: newestRendering. */
  rendering?: number;
  /** Where the model's files come from. Default: Hugging Face. */
  weights?: Weights;
  /** Token for gated models. Default: none. */
  token?: TokenSecret;
  /** Replicas follow the load, up to `max`. Default: they do not. */
  autoscaling?: Autoscaling;
  /**
   * Somebody else sets the number of replicas, up to `max`: `replicas` is only what a new pool begins with. Nodes are made
   * for `fullReplicas`, with room for `max`. Default: nobody does.
   */
  scaledOutside?: { max: number };
  /** Replicas that this update restarts, one at a time: it waits as long for each. Default: none. */
  restarts?: number;
  /** Pods created outside this stack, run here instead of `model` and `server`. Default: none. */
  copied?: CopiedPods;
  /** LoRA adapters that the model servers load. Default: they load none, and cannot. */
  adapters?: AdapterList;
  /** How the model names that clients ask for are rewritten here. Default: not at all. */
  names?: readonly NameRule[];
  /** Hooks that run before names are rewritten in another way. Default: none. */
  nameHooks?: pulumi.ResourceHookBinding;
  /** Priorities of requests. Default: none. */
  objectives?: readonly Objective[];
  /** Other pools of this namespace to which the objectives may belong until this update. Default: none. */
  objectivesOf?: readonly string[];
  /** Written to the InferencePool as an annotation, see {@link InferencePool}. Default: none. */
  identity?: Readonly<Record<string, string>>;
  /** Where the pool's nodes are made. Default: nodes are made outside this stack. */
  nodes?: NodeLocation;
  /** Kinds that the cluster knows. Default: those of a GKE cluster. */
  served?: ClusterKinds;
  /** What the load balancer does with requests. Default: answers may take an hour, and requests are logged. */
  backend?: PoolTraffic;
  /**
   * Waits until the model servers are ready, and rejects if they cannot become so. Default: Pulumi's provider waits;
   * with `adapters` it does not, so what follows the pool then comes too early.
   */
  loaded?: () => Promise<void>;
  /** Hooks that run before anything is deleted that clients may be connected to. Default: none. */
  beforeDelete?: pulumi.ResourceHook[];
  /**
   * Whether it may have rights in the whole cluster, with which the picker and its metrics' readers are checked.
   * Default: true. Without them somebody else gives them, or nobody reads the picker's metrics.
   */
  clusterScoped?: boolean;
}

/** Long answers take minutes, and the load balancer's own limit is 30 s. Source: accelerated-platforms. */
const defaultBackend: PoolTraffic = { timeoutSeconds: 3600, logging: true };

/**
 * Everything of one pool: nodes, model servers, picker, InferencePool, objectives. It is the same thing whether
 * the pool is the stable one or the candidate, so that promotion touches nothing here.
 *
 * The order is that of the graph: picker and load balancer's policies before model servers, so that on removal (the
 * reverse) the servers finish their streams through a picker that is still there, and the nodes go last.
 */
export class ServingPool extends pulumi.ComponentResource {
  /** What a route waits for before it names this pool. */
  readonly ready: pulumi.Input<pulumi.Resource>[];

  constructor(name: string, args: ServingPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ServingPool", name, {}, opts);
    // On nodes created outside this stack the driver is only a label, which they may lack.
    const fallback = args.nodes === undefined ? ({ driver: "default" } as const) : {};
    const hardware = hardwareOf(
      args.hardware.driver === undefined ? { ...args.hardware, ...fallback } : args.hardware,
    );
    const placement = args.placement ?? placementOf(hardware);
    if (isMisfit(placement)) throw new pulumi.ResourceError(placement.reason, this);
    const { service, pool, namespace, objectives = [], names = [] } = args;
    const server = runningServer(args.server ?? {}, placement.accelerator.family);
    const wrong = argumentErrors(args, placement, server);
    if (wrong.length > 0) throw new pulumi.ResourceError(`pool ${pool}: ${wrong.join("; ")}`, this);
    const child = { parent: this };
    const common = {
      ...{ service, pool, namespace },
      ...(args.beforeDelete === undefined ? {} : { beforeDelete: args.beforeDelete }),
      ...(args.clusterScoped === undefined ? {} : { clusterScoped: args.clusterScoped }),
    };
    // Copied pods leave as they were made to, whatever the stack's servers do.
    const drain =
      args.copied !== undefined || server.drainSeconds === undefined
        ? {}
        : { drainSeconds: server.drainSeconds };
    const nodes = optional(args.nodes, (location) => {
      const size = nodesFrom(args, placement);
      return new AcceleratorNodePool(
        name,
        { ...location, service, pool, placement, hardware, ...size },
        child,
      );
    });
    const picker = new EndpointPicker(
      name,
      {
        ...{ ...common, ...drain, engine: server.engine, evictable: args.nodes === undefined },
        ...(args.picker === undefined ? {} : { settings: args.picker }),
      },
      child,
    );
    const inferencePool = new InferencePool(
      name,
      {
        ...{ ...common, targetPort: server.port, picker: picker.serviceName },
        ...(args.identity === undefined ? {} : { identity: args.identity }),
      },
      child,
    );
    const policies = this.loadBalancer(name, { ...args, ...drain }, server, {
      ...child,
      dependsOn: inferencePool,
    });
    const moved = args.objectivesOf === undefined ? {} : { madeAs: args.objectivesOf };
    const bound = new Objectives(name, { ...common, objectives, ...moved }, child);
    const access = optional(bucketOf(args.weights), (bucket) => {
      // A pod has one account: the adapters' loader needs one in any case.
      const account = args.adapters === undefined ? {} : { account: adapterListName(pool) };
      const project = args.nodes?.project === undefined ? {} : { project: args.nodes.project };
      const streams = args.weights?.from === "gcs" && args.weights.loader === "stream";
      return new ModelAccess(
        name,
        { service, pool, namespace, bucket, streams, ...account, ...project },
        child,
      );
    });
    const loader = optional(args.adapters, (list) => {
      const { loader } = adaptersOf(server.engine);
      return new AdapterLoader(name, { ...common, list, loader }, child);
    });
    // Copied pods have their own arguments.
    const secrets =
      args.copied === undefined && hasSecrets(server)
        ? [new ServerSecrets(name, { service, pool, namespace, server }, child)]
        : [];
    const modelServer = new ModelServer(
      name,
      {
        ...common,
        ...copyArgs(service, { name: pool, hardware }, placement, args.nodes !== undefined),
        replicas: args.replicas,
        model: args.model,
        server,
        weights: args.weights ?? { from: "hugging-face" },
        adapters: args.adapters !== undefined,
        ...(args.rendering === undefined ? {} : { rendering: args.rendering }),
        ...(args.autoscaling === undefined ? {} : { autoscaling: args.autoscaling }),
        ...(args.scaledOutside === undefined ? {} : { scaledOutside: true }),
        ...(args.restarts === undefined ? {} : { restarts: args.restarts }),
        ...(args.copied === undefined ? {} : { copied: args.copied }),
        ...(args.token === undefined ? {} : { token: args.token }),
      },
      {
        ...child,
        // Whatever a stream passes, or is drained by, is there before the servers, and goes after them.
        dependsOn: [...nodes, ...access, picker, inferencePool, bound, ...policies, ...secrets, ...loader],
      },
    );
    const loaded = waited(modelServer, args.loaded);
    // Names are rewritten only to what is loaded.
    const rewritten = new ModelNames(
      name,
      { ...common, rules: names, ...(args.nameHooks === undefined ? {} : { hooks: args.nameHooks }) },
      { ...child, dependsOn: [loaded, inferencePool, ...loader] },
    );
    this.ready = [loaded, inferencePool, picker, bound, rewritten, ...policies];
    this.registerOutputs();
  }

  /** What GKE's load balancer and its metrics need to know of the pool, where the cluster knows such objects. */
  private loadBalancer(
    name: string,
    {
      service,
      pool,
      namespace,
      served = {},
      backend = defaultBackend,
      copied,
      clusterScoped,
      drainSeconds,
    }: ServingPoolArgs & { drainSeconds?: number },
    { port, engine }: RunningServer,
    opts: pulumi.ComponentResourceOptions,
  ): PoolPolicies[] {
    const common = { service, pool, namespace };
    const { timeoutSeconds, logging, cloudArmor } = backend;
    const { loadBalancer: healthCheck } = engine.probes;
    const settings = {
      ...{ timeoutSeconds, logging },
      ...(cloudArmor === undefined ? {} : { cloudArmor }),
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(drainSeconds === undefined ? {} : { drainSeconds }),
    };
    const policies =
      (served.gatewayPolicies ?? true)
        ? [new PoolPolicies(name, { ...common, port, healthPath: engine.healthPath, ...settings }, opts)]
        : [];
    if (served.podMonitoring ?? true) {
      // A copied pod's port may have no name.
      const { collectorNamespace } = served;
      new PoolMonitoring(
        name,
        {
          ...common,
          ...(copied === undefined ? {} : { port }),
          ...(clusterScoped === undefined ? {} : { clusterScoped }),
          ...(collectorNamespace === undefined ? {} : { collectorNamespace }),
        },
        { parent: this },
      );
    }
    return policies;
  }
}

/** Replicas that nodes are made for. They do not follow a number that somebody else changes at any time. */
function nodesFrom(
  { replicas, fullReplicas = replicas, autoscaling, scaledOutside }: ServingPoolArgs,
  { hosts }: Placement,
): { replicas: number; maxReplicas: number } {
  if (scaledOutside === undefined) {
    return { replicas, maxReplicas: Math.max(replicas, fullReplicas, autoscaling?.max ?? 0) };
  }
  // A slice of several nodes exists as a whole or not at all.
  const most = hosts > 1 ? fullReplicas : Math.max(fullReplicas, scaledOutside.max);
  return { replicas: fullReplicas, maxReplicas: most };
}

/** What the engine or the hardware cannot do, before anything is made: all of it at once. */
function argumentErrors(args: ServingPoolArgs, placement: Placement, running: RunningServer): string[] {
  const { weights, adapters, autoscaling, copied, server: given = {} } = args;
  const {
    accelerator: { family },
    hosts,
  } = placement;
  const { engine } = running;
  const checks: [boolean, string][] = [
    [
      adapters !== undefined && !engine.adapters.supported,
      `adapters: ${engine.title} is not set up to load any`,
    ],
    [copied !== undefined && hosts > 1, `copied: one pod does not run on ${hosts} nodes`],
  ];
  // Copied pods are started as they were: their engine's arguments are not set here.
  const ownChecks: [boolean, string][] = [
    [
      family === "tpu" && engine.images.tpu === undefined && given.image === undefined,
      `server: ${engine.title} has no image for TPUs`,
    ],
    [
      hosts > 1 && engine.overNodes === undefined,
      `server: ${engine.title} is not set up for replicas of several nodes`,
    ],
    [
      weights?.from === "gcs" &&
        weights.loader === "stream" &&
        (engine.stream === undefined || family !== "gpu"),
      `weights: ${engine.title} does not stream them on ${accelerators[family]}`,
    ],
    [
      autoscaling !== undefined && (engine.metrics === undefined || hosts > 1),
      `autoscaling: no metric of ${engine.title} is known for it, or a replica takes several nodes`,
    ],
    ...settingErrors(args, placement, running).map((text): [boolean, string] => [true, text]),
  ];
  return [...checks, ...(copied === undefined ? ownChecks : [])]
    .filter(([wrong]) => wrong)
    .map(([, text]) => text);
}

/** Settings of the pods that touch what the rollout owns. */
function settingErrors(
  { weights, adapters, token }: ServingPoolArgs,
  { accelerator: { family }, hosts }: Placement,
  { engine, port, env = {}, podPatch = {} }: RunningServer,
): string[] {
  const context = {
    ...{ engine, port, family, hosts, adapters: adapters !== undefined },
    ...{ readsBucket: weights?.from === "gcs", token: token !== undefined },
  };
  return [
    ...Object.keys(env).flatMap((name) => {
      const reason = ownedVariable(name, context);
      return reason === undefined ? [] : [`server.env.${name}: ${reason}`];
    }),
    ...patchProblems({ ...podPatch }).map(
      ({ path, expected }) => `server.podPatch.${path.join(".")}: expected ${expected}`,
    ),
    ...ownedFields(podPatch, context).map(
      ({ path, reason }) => `server.podPatch.${path.join(".")}: ${reason}`,
    ),
  ];
}

const accelerators = { gpu: "GPUs", tpu: "TPUs" } as const;

function optional<T, R>(value: T | undefined, make: (value: T) => R): R[] {
  return value === undefined ? [] : [make(value)];
}

const bucketOf = (weights: Weights | undefined): string | undefined =>
  weights?.from === "gcs" ? weights.bucket : undefined;

/** The servers once they are waited for. Previews wait for nothing. */
function waited(server: ModelServer, wait: (() => Promise<void>) | undefined): pulumi.Input<pulumi.Resource> {
  if (wait === undefined || pulumi.runtime.isDryRun()) return server;
  return server.resource.metadata.apply(async () => {
    await wait();
    return server;
  });
}
