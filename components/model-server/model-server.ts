import { deletionHooks } from "../pool/endpoint-picker";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { defaultEngine, newestRendering } from "../engines/catalogue";
import { annotations, podSelector, poolLabels } from "../names";
import type { Placement } from "../accelerators/placement";
import { adaptPods, type CopiedPods, type CopyArgs } from "./copied/adapt";
import { drainingOf, type PodTemplate } from "./pod-template";
import { type Autoscaling, ServerAutoscaler } from "./server-autoscaler";
import {
  groupApi,
  groupNameLabel,
  groupTemplates,
  serverTemplate,
  type ServerTemplateArgs,
} from "./server-template";

export interface ModelServerArgs extends ServerTemplateArgs, Pick<CopyArgs, "nodes"> {
  /** Namespace of the InferencePool, where the model servers run. */
  namespace: string;
  /** Replicas; with `autoscaling`, the fewest. */
  replicas: number;
  /** Nodes that a replica is placed on. */
  placement: Placement;
  /** Pods created outside this stack, to be run on these nodes instead of `server`. Default: none. */
  copied?: CopiedPods;
  /** Replicas follow the load above `replicas`. Default: they do not. */
  autoscaling?: Autoscaling;
  /** Somebody else sets the number of replicas once the pool is made. Default: they do not. */
  scaledOutside?: boolean;
  /** Replicas that this update restarts, one at a time. Default: none. */
  restarts?: number;
  /** Hooks that run before the model servers are deleted. Default: none. */
  beforeDelete?: pulumi.ResourceHook[];
}

/**
 * The model servers of one pool. Ready means here that a pod has loaded its model and answers, so that whatever
 * depends on this component comes after that. A replica is a pod; where it needs several nodes, a group of pods
 * whose leader answers.
 */
export class ModelServer extends pulumi.ComponentResource {
  /** What the provider waits for. */
  readonly resource: k8s.apps.v1.Deployment | k8s.apiextensions.CustomResource;

  constructor(name: string, args: ModelServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ModelServer", name, {}, opts);
    const grouped = args.placement.hosts > 1;
    this.resource = grouped ? this.group(name, args) : this.deployment(name, args);
    new k8s.policy.v1.PodDisruptionBudget(
      name,
      {
        metadata: this.metadata(args),
        // Drains of nodes take one at a time, and wait until another one is ready.
        spec: {
          maxUnavailable: 1,
          selector: { matchLabels: grouped ? { [groupNameLabel]: args.pool } : podSelector(args.pool) },
        },
      },
      { parent: this },
    );
    // Copied pods of an engine without metrics: the autoscaler finds no value, and keeps the number of replicas.
    const metrics = args.server.engine.metrics ?? defaultEngine.metrics;
    if (args.autoscaling !== undefined && metrics !== undefined && !grouped) {
      const { replicas, autoscaling } = args;
      new ServerAutoscaler(
        name,
        { ...this.metadata(args), replicas, autoscaling, metrics },
        { parent: this },
      );
    }
    this.registerOutputs();
  }

  private metadata({ service, pool, namespace }: ModelServerArgs): {
    name: string;
    namespace: string;
    labels: Record<string, string>;
  } {
    return { name: pool, namespace, labels: poolLabels(service, pool) };
  }

  private deployment(name: string, args: ModelServerArgs): k8s.apps.v1.Deployment {
    const selector = podSelector(args.pool);
    const template = args.copied === undefined ? serverTemplate(args) : adaptPods(args.copied, args).template;
    return new k8s.apps.v1.Deployment(
      name,
      {
        metadata: {
          ...this.metadata(args),
          ...notes(args),
        },
        spec: {
          replicas: args.replicas,
          // No node is free for one more pod: an update in place goes one pod at a time.
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
          // The load balancer attaches a pod some seconds after it is ready, and only then may the next one leave. A
          // Deployment that exists keeps what it has: any change has the provider wait for all of its pods, also those of
          // a candidate that is broken, in the very update that goes back from it.
          ...(args.copied === undefined && (args.rendering ?? newestRendering) >= 4
            ? { minReadySeconds: attachSeconds }
            : {}),
          progressDeadlineSeconds: args.server.loadingMinutes * 60,
          selector: { matchLabels: selector },
          template: hidden(args, labelled(template, { ...poolLabels(args.service, args.pool), ...selector })),
        },
      },
      {
        ...this.options(args),
        ...ownReplicas(args),
      },
    );
  }

  private group(name: string, args: ModelServerArgs): k8s.apiextensions.CustomResource {
    if (args.copied !== undefined) {
      throw new pulumi.ResourceError(
        `pool ${args.pool} copies a pod template, and a single pod cannot run on ${args.placement.hosts} nodes`,
        this,
      );
    }
    const { leader, worker } = groupTemplates(args);
    const labels = poolLabels(args.service, args.pool);
    const count = String(args.replicas);
    return new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: `${groupApi.group}/${groupApi.version}`,
        kind: groupApi.kind,
        metadata: {
          ...this.metadata(args),
          annotations: {
            ...forced,
            // A group runs on the nodes of one slice, and a slice is a node pool.
            "leaderworkerset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool",
            "pulumi.com/waitFor": JSON.stringify([
              "condition=Available",
              ...(args.scaledOutside === true
                ? []
                : [
                    `jsonpath={.status.updatedReplicas}=${count}`,
                    `jsonpath={.status.readyReplicas}=${count}`,
                  ]),
            ]),
          },
        },
        spec: {
          replicas: args.replicas,
          rolloutStrategy: {
            type: "RollingUpdate",
            rollingUpdateConfiguration: { maxUnavailable: 1, maxSurge: 0 },
          },
          startupPolicy: "LeaderCreated",
          leaderWorkerTemplate: {
            size: args.placement.hosts,
            // A group without one of its pods cannot answer: it begins again as a whole.
            restartPolicy: "RecreateGroupOnPodRestart",
            // The InferencePool selects by this label: leaders have it, workers do not.
            leaderTemplate: hidden(args, labelled(leader, { ...labels, ...podSelector(args.pool) })),
            workerTemplate: hidden(args, labelled(worker, labels)),
          },
        },
      },
      { ...this.options(args), ...ownReplicas({ scaledOutside: args.scaledOutside ?? false }) },
    );
  }

  private options(args: ModelServerArgs): pulumi.CustomResourceOptions {
    const { loadingMinutes } = args.server;
    return {
      parent: this,
      customTimeouts: {
        create: `${loadingMinutes}m`,
        // New replicas load at the same time, those that restart one after the other.
        update: `${loadingMinutes * Math.max(1, args.restarts ?? 1)}m`,
        // Pods leave at the same time; what their nodes take beside it is not known.
        delete: `${13 + Math.floor(drainingOf(args.server).graceSeconds / 60)}m`,
      },
      ...deletionHooks(args.beforeDelete),
    };
  }
}

/** What GKE's load balancer takes to add an endpoint and to check its health; measured nowhere, so with a margin. */
const attachSeconds = 30;

/** An autoscaler owns the number from then on: the provider then keeps what is live, whatever the state says. */
const ownReplicas = ({
  autoscaling,
  scaledOutside = false,
}: Pick<ModelServerArgs, "autoscaling" | "scaledOutside">): Pick<
  pulumi.CustomResourceOptions,
  "ignoreChanges"
> => (autoscaling === undefined && !scaledOutside ? {} : { ignoreChanges: ["spec.replicas"] });

/**
 * Whoever scaled or edited the servers by hand owns those fields too, and the update that restores them would conflict.
 * These fields belong to this program; the number of an autoscaler is excluded by ignoreChanges.
 */
const forced = { "pulumi.com/patchForce": "true" };

/**
 * The provider waits for nothing but the object: the condition is true at once. Not skipAwait, with which it does not
 * wait for the deletion of a Deployment either, while the pods still finish their streams.
 */
export const madeAtOnce = { "pulumi.com/waitFor": "jsonpath={.metadata.uid}" };

/** What a patch with a secret made of a template is a secret as a whole: nobody knows which of its values is the one. */
const hidden = (
  { server, copied }: Pick<ModelServerArgs, "server" | "copied">,
  template: PodTemplate,
): pulumi.Input<PodTemplate> =>
  copied === undefined && server.patchIsSecret === true ? pulumi.secret(template) : template;

function labelled(template: PodTemplate, labels: Record<string, string>): PodTemplate {
  return {
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    spec: template.spec,
  };
}

function notes({ copied, adapters }: ModelServerArgs): { annotations: Record<string, string> } {
  const annotated: Record<string, string> = {
    ...forced,
    // What was taken over is kept beside the copy: its owner may change or remove the original.
    ...(copied === undefined ? {} : { [annotations.template]: JSON.stringify(copied.template) }),
    ...(copied === undefined || (copied.selector === undefined && copied.overrides === undefined)
      ? {}
      : {
          [annotations.copied]: JSON.stringify({
            from: copied.from,
            selector: copied.selector,
            ...(copied.overrides === undefined ? {} : { overrides: copied.overrides }),
          }),
        }),
    // Whoever makes a pool with adapters waits for its pods itself (ServingPoolArgs.loaded): the provider would wait to the end
    // for an adapter that a server has long refused, and then not say what the server said.
    ...(adapters ? madeAtOnce : {}),
  };
  return { annotations: annotated };
}
