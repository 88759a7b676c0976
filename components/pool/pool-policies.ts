import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { GatewayKind, PoolTraffic } from "../gateways/gateway";
import { defaultGatewayKind } from "../gateways/gateway-kinds";
import { draining } from "../model-server/draining";
import { poolLabels } from "../names";

export interface PoolPoliciesArgs extends PoolTraffic {
  /** The service that the pool belongs to: a label. */
  service: string;
  /** Name of the InferencePool. */
  pool: string;
  /** Namespace of the InferencePool: a policy holds in its own namespace only. */
  namespace: string;
  /** Port of the model servers. */
  port: number;
  /** Path that answers 200 while a model server can serve. Default: /health, which every engine here has. */
  healthPath?: string;
  /** The gateway in front of the pool. Default: GKE's. */
  kind?: GatewayKind;
}

/**
 * How the gateway's load balancer treats one pool: how it finds out whether a model server can serve, how long an
 * answer may take, and that connections end by themselves. What that is depends on the kind of gateway.
 */
export class PoolPolicies extends pulumi.ComponentResource {
  constructor(name: string, args: PoolPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:PoolPolicies", name, {}, opts);
    const { service, pool, namespace, kind = defaultGatewayKind, healthPath = "/health" } = args;
    const metadata = { name: pool, namespace, labels: poolLabels(service, pool) };
    for (const policy of kind.poolPolicies({ ...args, healthPath, drainSeconds: draining.graceSeconds })) {
      new k8s.apiextensions.CustomResource(
        `${name}-${policy.suffix}`,
        { apiVersion: policy.kind.apiVersion, kind: policy.kind.kind, metadata, spec: policy.spec },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}
