/**
 * Kinds that every API server has, by apiVersion: plural name, and whether objects have no namespace. Only to save
 * a question to the server; what is not here is looked up.
 */
const table: Readonly<Record<string, string>> = {
  v1: "ConfigMap:configmaps Endpoints:endpoints Event:events LimitRange:limitranges Namespace:namespaces! Node:nodes! PersistentVolume:persistentvolumes! PersistentVolumeClaim:persistentvolumeclaims Pod:pods PodTemplate:podtemplates ReplicationController:replicationcontrollers ResourceQuota:resourcequotas Secret:secrets Service:services ServiceAccount:serviceaccounts",
  "apps/v1":
    "ControllerRevision:controllerrevisions DaemonSet:daemonsets Deployment:deployments ReplicaSet:replicasets StatefulSet:statefulsets",
  "batch/v1": "CronJob:cronjobs Job:jobs",
  "autoscaling/v2": "HorizontalPodAutoscaler:horizontalpodautoscalers",
  "policy/v1": "PodDisruptionBudget:poddisruptionbudgets",
  "networking.k8s.io/v1": "Ingress:ingresses IngressClass:ingressclasses! NetworkPolicy:networkpolicies",
  "rbac.authorization.k8s.io/v1":
    "ClusterRole:clusterroles! ClusterRoleBinding:clusterrolebindings! Role:roles RoleBinding:rolebindings",
  "admissionregistration.k8s.io/v1":
    "MutatingWebhookConfiguration:mutatingwebhookconfigurations! ValidatingAdmissionPolicy:validatingadmissionpolicies! ValidatingAdmissionPolicyBinding:validatingadmissionpolicybindings! ValidatingWebhookConfiguration:validatingwebhookconfigurations!",
  "apiextensions.k8s.io/v1": "CustomResourceDefinition:customresourcedefinitions!",
  "scheduling.k8s.io/v1": "PriorityClass:priorityclasses!",
  "storage.k8s.io/v1": "StorageClass:storageclasses!",
  "coordination.k8s.io/v1": "Lease:leases",
};

export interface Resource {
  plural: string;
  namespaced: boolean;
}

export function builtinResource(apiVersion: string, kind: string): Resource | undefined {
  const entry = table[apiVersion]?.split(" ").find((one) => one.startsWith(`${kind}:`));
  const plural = entry?.slice(kind.length + 1);
  return plural === undefined
    ? undefined
    : { plural: plural.replace("!", ""), namespaced: !plural.endsWith("!") };
}

const groups =
  /^(core\/|extensions\/|apps\/|batch\/|autoscaling\/|policy\/|meta\/)?v\d|^(admissionregistration|apiextensions|apiregistration|auditregistration|authentication|authorization|certificates|coordination|discovery|events|flowcontrol\.apiserver|networking|node|rbac\.authorization|resource|scheduling|settings|storage|storagemigration)\.k8s\.io\//;

/** Whether an apiVersion is Kubernetes' own and not that of a CustomResourceDefinition. */
export function isBuiltinVersion(apiVersion: string): boolean {
  return groups.test(apiVersion);
}
