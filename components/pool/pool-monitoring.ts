import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { metricsName, metricsReaderName, pickerName, podSelector, poolLabels, type PoolRef } from "../names";

export interface PoolMonitoringArgs extends PoolRef {
  /** Port of the model servers, by name or number. Default: http. */
  port?: string | number;
  /** Namespace of managed Prometheus' collector. Default: that of GKE Standard. */
  collectorNamespace?: string;
  /** Whether its account gets the right to read metrics, which is one in the whole cluster. Default: true. */
  clusterScoped?: boolean;
}

/** Namespaces of managed Prometheus' collector. Source: the extension's chart for GKE. */
export const collectorNamespaces = { standard: "gmp-system", autopilot: "gke-gmp-system" } as const;

/**
 * Metrics of one pool's model servers and of its picker, for Google Cloud's managed Prometheus. The picker asks for a
 * token: a service account that may read metrics and nothing else, whose token the collector alone may read.
 */
export class PoolMonitoring extends pulumi.ComponentResource {
  constructor(name: string, args: PoolMonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:PoolMonitoring", name, {}, opts);
    const { pool, namespace } = args;
    const child = { parent: this };
    const own = metricsName(pool);
    const labels = poolLabels(args.service, pool);
    const metadata = { name: own, namespace, labels };

    const account = new k8s.core.v1.ServiceAccount(
      own,
      { metadata, automountServiceAccountToken: false },
      child,
    );
    const token = new k8s.core.v1.Secret(
      own,
      {
        metadata: { ...metadata, annotations: { "kubernetes.io/service-account.name": own } },
        type: "kubernetes.io/service-account-token",
      },
      { ...child, dependsOn: account },
    );
    if (args.clusterScoped !== false) this.letRead(pool, namespace, labels);
    const reads = new k8s.rbac.v1.Role(
      `${own}-secret`,
      {
        metadata: { ...metadata, name: `${own}-secret` },
        rules: [
          { apiGroups: [""], resources: ["secrets"], resourceNames: [own], verbs: ["get", "list", "watch"] },
        ],
      },
      child,
    );
    new k8s.rbac.v1.RoleBinding(
      `${own}-secret`,
      {
        metadata: { ...metadata, name: `${own}-secret` },
        roleRef: { apiGroup: rbac, kind: "Role", name: reads.metadata.name },
        subjects: [
          {
            kind: "ServiceAccount",
            name: "collector",
            namespace: args.collectorNamespace ?? collectorNamespaces.standard,
          },
        ],
      },
      child,
    );
    this.pods(pool, { ...metadata, name: pool }, podSelector(pool), { port: args.port ?? "http" });
    this.pods(
      pickerName(pool),
      { ...metadata, name: pickerName(pool) },
      { app: pickerName(pool) },
      {
        port: "metrics",
        authorization: {
          type: "Bearer",
          credentials: { secret: { name: token.metadata.name, key: "token" } },
        },
      },
    );
    this.registerOutputs();
  }

  private letRead(pool: string, namespace: string, labels: Record<string, string>): void {
    const own = metricsName(pool);
    const clusterWide = { name: metricsReaderName(namespace, pool), labels };
    const role = new k8s.rbac.v1.ClusterRole(
      own,
      { metadata: clusterWide, rules: [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }] },
      { parent: this },
    );
    new k8s.rbac.v1.ClusterRoleBinding(
      own,
      {
        metadata: clusterWide,
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: own, namespace }],
      },
      { parent: this },
    );
  }

  private pods(name: string, metadata: object, matchLabels: object, endpoint: object): void {
    new k8s.apiextensions.CustomResource(
      `${name}-monitoring`,
      {
        apiVersion: "monitoring.googleapis.com/v1",
        kind: "PodMonitoring",
        metadata,
        spec: {
          selector: { matchLabels },
          endpoints: [{ scheme: "http", path: "/metrics", interval: "15s", ...endpoint }],
        },
      },
      { parent: this },
    );
  }
}

const rbac = "rbac.authorization.k8s.io";
