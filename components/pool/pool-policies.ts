import { draining } from "../model-server/pod-template";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, poolLabels, type PoolRef } from "../names";
import { gkeApi } from "../gateways/inference-gateway";

/** What the load balancer does with the requests of a pool. */
export interface BackendSettings {
  /** Seconds that one answer may take, to its last token; the load balancer's own limit is 30. */
  timeoutSeconds: number;
  /** Whether the load balancer logs requests. */
  logging: boolean;
  /** Name of a Cloud Armor security policy. Default: none. */
  cloudArmor?: string;
}

export interface PoolPoliciesArgs extends PoolRef, BackendSettings {
  /** Port of the model servers. */
  port: number;
  /** Path that a healthy model server answers with 200. */
  healthPath: string;
}

/**
 * GKE's load balancer settings of one pool: the health check, how long an answer may take, and connection draining. Shape: the extension's chart for GKE; fields: gke-gateway-api.
 */
export class PoolPolicies extends pulumi.ComponentResource {
  constructor(name: string, args: PoolPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:PoolPolicies", name, {}, opts);
    const metadata = {
      name: args.pool,
      namespace: args.namespace,
      labels: poolLabels(args.service, args.pool),
    };
    const targetRef = { group: apis.pool, kind: "InferencePool", name: args.pool };
    new k8s.apiextensions.CustomResource(
      `${name}-health`,
      {
        apiVersion: gkeApi,
        kind: "HealthCheckPolicy",
        metadata,
        spec: {
          targetRef,
          default: {
            // Quicker than the default of 5: a server that is leaving is left alone sooner.
            checkIntervalSec: 2,
            timeoutSec: 2,
            config: {
              type: "HTTP",
              httpHealthCheck: {
                requestPath: args.healthPath,
                portSpecification: "USE_FIXED_PORT",
                port: args.port,
              },
            },
          },
        },
      },
      { parent: this },
    );
    new k8s.apiextensions.CustomResource(
      `${name}-backend`,
      {
        apiVersion: gkeApi,
        kind: "GCPBackendPolicy",
        metadata,
        spec: {
          targetRef,
          default: {
            timeoutSec: args.timeoutSeconds,
            connectionDraining: { drainingTimeoutSec: draining.graceSeconds },
            logging: { enabled: args.logging },
            ...(args.cloudArmor === undefined ? {} : { securityPolicy: args.cloudArmor }),
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
