import { draining } from "../model-server/pod-template";
import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelServerEngine } from "../engines/engine";
import { apis, pickerName, poolLabels, type PoolRef } from "../names";

/** The picker that GKE's own chart of the extension deploys. */
export const pickerImage = "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0";

export const pickerPorts = { extProc: 9002, health: 9003, metrics: 9090 } as const;

export interface EndpointPickerArgs extends PoolRef {
  /** The engine whose metrics the picker reads. */
  engine: Pick<ModelServerEngine, "pickerEngine">;
  /** Container image. Default: {@link pickerImage}. */
  image?: string;
  /**
   * Whether the autoscaler of nodes may move a picker that runs, and drains may end it at once. Default: true. On GKE
   * false is safe: an upgrade waits for a disruption budget an hour at most. Elsewhere drains would wait for ever.
   */
  evictable?: boolean;
  /** Whether its account gets the right to check who reads its metrics: one in the whole cluster. Default: true. */
  clusterScoped?: boolean;
  /** Hooks that run before the picker is deleted. Default: none. */
  beforeDelete?: pulumi.ResourceHook[];
}

/**
 * The endpoint picker (EPP) of one pool: chooses the model server of every request, and stands in the path of
 * every response. To replace it cuts the streams that run through it, so its image and config belong to the pool's
 * identity. Shape and RBAC as the extension's chart v1.5.0 has them.
 */
export class EndpointPicker extends pulumi.ComponentResource {
  readonly serviceName: pulumi.Output<string>;

  constructor(name: string, args: EndpointPickerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:EndpointPicker", name, {}, opts);
    const own = pickerName(args.pool);
    const { namespace } = args;
    const metadata = { name: own, namespace, labels: poolLabels(args.service, args.pool) };
    const child = { parent: this };
    const selector = { app: own };

    const account = new k8s.core.v1.ServiceAccount(own, { metadata }, child);
    const role = new k8s.rbac.v1.Role(
      own,
      {
        metadata,
        rules: [
          { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
          { apiGroups: [apis.pool], resources: ["inferencepools"], verbs: ["get", "list", "watch"] },
          {
            apiGroups: [apis.extension],
            resources: ["inferenceobjectives", "inferencemodelrewrites"],
            verbs: ["get", "list", "watch"],
          },
        ],
      },
      child,
    );
    const binding = new k8s.rbac.v1.RoleBinding(
      own,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
      },
      child,
    );
    // The picker asks the API server whether a reader of its metrics may read them, which takes a right in the whole cluster.
    const reviewers =
      args.clusterScoped === false
        ? []
        : [
            new k8s.rbac.v1.ClusterRoleBinding(
              own,
              {
                metadata: { name: `${namespace}-${own}-reviewer`, labels: metadata.labels },
                roleRef: {
                  apiGroup: "rbac.authorization.k8s.io",
                  kind: "ClusterRole",
                  name: metricsReviewer,
                },
                subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
              },
              child,
            ),
          ];
    const config = new k8s.core.v1.ConfigMap(
      own,
      { metadata, data: { [configFile]: pickerConfig(args.engine) } },
      child,
    );
    new k8s.apps.v1.Deployment(
      own,
      {
        metadata,
        spec: {
          replicas: 1,
          // One picker at a time: it keeps what it knows of caches and queues in its own memory.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selector },
          template: {
            metadata: { labels: { ...selector, ...metadata.labels } },
            spec: {
              serviceAccountName: account.metadata.name,
              terminationGracePeriodSeconds: draining.graceSeconds,
              securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
              containers: [pickerContainer(args)],
              volumes: [{ name: "config", configMap: { name: config.metadata.name } }],
            },
          },
        },
      },
      { ...child, dependsOn: [binding, ...reviewers], ...deletionHooks(args.beforeDelete) },
    );
    if (args.evictable === false) {
      // A budget, and not an annotation of the pod, which would restart the pickers that run.
      new k8s.policy.v1.PodDisruptionBudget(
        own,
        {
          metadata,
          spec: {
            maxUnavailable: 0,
            selector: { matchLabels: selector },
            // One that does not work may go.
            unhealthyPodEvictionPolicy: "AlwaysAllow",
          },
        },
        child,
      );
    }
    const service = new k8s.core.v1.Service(
      own,
      {
        metadata: {
          ...metadata,
          // The provider would wait for endpoints, and the Deployment above is waited for already.
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: {
          type: "ClusterIP",
          selector,
          ports: [
            {
              name: "grpc-ext-proc",
              port: pickerPorts.extProc,
              targetPort: pickerPorts.extProc,
              protocol: "TCP",
            },
            {
              name: "http-metrics",
              port: pickerPorts.metrics,
              targetPort: pickerPorts.metrics,
              protocol: "TCP",
            },
          ],
        },
      },
      child,
    );
    this.serviceName = service.metadata.name;
    this.registerOutputs({ serviceName: this.serviceName });
  }
}

/** Role with which a picker asks the API server whether a reader of its metrics may read them. */
export const metricsReviewer = "system:auth-delegator";

const configFile = "picker.yaml";

function pickerContainer(args: EndpointPickerArgs): k8s.types.input.core.v1.Container {
  const probe = { grpc: { port: pickerPorts.health, service: "inference-extension" } };
  return {
    name: "epp",
    image: args.image ?? pickerImage,
    args: [
      ...["--pool-name", args.pool, "--pool-namespace", args.namespace, "--pool-group", apis.pool],
      ...["--config-file", `/config/${configFile}`],
      ...["--zap-encoder", "json", "--v", "1", "--tracing=false"],
    ],
    env: [
      { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      // A change of the config is a change of the pod: the picker reads its file once.
      { name: "CONFIG_REVISION", value: revisionOf(pickerConfig(args.engine)) },
    ],
    ports: [
      { name: "grpc", containerPort: pickerPorts.extProc },
      { name: "grpc-health", containerPort: pickerPorts.health },
      { name: "metrics", containerPort: pickerPorts.metrics },
    ],
    livenessProbe: { ...probe, initialDelaySeconds: 5, periodSeconds: 10 },
    readinessProbe: { ...probe, periodSeconds: 2 },
    resources: { requests: { cpu: "4", memory: "8Gi" }, limits: { memory: "16Gi" } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: [{ name: "config", mountPath: "/config", readOnly: true }],
  };
}

/** Scorers and weights of the extension's chart v1.5.0. */
export function pickerConfig({ pickerEngine }: Pick<ModelServerEngine, "pickerEngine">): string {
  const extractor = pickerEngine === undefined ? "" : `\n  parameters:\n    defaultEngine: ${pickerEngine}`;
  return `apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
- type: metrics-data-source
  parameters:
    scheme: http
    path: /metrics
    insecureSkipVerify: true
- type: core-metrics-extractor${extractor}
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
    weight: 2
  - pluginRef: kv-cache-utilization-scorer
    weight: 2
  - pluginRef: prefix-cache-scorer
    weight: 3
`;
}

function revisionOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/**
 * Options that run hooks before a resource is deleted. Pulumi's mocks cannot register hooks, so components take them as
 * an argument.
 */
export function deletionHooks(
  beforeDelete: pulumi.ResourceHook[] | undefined,
): Pick<pulumi.CustomResourceOptions, "hooks"> {
  return beforeDelete === undefined || beforeDelete.length === 0 ? {} : { hooks: { beforeDelete } };
}
