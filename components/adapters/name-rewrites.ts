import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, poolLabels, rewriteName, type PoolRef } from "../names";

/*
 * Which model names clients are answered for, and what each pool makes of them. An InferenceModelRewrite's poolRef
 * is singular, so every pool has one of its own; both say the same of adapters, and each names its own base model.
 */

export interface ModelNamesArgs extends PoolRef {
  /** Empty: the pool's servers answer to every name by themselves, and no object is made. */
  rules: readonly NameRule[];
  /** Run before requests are rewritten to something else. Default: none. */
  hooks?: pulumi.ResourceHookBinding;
}

/**
 * What the pool's picker makes of the model names that clients ask for (InferenceModelRewrite): aliases of the base
 * model, and the versions of each adapter by their weights. One object for all names: it changes as a whole.
 *
 * Facts of the picker (extension v1.5.0, requestcontrol/director.go): it draws a target for each request by
 * weight, puts it into the body's `model`, and puts the client's name back into the answer. It watches its own
 * namespace and compares poolRef's name and group.
 */
export class ModelNames extends pulumi.ComponentResource {
  constructor(name: string, args: ModelNamesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ModelNames", name, {}, opts);
    if (args.rules.length > 0) {
      new k8s.apiextensions.CustomResource(
        rewriteName(args.pool),
        {
          apiVersion: `${apis.extension}/v1alpha2`,
          kind: "InferenceModelRewrite",
          metadata: {
            name: rewriteName(args.pool),
            namespace: args.namespace,
            labels: poolLabels(args.service, args.pool),
          },
          spec: {
            poolRef: { group: apis.pool, kind: "InferencePool", name: args.pool },
            rules: args.rules.map(({ model, targets }) => ({
              matches: [{ model: { type: "Exact", value: model } }],
              targets: targets.map((target) => ({ modelRewrite: target.model, weight: target.weight })),
            })),
          },
        },
        { parent: this, ...(args.hooks === undefined ? {} : { hooks: args.hooks }) },
      );
    }
    this.registerOutputs();
  }
}

/** A name that clients ask for, and what a pool's picker puts in its place. */
export interface NameRule {
  /** The name that clients send as `model`. */
  model: string;
  /** Never empty, never with a weight of 0: the API refuses it, so such a target is left out. */
  targets: readonly { model: string; weight: number }[];
}
