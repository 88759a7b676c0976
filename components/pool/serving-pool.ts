import type { GatewayConfig } from "../gateways/gateway";
import type { PoolIdentity, OwnedPool } from "../../stacks/plan/model";
import * as pulumi from "@pulumi/pulumi";
import type { Served } from "../../stacks/state/served";
import { secretsRevision } from "../../stacks/plan/secret-args";
import { adapterListName } from "../names";
import { AcceleratorNodePool } from "../cluster/accelerator-node-pool";
import { isMisfit, placementOf } from "../accelerators/placement";
import { type AdapterList, AdapterLoader } from "../adapters/adapter-loader";
import { EndpointPicker } from "./endpoint-picker";
import { InferencePool } from "./inference-pool";
import { ModelAccess } from "../model-server/model-access";
import { type NameRule, ModelNames } from "../adapters/model-names";
import { ModelServer } from "../model-server/model-server";
import { Objectives } from "./objectives";
import { copyArgs, type CopiedPods } from "../model-server/copied/adapt";
import { PoolMonitoring } from "./pool-monitoring";
import { PoolPolicies } from "./pool-policies";
import { ServerSecrets } from "../model-server/server-secrets";
import type { TokenSecret } from "../model-server/server-template";

/** Where GKE makes nodes; absent where the cluster's nodes are somebody else's business. */
export interface NodeLocation {
  cluster: pulumi.Input<string>;
  location: pulumi.Input<string>;
  project?: pulumi.Input<string>;
  serviceAccount?: pulumi.Input<string>;
}

export interface ServingPoolArgs {
  service: string;
  pool: OwnedPool;
  namespace: string;
  replicas: number;
  identity: PoolIdentity;
  objectives: readonly { name: string; priority: number }[];
  /** How the model names that clients ask for are rewritten here. */
  names: readonly NameRule[];
  /** Asked before they are rewritten otherwise. */
  nameHooks?: pulumi.ResourceHookBinding;
  /** What the model servers load; absent: no adapters. */
  adapters?: AdapterList;
  /** Waits until the model servers are ready; absent where nothing has to wait for them. */
  loaded?: () => Promise<void>;
  nodes?: NodeLocation;
  /** What the cluster serves beyond Kubernetes: nothing is asked of it that it does not know. */
  served: Served;
  /** What the load balancer is told of every pool. */
  gateway: Pick<GatewayConfig, "timeoutSeconds" | "logging" | "cloudArmor">;
  /** Pods of a pool that was created outside this stack, to be run here. */
  copied?: CopiedPods;
  token?: TokenSecret;
  /** Asked before anything is deleted that customers may be connected to. */
  beforeDelete?: pulumi.ResourceHook[];
}

/**
 * Everything of one pool: machines, model servers, picker, InferencePool, objectives. It is the same thing whether
 * the pool is the stable one or the candidate, so that promotion touches nothing here.
 *
 * The order is that of the graph: picker before model servers, so that on removal (the reverse) the servers finish
 * their streams through a picker that is still there, and the machines go last.
 */
export class ServingPool extends pulumi.ComponentResource {
  /** What a route waits for before it names this pool. */
  readonly ready: pulumi.Input<pulumi.Resource>[];

  constructor(name: string, args: ServingPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ServingPool", name, {}, opts);
    const { pool, namespace, service } = args;
    const placement = placementOf(pool.hardware);
    if (isMisfit(placement)) throw new pulumi.ResourceError(placement.reason, this);
    const child = { parent: this };
    const nodes =
      args.nodes === undefined
        ? []
        : [
            new AcceleratorNodePool(
              name,
              {
                ...args.nodes,
                service,
                pool: pool.name,
                placement,
                hardware: pool.hardware,
                replicas: args.replicas,
                // Room for the full size from the beginning: to grow is then only a matter of replicas.
                maxReplicas: Math.max(args.replicas, pool.replicas, pool.autoscaling?.max ?? 0),
              },
              child,
            ),
          ];
    const common = {
      service,
      pool: pool.name,
      namespace,
      ...(args.beforeDelete === undefined ? {} : { beforeDelete: args.beforeDelete }),
    };
    const picker = new EndpointPicker(name, { ...common, engine: pool.server.engine }, child);
    const inferencePool = new InferencePool(
      name,
      { ...common, targetPort: pool.server.port, picker: picker.serviceName, identity: args.identity },
      child,
    );
    const policies = args.served.gatewayPolicies
      ? [
          new PoolPolicies(
            name,
            {
              ...common,
              port: pool.server.port,
              timeoutSeconds: args.gateway.timeoutSeconds,
              logging: args.gateway.logging,
              ...(args.gateway.cloudArmor === undefined ? {} : { cloudArmor: args.gateway.cloudArmor }),
            },
            { ...child, dependsOn: inferencePool },
          ),
        ]
      : [];
    if (args.served.podMonitoring) {
      // A copied pod's port may have no name.
      const port = args.copied === undefined ? {} : { port: pool.server.port };
      new PoolMonitoring(name, { ...common, ...port }, child);
    }
    const objectives = new Objectives(name, { ...common, objectives: args.objectives }, child);
    const access =
      pool.weights.from === "gcs"
        ? [
            new ModelAccess(
              name,
              {
                service,
                pool: pool.name,
                namespace,
                bucket: pool.weights.bucket,
                // A pod has one account: the adapters' loader needs one in any case.
                ...(args.adapters === undefined ? {} : { account: adapterListName(pool.name) }),
                ...(args.nodes?.project === undefined ? {} : { project: args.nodes.project }),
              },
              child,
            ),
          ]
        : [];
    const loader =
      args.adapters === undefined ? [] : [new AdapterLoader(name, { ...common, list: args.adapters }, child)];
    const { secretArgs } = pool.server;
    // A pod template that was taken over has its own arguments.
    const secrets =
      secretArgs === undefined || args.copied !== undefined
        ? []
        : [new ServerSecrets(name, { service, pool: pool.name, namespace, server: pool.server }, child)];
    const revision = secrets.length === 0 ? undefined : secretsRevision(args.identity);
    const server = new ModelServer(
      name,
      {
        ...common,
        ...copyArgs(service, pool, placement, args.nodes !== undefined),
        replicas: args.replicas,
        model: pool.model,
        server: pool.server,
        weights: pool.weights,
        adapters: args.adapters !== undefined,
        ...(revision === undefined ? {} : { secretsRevision: revision }),
        ...(pool.autoscaling === undefined ? {} : { autoscaling: pool.autoscaling }),
        ...(args.copied === undefined ? {} : { copied: args.copied }),
        ...(args.token === undefined ? {} : { token: args.token }),
      },
      {
        ...child,
        dependsOn: [...nodes, ...access, picker, inferencePool, objectives, ...secrets, ...loader],
      },
    );
    const loaded = waited(server, args.loaded);
    // Names are rewritten only to what is loaded.
    const names = new ModelNames(
      name,
      { ...common, rules: args.names, ...(args.nameHooks === undefined ? {} : { hooks: args.nameHooks }) },
      { ...child, dependsOn: [loaded, inferencePool, ...loader] },
    );
    this.ready = [loaded, inferencePool, picker, objectives, names, ...policies];
    this.registerOutputs();
  }
}

/** The servers once they are waited for. Previews wait for nothing. */
function waited(server: ModelServer, wait: (() => Promise<void>) | undefined): pulumi.Input<pulumi.Resource> {
  if (wait === undefined || pulumi.runtime.isDryRun()) return server;
  return server.resource.metadata.apply(async () => {
    await wait();
    return server;
  });
}
