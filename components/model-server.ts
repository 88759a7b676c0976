import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { annotations, podSelector, poolLabels } from "../stacks/names";
import type { Placement } from "./accelerators/placement";
import { deletionHooks } from "./deletion-hooks";
import { adaptTemplate, type PodTemplate } from "./pod-template";
import { serverTemplate, type ServerTemplateArgs } from "./server-template";

export interface ModelServerArgs extends ServerTemplateArgs {
  namespace: string;
  replicas: number;
  placement: Placement;
  /** Pod template of a pool that somebody else made, to be run on other hardware; absent: our own. */
  template?: PodTemplate;
  /** Asked before the model servers are deleted. */
  beforeDelete?: pulumi.ResourceHook[];
}

/**
 * The model servers of one pool. Ready means here that a pod has loaded its model and answers, so that whatever
 * depends on this component comes after that.
 */
export class ModelServer extends pulumi.ComponentResource {
  readonly resource: k8s.apps.v1.Deployment;

  constructor(name: string, args: ModelServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ModelServer", name, {}, opts);
    const labels = poolLabels(args.service, args.pool);
    const selector = podSelector(args.pool);
    const template = args.template === undefined ? serverTemplate(args) : adaptTemplate(args.template, args);
    this.resource = new k8s.apps.v1.Deployment(
      name,
      {
        metadata: {
          name: args.pool,
          namespace: args.namespace,
          labels,
          ...notes(args),
        },
        spec: {
          replicas: args.replicas,
          // No machine is free for a pod more: an update in place goes one pod at a time.
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
          progressDeadlineSeconds: loadingMinutes * 60,
          selector: { matchLabels: selector },
          template: {
            metadata: {
              ...template.metadata,
              labels: { ...template.metadata?.labels, ...labels, ...selector },
            },
            spec: template.spec,
          },
        },
      },
      {
        parent: this,
        // Pulling an image and loading weights onto machines that are still being made takes this long at the most.
        customTimeouts: { create: `${loadingMinutes}m`, update: `${loadingMinutes}m`, delete: "15m" },
        ...deletionHooks(args.beforeDelete),
      },
    );
    this.registerOutputs();
  }
}

/** How long it takes at the most until a model server answers. */
export const loadingMinutes = 45;

function notes({ template, adapters }: ModelServerArgs): { annotations?: Record<string, string> } {
  const found: Record<string, string> = {
    // What was taken over is kept beside the copy: its owner may change or remove the original.
    ...(template === undefined ? {} : { [annotations.template]: JSON.stringify(template) }),
    // Pods with adapters are waited for by the program itself (live/servers.ts): the provider would wait to the end
    // for an adapter that a server has long refused, and then not say what the server said.
    ...(adapters ? { "pulumi.com/skipAwait": "true" } : {}),
  };
  return Object.keys(found).length === 0 ? {} : { annotations: found };
}
