import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { GatewayKind, PoolHealth, PoolTraffic } from "../gateways/gateway";
import { defaultGatewayKind } from "../gateways/gateway-kinds";
import { drainingOf } from "../model-server/pod-template";
import { poolLabels, type PoolRef } from "../names";

/** A policy holds in the InferencePool's own namespace only. */
export interface PoolPoliciesArgs extends PoolRef, PoolTraffic, Pick<PoolHealth, "healthCheck"> {
  /** Port of the model servers. */
  port: number;
  /** Path that answers 200 while a model server can serve. */
  healthPath: string;
  /** Seconds in which a pod that leaves finishes its streams. Default: see drainingOf. */
  drainSeconds?: number;
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
    const { service, pool, namespace, kind = defaultGatewayKind } = args;
    const metadata = { name: pool, namespace, labels: poolLabels(service, pool) };
    const drainSeconds = drainingOf(args).graceSeconds;
    for (const policy of kind.poolPolicies({ ...args, drainSeconds })) {
      new k8s.apiextensions.CustomResource(
        `${name}-${policy.suffix}`,
        { apiVersion: policy.kind.apiVersion, kind: policy.kind.kind, metadata, spec: policy.spec },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}
