import type { MissingObject } from "../plan/observed";
import { clusterKinds, type ObjectReference } from "../../components/model-server/copied/references";
import { permitted, type ClusterReader, type LiveObject } from "./cluster-reader";
import { ownersOf } from "./other-pools";

/*
 * Whether everything that pods name is where they will run. A pod that lacks one of these is Pending or waits in
 * ContainerCreating for as long as somebody lets it, on a node that is paid for.
 */

const paths: Readonly<Record<ObjectReference["kind"], (namespace: string, name: string) => string>> = {
  Secret: (namespace, name) => `/api/v1/namespaces/${namespace}/secrets/${name}`,
  ConfigMap: (namespace, name) => `/api/v1/namespaces/${namespace}/configmaps/${name}`,
  PersistentVolumeClaim: (namespace, name) =>
    `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`,
  ServiceAccount: (namespace, name) => `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`,
  SecretProviderClass: (namespace, name) =>
    `/apis/secrets-store.csi.x-k8s.io/v1/namespaces/${namespace}/secretproviderclasses/${name}`,
  PriorityClass: (_namespace, name) => `/apis/scheduling.k8s.io/v1/priorityclasses/${name}`,
  RuntimeClass: (_namespace, name) => `/apis/node.k8s.io/v1/runtimeclasses/${name}`,
};

/** @param source the namespace that the pods are copied from. */
export async function missingReferences(
  reader: ClusterReader,
  references: readonly ObjectReference[],
  namespace: string,
  source: string,
): Promise<{ missing: MissingObject[]; unchecked: string[] }> {
  const looked = await Promise.all(references.map((reference) => look(reader, reference, namespace, source)));
  return {
    missing: looked.filter((found): found is MissingObject => typeof found === "object"),
    unchecked: looked.filter((found): found is string => typeof found === "string"),
  };
}

/** @returns what is wrong, or in words what may not be read, or undefined. */
async function look(
  reader: ClusterReader,
  { kind, name, keys, where }: ObjectReference,
  namespace: string,
  source: string,
): Promise<MissingObject | string | undefined> {
  const read = (from: string): Promise<LiveObject | undefined> => reader.get(paths[kind](from, name));
  return permitted<MissingObject | string | undefined>(async () => {
    const live = await read(namespace);
    const problem = live === undefined ? ({ kind: "absent" } as const) : problemOf(kind, live, keys);
    if (problem === undefined) return undefined;
    const elsewhere = live !== undefined || clusterKinds.has(kind) || namespace === source;
    const original = elsewhere ? undefined : await read(source);
    const [owner] = original === undefined ? [] : ownersOf(original);
    return {
      kind,
      name,
      where,
      problem,
      atSource: original !== undefined,
      ...(owner === undefined ? {} : { owner: `${owner.kind} ${owner.name}` }),
    };
  }, `${kind} ${name}`);
}

/** Of a Secret only the names of its keys are looked at. */
function problemOf(
  kind: ObjectReference["kind"],
  live: LiveObject,
  keys: readonly string[],
): MissingObject["problem"] | undefined {
  if (kind === "Secret" || kind === "ConfigMap") {
    const there = [live["data"], live["binaryData"]].flatMap((data) => Object.keys(data ?? {}));
    const lacks = keys.filter((key) => !there.includes(key));
    return lacks.length === 0 ? undefined : { kind: "keys", keys: lacks };
  }
  if (kind !== "PersistentVolumeClaim") return undefined;
  const { accessModes = [] } = (live["spec"] ?? {}) as { accessModes?: string[] };
  return accessModes.some((mode) => mode.endsWith("Many"))
    ? undefined
    : { kind: "single-node", modes: accessModes.join(", ") };
}
