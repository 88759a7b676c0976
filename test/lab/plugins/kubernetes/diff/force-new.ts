import { apiVersionOf, at, kindOf, type KubeObject } from "../api/objects";
import { isProperties, type Value } from "../../protocol/values";
import { isConfigMap, isSecret } from "./normalize";

export interface Mutability {
  configMaps: boolean;
  secrets: boolean;
}

const selector = [".spec.selector"];
const container = [
  ...[
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
  ],
  ...[
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
  ],
  ...["tty", "volumeDevices", "volumeMounts", "workingDir"],
];
const pod = [
  ...[
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
  ],
  ...[
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
  ],
  ...[
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
  ],
  ...["schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace"],
  ...["subdomain", "terminationGracePeriodSeconds", "volumes"],
];
const volume = [
  ...[
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
  ],
  ...["gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk"],
  ...["portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"],
];
const below = (prefix: string, names: readonly string[]): string[] =>
  names.map((name) => `${prefix}.${name}`);

/**
 * Fields whose change makes the real provider replace an object, by apiVersion/kind. Other immutable fields are
 * refused by the API server. Source: pulumi-kubernetes, provider/pkg/provider/diff.go (v4.32).
 */
const forceNew: Readonly<Record<string, readonly string[]>> = {
  "apps/v1/DaemonSet": selector,
  "apps/v1/Deployment": selector,
  "apps/v1/StatefulSet": below(".spec", [
    ...["podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates"],
  ]),
  "batch/v1/Job": below(".spec", ["completions", "parallelism", "selector", "template"]),
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": [".roleRef"],
  "rbac.authorization.k8s.io/v1/RoleBinding": [".roleRef"],
  "storage.k8s.io/v1/StorageClass": [".parameters", ".provisioner"],
  "v1/PersistentVolume": below(".spec", volume),
  "v1/PersistentVolumeClaim": below(".spec", ["accessModes", "selector", "storageClassName", "volumeName"]),
  "v1/Pod": [
    ...below(".spec", pod),
    ...below(".spec.containers[*]", container),
    ...below(".spec.initContainers[*]", container),
  ],
  "v1/ResourceQuota": [".spec.scopes"],
  "v1/Secret": [".type"],
  "v1/Service": [".spec.clusterIP"],
};

const identity = [".metadata.name", ".metadata.namespace"];

/** Paths of an object that cannot change in place. */
export function forceNewPaths(object: KubeObject, isPatch: boolean, mutable: Mutability): readonly string[] {
  if (isPatch) return identity;
  const immutable = at(object, "immutable") === true;
  if (isSecret(object) && (!mutable.secrets || immutable))
    return [...identity, ".type", ".stringData", ".data"];
  if (isConfigMap(object) && (!mutable.configMaps || immutable)) return [...identity, ".binaryData", ".data"];
  return [...identity, ...(forceNew[`${apiVersionOf(object)}/${kindOf(object)}`] ?? [])];
}

/** Whether a change of `value` at `path` touches one of the paths, itself or inside the value. */
export function touches(
  path: readonly (string | number)[],
  value: Value | undefined,
  paths: readonly string[],
): boolean {
  return paths.some((one) => {
    const steps = one.replaceAll("[*]", ".*").split(".").slice(1);
    const common = Math.min(steps.length, path.length);
    for (let i = 0; i < common; i++) if (steps[i] !== "*" && steps[i] !== path[i]) return false;
    return steps.length <= path.length || contains(value, steps.slice(path.length));
  });
}

function contains(value: Value | undefined, steps: readonly string[]): boolean {
  const [step, ...rest] = steps;
  if (step === undefined) return value !== undefined;
  if (step === "*") return Array.isArray(value) && value.some((one) => contains(one, rest));
  return isProperties(value) && Object.hasOwn(value, step) && contains(value[step], rest);
}
