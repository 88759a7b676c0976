import { drainingOf } from "../model-server/pod-template";
import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelServerEngine } from "../engines/engine";
import { apis, pickerName, pickerReviewerName, poolLabels, type PoolRef } from "../names";
import { pickerConfig } from "./picker-config";
import { pickerImage, pickerResources, type PickerSettings } from "./picker-settings";

/** Label by which a pod says which engine it runs, so that the picker reads that engine's metrics. */
export const engineLabel = `${apis.pool}/engine-type`;

export const pickerPorts = { extProc: 9002, health: 9003, metrics: 9090 } as const;

export interface EndpointPickerArgs extends PoolRef {
  /** The engine whose metrics the picker reads. */
  engine: Pick<ModelServerEngine, "pickerEngine">;
  /** What is set of the picker itself. Default: as GKE's own chart of the extension deploys it. */
  settings?: PickerSettings;
  /** Seconds in which a model server that leaves finishes its streams. Default: see drainingOf. */
  drainSeconds?: number;
  /**
   * Whether the autoscaler of nodes may move a picker that runs, and drains may end it at once. Default: true. On GKE
   * false is safe: an upgrade waits for a disruption budget an hour at most. Elsewhere drains would wait for ever.
   * Pickers that stand by may always go.
   */
  evictable?: boolean;
  /** Whether its account gets the right to check who reads its metrics: one in the whole cluster. Default: true. */
  clusterScoped?: boolean;
  /** Hooks that run before the picker is deleted. Default: none. */
  beforeDelete?: pulumi.ResourceHook[];
}

/**
 * The endpoint picker (EPP) of one pool: chooses the model server of every request, and stands in the path of
 * every response. To replace it cuts the streams that run through it, so its settings belong to the pool's identity, but
 * for the number of those that stand by. Shape and RBAC as the extension's chart v1.5.0 has them.
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
          ...(isElected(args) ? electionRules : []),
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
                metadata: { name: pickerReviewerName(namespace, args.pool), labels: metadata.labels },
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
      { metadata, data: { [configFile]: pickerConfig(args.engine, args.settings) } },
      child,
    );
    new k8s.apps.v1.Deployment(
      own,
      {
        metadata: isElected(args) ? { ...metadata, annotations: leaderIsEnough } : metadata,
        spec: {
          replicas: replicasOf(args),
          // One picker at a time: it keeps what it knows of caches and queues in its own memory.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selector },
          template: {
            metadata: { labels: { ...selector, ...metadata.labels } },
            spec: {
              serviceAccountName: account.metadata.name,
              // Streams pass through it as long as their servers may take.
              terminationGracePeriodSeconds: drainingOf(args).graceSeconds,
              securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
              ...(isElected(args) ? { topologySpreadConstraints: apart(selector) } : {}),
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

const replicasOf = ({ settings = {} }: EndpointPickerArgs): number => settings.replicas ?? 1;

const isElected = (args: EndpointPickerArgs): boolean => replicasOf(args) > 1;

/** What electing a leader takes. */
const electionRules = [
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
];

/** Only the leader is ever ready, so waiting for all pods of the Deployment would never end. */
const leaderIsEnough = { "pulumi.com/waitFor": "jsonpath={.status.readyReplicas}=1" };

/** On nodes and in zones of their own, where there are such: a picker that stands by must not go with its leader. */
const apart = (matchLabels: Record<string, string>): k8s.types.input.core.v1.TopologySpreadConstraint[] =>
  ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels },
  }));

/** Role with which a picker asks the API server whether a reader of its metrics may read them. */
export const metricsReviewer = "system:auth-delegator";

const configFile = "picker.yaml";

function pickerContainer(args: EndpointPickerArgs): k8s.types.input.core.v1.Container {
  const { engine, settings = {} } = args;
  // With an election, a picker that stands by is alive and not ready; without one, any name asks for both.
  const probe = (service: string): { grpc: { port: number; service: string } } => ({
    grpc: { port: pickerPorts.health, service: isElected(args) ? service : "inference-extension" },
  });
  const { v = "1", ...flags } = settings.flags ?? {};
  const { cpu, memory } = { ...pickerResources, ...settings.resources };
  return {
    name: "epp",
    image: settings.image ?? pickerImage,
    args: [
      ...["--pool-name", args.pool, "--pool-namespace", args.namespace, "--pool-group", apis.pool],
      ...["--config-file", `/config/${configFile}`],
      ...["--zap-encoder", "json", "--v", v, "--tracing=false"],
      ...(isElected(args) ? ["--ha-enable-leader-election"] : []),
      ...Object.entries(flags)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `--${name}=${value}`),
    ],
    env: [
      { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      // A change of the config is a change of the pod: the picker reads its file once.
      { name: "CONFIG_REVISION", value: revisionOf(pickerConfig(engine, settings)) },
    ],
    ports: [
      { name: "grpc", containerPort: pickerPorts.extProc },
      { name: "grpc-health", containerPort: pickerPorts.health },
      { name: "metrics", containerPort: pickerPorts.metrics },
    ],
    livenessProbe: { ...probe("liveness"), initialDelaySeconds: 5, periodSeconds: 10 },
    readinessProbe: { ...probe("readiness"), periodSeconds: 2 },
    resources: { requests: { cpu, memory }, limits: { memory: twice(memory) } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: [{ name: "config", mountPath: "/config", readOnly: true }],
  };
}

const twice = (quantity: string): string => quantity.replace(/^\d+/, (amount) => String(2 * Number(amount)));

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
