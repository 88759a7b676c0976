import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

export interface ServerAutoscalerArgs {
  /** Name of the Deployment. */
  name: string;
  namespace: string;
  labels: Record<string, string>;
  /** The plan's size: the autoscaler never goes below it, so a rollout always has what it counts on. */
  replicas: number;
  autoscaling: Autoscaling;
}

/**
 * Metrics of vLLM as Cloud Monitoring has them. The cluster needs the Stackdriver adapter for them; without it an
 * autoscaler keeps the number that there is. Source: accelerated-platforms (queue); vLLM (name of the cache's metric).
 */
const metrics = {
  queue: "prometheus.googleapis.com|vllm:num_requests_waiting|gauge",
  cache: "prometheus.googleapis.com|vllm:kv_cache_usage_perc|gauge",
} as const;

/**
 * Lets the replicas of a pool follow its load. It owns the number of replicas; the plan owns the least of them, and
 * the config the most.
 */
export class ServerAutoscaler extends pulumi.ComponentResource {
  constructor(name: string, args: ServerAutoscalerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ServerAutoscaler", name, {}, opts);
    const { metric, target, max } = args.autoscaling;
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
                metric: { name: metrics[metric] },
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
              stabilizationWindowSeconds: 600,
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
  metric: "queue" | "cache";
  /** Waiting requests a replica, or percent of the KV cache. */
  target: number;
}
