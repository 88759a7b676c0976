import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { LoadMetric } from "../engines/engine";

export interface ServerAutoscalerArgs {
  /** Name of the Deployment, and of the autoscaler. */
  name: string;
  /** Namespace of both. */
  namespace: string;
  /** Labels of the autoscaler. */
  labels: Record<string, string>;
  /** The plan's size: the autoscaler never goes below it, so a rollout always has what it counts on. */
  replicas: number;
  /** The most replicas, and what they follow. */
  autoscaling: Autoscaling;
  /** Prometheus names of the engine's metrics. */
  metrics: Readonly<Record<LoadMetric, string>>;
}

/**
 * A gauge of managed Prometheus as Cloud Monitoring names it. The cluster needs the Stackdriver adapter for it; without
 * that an autoscaler keeps the number that there is. Source: accelerated-platforms.
 */
const gauge = (metric: string): string => `prometheus.googleapis.com|${metric}|gauge`;

/**
 * Lets the replicas of a pool follow its load. It owns the number of replicas; the plan owns the least of them, and
 * the config the most.
 */
export class ServerAutoscaler extends pulumi.ComponentResource {
  constructor(name: string, args: ServerAutoscalerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ServerAutoscaler", name, {}, opts);
    const { metric, target, max, shrinkAfterSeconds } = args.autoscaling;
    new k8s.autoscaling.v2.HorizontalPodAutoscaler(
      name,
      {
        metadata: { name: args.name, namespace: args.namespace, labels: args.labels },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: args.name },
          minReplicas: Math.max(1, args.replicas),
          maxReplicas: Math.max(1, args.replicas, max),
          metrics: [
            {
              type: "Pods",
              pods: {
                metric: { name: gauge(args.metrics[metric]) },
                target: {
                  type: "AverageValue",
                  // The cache's use is a share of one: 80 % is 800m.
                  averageValue: metric === "queue" ? String(target) : `${target * 10}m`,
                },
              },
            },
          ],
          // A replica takes minutes to come: it is not let go for a short lull, and only one at a time.
          behavior: {
            scaleDown: {
              stabilizationWindowSeconds: shrinkAfterSeconds,
              policies: [{ type: "Pods", value: 1, periodSeconds: 120 }],
            },
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}

/** Replicas that follow the load. The plan's size is the least; nothing but the autoscaler goes above it. */
export interface Autoscaling {
  /** The most replicas. */
  max: number;
  /** What they follow. */
  metric: LoadMetric;
  /** Waiting requests per replica (queue), or percent of the KV cache (cache). */
  target: number;
  /** How long the load must have been lower before a replica goes, in seconds; 0 to 3600. */
  shrinkAfterSeconds: number;
}
