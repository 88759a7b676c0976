import { containersOf, type PodSpec, type Reference, type Volume } from "./pod";

/** What a pod cannot start without, and has to find where it runs. */
export interface ObjectReference {
  kind:
    | ("Secret" | "ConfigMap" | "PersistentVolumeClaim" | "ServiceAccount" | "SecretProviderClass")
    | ("PriorityClass" | "RuntimeClass");
  name: string;
  /** Keys of a Secret or ConfigMap that have to be in it. */
  keys: readonly string[];
  /** Fields of the pod that name it, in words. */
  where: readonly string[];
}

/** Kinds that belong to the cluster and not to a namespace. */
export const clusterKinds: ReadonlySet<ObjectReference["kind"]> = new Set(["PriorityClass", "RuntimeClass"]);

/** PriorityClasses that every cluster has. */
const systemClasses = /^system-(cluster|node)-critical$/;

/** Everything that a pod names and does not start without; what is marked optional is left out. */
export function referencesOf(pod: PodSpec): ObjectReference[] {
  const found = new Map<string, { reference: ObjectReference; keys: Set<string>; where: Set<string> }>();
  const add = (
    kind: ObjectReference["kind"],
    name: string | undefined,
    where: string,
    keys: readonly (string | undefined)[] = [],
  ): void => {
    if (name === undefined || name === "") return;
    const id = `${kind}/${name}`;
    const entry = found.get(id) ?? {
      reference: { kind, name, keys: [], where: [] },
      keys: new Set<string>(),
      where: new Set<string>(),
    };
    for (const key of keys) if (key !== undefined) entry.keys.add(key);
    entry.where.add(where);
    found.set(id, entry);
  };
  const needed = (
    kind: "Secret" | "ConfigMap",
    reference: Reference | undefined,
    where: string,
    keys: readonly (string | undefined)[] = [],
  ): void => {
    if (reference?.optional !== true) add(kind, reference?.name, where, keys);
  };

  for (const { name, env = [], envFrom = [] } of containersOf(pod)) {
    for (const { name: variable, valueFrom } of env) {
      const where = `env ${variable} of container ${name}`;
      needed("Secret", valueFrom?.secretKeyRef, where, [valueFrom?.secretKeyRef?.key]);
      needed("ConfigMap", valueFrom?.configMapKeyRef, where, [valueFrom?.configMapKeyRef?.key]);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      needed("Secret", secretRef, `envFrom of container ${name}`);
      needed("ConfigMap", configMapRef, `envFrom of container ${name}`);
    }
  }
  for (const volume of pod.volumes ?? []) ofVolume(volume, add, needed);
  for (const { name } of pod.imagePullSecrets ?? []) add("Secret", name, "imagePullSecrets");
  // Every namespace has the account `default`.
  const account = pod.serviceAccountName ?? pod.serviceAccount;
  if (account !== "default") add("ServiceAccount", account, "serviceAccountName");
  if (!systemClasses.test(pod.priorityClassName ?? ""))
    add("PriorityClass", pod.priorityClassName, "priorityClassName");
  add("RuntimeClass", pod.runtimeClassName, "runtimeClassName");
  return [...found.values()].map(({ reference, keys, where }) => ({
    ...reference,
    keys: [...keys],
    where: [...where],
  }));
}

type Add = (
  kind: ObjectReference["kind"],
  name: string | undefined,
  where: string,
  keys?: readonly (string | undefined)[],
) => void;
type Needed = (
  kind: "Secret" | "ConfigMap",
  reference: Reference | undefined,
  where: string,
  keys?: readonly (string | undefined)[],
) => void;

function ofVolume(volume: Volume, add: Add, needed: Needed): void {
  const where = `volume ${volume.name}`;
  const { secret, configMap, projected, csi, persistentVolumeClaim } = volume;
  const keys = (items: { key: string }[] | undefined): string[] => (items ?? []).map(({ key }) => key);
  if (secret !== undefined && secret.optional !== true)
    add("Secret", secret.secretName, where, keys(secret.items));
  needed("ConfigMap", configMap, where, keys(configMap?.items));
  for (const source of projected?.sources ?? []) {
    needed("Secret", source.secret, where, keys(source.secret?.items));
    needed("ConfigMap", source.configMap, where, keys(source.configMap?.items));
  }
  add("PersistentVolumeClaim", persistentVolumeClaim?.claimName, where);
  add("Secret", csi?.nodePublishSecretRef?.name, where);
  // Secrets Store CSI, also GKE's own build of it.
  if (csi?.driver.startsWith("secrets-store") === true)
    add("SecretProviderClass", csi.volumeAttributes?.["secretProviderClass"], where);
  // Older kinds of volumes (azureFile, cephfs, flexVolume, iscsi, rbd, scaleIO, storageos).
  const known = ["name", "secret", "configMap", "projected", "csi", "persistentVolumeClaim"];
  for (const [kind, value] of Object.entries(volume)) {
    if (known.includes(kind) || typeof value !== "object" || value === null) continue;
    const { secretRef, secretName } = value as { secretRef?: Reference; secretName?: string };
    add("Secret", secretRef?.name ?? secretName, where);
  }
}
