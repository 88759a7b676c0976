import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, poolLabels } from "../names";

export interface ObjectivesArgs {
  service: string;
  pool: string;
  /** The pool's namespace: names of objectives are unique there, and each binds to one pool. */
  namespace: string;
  objectives: readonly { name: string; priority: number }[];
}

/** The service's InferenceObjectives, bound to one pool. Both pools of a rollout have the same ones. */
export class Objectives extends pulumi.ComponentResource {
  constructor(name: string, args: ObjectivesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:Objectives", name, {}, opts);
    for (const objective of args.objectives) {
      new k8s.apiextensions.CustomResource(
        `${name}-${objective.name}`,
        {
          apiVersion: `${apis.extension}/v1alpha2`,
          kind: "InferenceObjective",
          metadata: {
            name: objective.name,
            namespace: args.namespace,
            labels: poolLabels(args.service, args.pool),
          },
          spec: {
            priority: objective.priority,
            poolRef: { group: apis.pool, kind: "InferencePool", name: args.pool },
          },
        },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}
