import { PoolNamespace } from "../components/pool/inference-pool";
import type { ServiceConfig } from "./plan/service-config";
import type { Plan, PlannedPool, ApprovedPlan } from "./plan/model";
import { adapterListFor } from "./plan/adapter-versions";
import { rulesFor } from "./plan/client-names";
import { ClosedPaths } from "../components/route/closed-paths";
import { InferenceRoute, PreviewRoute, type GatewayRef } from "../components/route/inference-route";
import { RolloutPlan } from "../components/route/rollout-plan";
import { ServingPool, type ServingPoolArgs } from "../components/pool/serving-pool";
import { MoveGuard } from "../components/route/move-guard";
import { ShapeGuard } from "../components/route/shape-guard";
import { TrafficGuard } from "../components/route/traffic-guard";
import { hasSecrets } from "../components/model-server/server-secrets";
import type { CopiedPods } from "../components/model-server/copied/adapt";
import type { ServiceHooks } from "./gates/hooks";
import type { Served } from "./state/served";
import { labels, tokenSecretName } from "../components/names";
import { secretsRevision } from "./plan/secret-args";
import type { Platform } from "./platform";
import { routeAnnotations } from "./state/route-annotations";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

export interface ServiceOptions {
  platform: Platform;
  /** Label value of this stack. */
  stack: string;
  /** What the cluster serves beyond Kubernetes. */
  served: Served;
  hooks: (handles: ServiceHandles) => ServiceHooks;
  /** Pods of pools that were created outside this stack, by the pool that copies them. */
  copies: Readonly<Record<string, CopiedPods>>;
  huggingFaceToken?: pulumi.Output<string>;
}

/** What hooks need of the resources around the route. */
export interface ServiceHandles {
  previewSecret?: pulumi.Output<string>;
}

export interface Service {
  route: InferenceRoute;
  previewSecret?: pulumi.Output<string>;
}

/** Renders the plan of one service. Every decision is the plan's; here is only what depends on what. */
export function buildService(config: ServiceConfig, plan: ApprovedPlan, options: ServiceOptions): Service {
  const { provider, ready, gateway } = options.platform;
  const gatewayRef: GatewayRef = { name: gateway.name, namespace: gateway.namespace };
  const hostnames = gateway.hostname === undefined ? {} : { hostnames: [gateway.hostname] };
  const opts = { provider, dependsOn: ready };

  new RolloutPlan(config.service, plan.move);
  const { shape } = plan;
  const { service, namespace, route: routeName } = config;
  const { namespaces: routesIn, grpc, parts } = plan.guarded;
  const guards =
    config.clusterScoped === false
      ? []
      : [
          new TrafficGuard(service, { service, namespace, route: routeName, routesIn, grpc, parts }, opts),
          new MoveGuard(service, { service, namespace, route: routeName }, opts),
          ...(shape === undefined
            ? []
            : [new ShapeGuard(service, { service, namespace, route: routeName }, opts)]),
        ];
  const preview = plan.candidate === undefined ? undefined : previewSecretOf(config.service);
  const handles: ServiceHandles = preview === undefined ? {} : { previewSecret: preview };
  const hooks = options.hooks(handles);
  const around: Around = { hooks, guard: guards, namespaces: new Map() };
  const build = (
    planned: readonly PlannedPool[],
    after: readonly pulumi.Input<pulumi.Resource>[],
  ): pulumi.Input<pulumi.Resource>[] =>
    planned.flatMap((pool) => buildPool(config, plan, pool, around, options, after).ready);
  const buildPreview = (after: readonly pulumi.Input<pulumi.Resource>[]): pulumi.Resource[] =>
    plan.candidate === undefined || preview === undefined
      ? []
      : [
          new PreviewRoute(
            config.service,
            {
              service: config.service,
              namespace: config.namespace,
              gateway: gatewayRef,
              ...hostnames,
              pool: plan.candidate,
              ...(shape === undefined ? {} : { besides: shape.matches, beside: shape.attachment }),
              // Named whatever the gate asks: at weight 100 no other route names it, and GKE's load balancer drops the
              // backends of a pool that no route names. Going back would begin without them.
              stable: plan.stable,
              secret: preview,
            },
            { provider, dependsOn: [...guards, ...after] },
          ),
        ];

  // Customers must not administer model servers: closed before any server answers.
  const closed = new ClosedPaths(
    config.service,
    {
      ...{ service: config.service, namespace: config.namespace, gateway: gatewayRef, ...hostnames },
      ...(shape === undefined ? {} : { beside: shape.attachment, taken: shape.matches }),
    },
    { provider, dependsOn: [...ready] },
  );
  const first = build(
    plan.pools.filter(({ beforeRoute }) => beforeRoute),
    [],
  );
  const previewFirst = plan.candidateFalls ? [] : buildPreview(first);
  // Nearly everything comes before the route: it moves last, and it is what `pulumi destroy` meets first.
  const route = new InferenceRoute(
    config.service,
    {
      service: config.service,
      route: config.route,
      namespace: config.namespace,
      gateway: gatewayRef,
      ...hostnames,
      backends: plan.backends,
      ...(shape === undefined ? {} : { shape }),
      annotations: routeAnnotations(plan, config.allow.includes("destroy")),
      takeOver: plan.route.takeOver,
      keep: staysWithoutStack(config, plan),
      ...(hooks.route === undefined ? {} : { hooks: hooks.route }),
    },
    { provider, dependsOn: [...ready, ...guards, closed, ...first, ...previewFirst] },
  );
  // A pool that loses traffic comes after it: whatever is wrong with that pool must not delay the rollback.
  const last = build(
    plan.pools.filter(({ beforeRoute }) => !beforeRoute),
    [route.resource],
  );
  if (plan.candidateFalls) buildPreview(last);
  return { route, ...handles };
}

/**
 * Whether the customers' route stays when this stack goes: one that was there before it, unless its deletion was
 * allowed too, and every one while the stack leaves (see rules/release-rules.ts).
 */
function staysWithoutStack({ allow }: ServiceConfig, { route }: Plan): boolean {
  return allow.includes("release") || (route.isTakenOver === true && !allow.includes("destroy"));
}

/** What the pools of one update share. */
interface Around {
  hooks: ServiceHooks;
  /** The cluster's own guard: it comes before the pools and goes after them. None: another stack has it, or nobody. */
  guard: readonly pulumi.Resource[];
  /** What makes a namespace, by its name: other pools in it wait for that. */
  namespaces: Map<string, pulumi.Resource>;
}

function buildPool(
  config: ServiceConfig,
  plan: Plan,
  planned: PlannedPool,
  around: Around,
  options: ServiceOptions,
  after: readonly pulumi.Input<pulumi.Resource>[],
): ServingPool {
  const { hooks } = around;
  const { pool, namespace, objectives } = planned;
  const { provider, nodes } = options.platform;
  const ready = [...options.platform.ready, ...around.guard, ...after];
  const opts = { provider, dependsOn: [...ready] };
  const own = plan.namespaces.find((one) => one.name === namespace && one.pool === pool.name);
  if (own !== undefined) {
    const makes = own.maker === pool.name && !options.platform.namespaces.includes(namespace);
    const made = around.namespaces.get(namespace);
    const before = own.create && made !== undefined ? [made] : [];
    const inside = new PoolNamespace(
      pool.name,
      {
        service: config.service,
        pool: pool.name,
        namespace,
        stack: options.stack,
        create: own.create && makes,
        madeAs: own.makers,
        routesFrom: config.namespace,
      },
      { provider, dependsOn: [...ready, ...before] },
    );
    if (makes) around.namespaces.set(namespace, inside);
    opts.dependsOn.push(inside);
  }
  const token = tokenSecret(config.service, planned, options, opts);
  const copied = options.copies[pool.name];
  const adapters = adapterListFor(config, pool);
  const loaded = hooks.loaded?.(planned);
  return new ServingPool(
    pool.name,
    {
      service: config.service,
      namespace,
      ...poolArgs(planned, copied !== undefined),
      objectives: objectives ? config.objectives : [],
      ...(planned.objectivesOf === undefined ? {} : { objectivesOf: planned.objectivesOf }),
      names: rulesFor(config, pool),
      ...(adapters === undefined ? {} : { adapters }),
      ...(hooks.names === undefined ? {} : { nameHooks: hooks.names }),
      ...(loaded === undefined ? {} : { loaded }),
      ...(nodes === undefined ? {} : { nodes }),
      ...(config.clusterScoped === false ? { clusterScoped: false } : {}),
      served: options.served,
      backend: options.platform.gateway,
      ...(copied === undefined ? {} : { copied }),
      ...(token === undefined ? {} : { token }),
      ...(hooks.beforeDelete === undefined ? {} : { beforeDelete: hooks.beforeDelete }),
    },
    opts,
  );
}

/** What the component needs to know of a pool, in its own words. @param copied whether it runs copied pods. */
export function poolArgs(
  {
    pool,
    replicas,
    scaledBy,
    scaledTo,
    restarts,
    identity,
  }: Pick<PlannedPool, "pool" | "replicas" | "scaledBy" | "scaledTo" | "restarts" | "identity">,
  copied = false,
): Omit<ServingPoolArgs, "service" | "namespace"> {
  const { name, server, autoscaling } = pool;
  // Only pods that get the Secret restart when a word in it changes.
  const revision = copied || !hasSecrets(server) ? undefined : secretsRevision(identity);
  return {
    pool: name,
    replicas,
    fullReplicas: pool.replicas,
    hardware: pool.hardware,
    placement: pool.placement,
    model: pool.model,
    server: revision === undefined ? server : { ...server, secretsRevision: revision },
    weights: pool.weights,
    ...(pool.rendering === undefined ? {} : { rendering: pool.rendering }),
    ...(autoscaling === undefined ? {} : { autoscaling }),
    ...(scaledBy === undefined ? {} : { scaledOutside: { max: scaledTo ?? pool.replicas } }),
    ...(restarts === undefined ? {} : { restarts }),
    ...(pool.picker === undefined ? {} : { picker: pool.picker }),
    identity,
  };
}

/** The token for gated models, where the pool has one: a Secret in the pool's own namespace. */
function tokenSecret(
  service: string,
  { pool: { name: pool }, namespace, token }: PlannedPool,
  { huggingFaceToken }: ServiceOptions,
  opts: { provider: k8s.Provider; dependsOn: pulumi.Input<pulumi.Resource>[] },
): { name: string; key: string } | undefined {
  if (token === "none") return undefined;
  const secret = { name: tokenSecretName(pool), key: "token" };
  const kept = token === "kept" || huggingFaceToken === undefined;
  opts.dependsOn.push(
    new k8s.core.v1.Secret(
      secret.name,
      {
        metadata: {
          name: secret.name,
          namespace,
          labels: { [labels.service]: service, [labels.pool]: pool },
        },
        stringData: { [secret.key]: kept ? pulumi.secret("") : huggingFaceToken },
      },
      {
        ...opts,
        dependsOn: [...opts.dependsOn],
        // The token is not in the config any more: the engine repeats what its state has.
        ...(kept ? { ignoreChanges: ["stringData"] } : {}),
      },
    ),
  );
  return secret;
}

function previewSecretOf(service: string): pulumi.Output<string> {
  return new random.RandomPassword(`${service}-preview`, { length: 32, special: false }).result;
}
