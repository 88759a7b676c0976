import type { PoolIdentity } from "../../stacks/plan/model";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { annotations, apis, podSelector, poolLabels } from "../names";
import { deletionHooks } from "./deletion-hooks";
import { pickerPorts } from "./endpoint-picker";

export interface InferencePoolArgs {
  service: string;
  pool: string;
  namespace: string;
  /** Port of the model servers. */
  targetPort: number;
  /** Service of the picker. */
  picker: pulumi.Input<string>;
  /** What the pool is made as; later updates are held against it. */
  identity: PoolIdentity;
  /** Asked before the pool is deleted. */
  beforeDelete?: pulumi.ResourceHook[];
}

/** The InferencePool object: which pods serve, and which picker chooses among them. */
export class InferencePool extends pulumi.ComponentResource {
  constructor(name: string, args: InferencePoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferencePool", name, {}, opts);
    new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: `${apis.pool}/v1`,
        kind: "InferencePool",
        metadata: {
          name: args.pool,
          namespace: args.namespace,
          labels: poolLabels(args.service, args.pool),
          annotations: { [annotations.identity]: JSON.stringify(args.identity) },
        },
        spec: {
          selector: { matchLabels: podSelector(args.pool) },
          targetPorts: [{ number: args.targetPort }],
          endpointPickerRef: {
            name: args.picker,
            port: { number: pickerPorts.extProc },
            // Should the picker be down, requests go to any ready model server instead of failing.
            failureMode: "FailOpen",
          },
        },
      },
      { parent: this, ...deletionHooks(args.beforeDelete) },
    );
    this.registerOutputs();
  }
}
