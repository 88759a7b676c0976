import * as pulumi from "@pulumi/pulumi";
import { clusterReader, ClusterUnreadable, type ClusterReader } from "./cluster-reader";
import { UserError } from "../messages/user-error";

/** A cluster that cannot be read is an error, and never taken for an empty one. */
export async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ClusterUnreadable)) throw error;
    const fixes = {
      unreachable:
        "Check the network between here and the cluster (VPN, authorized networks), then run the update again.",
      unauthorized: "Check your credentials for the cluster: gcloud auth login, or those in the kubeconfig.",
      forbidden:
        "The program needs to read routes, pools, deployments and namespaces: see docs/permissions.md.",
      conflict: "Run the update again.",
      failed:
        "Run the update again. If the error persists, kubectl get httproute,inferencepool -A shows it too.",
    };
    throw new UserError(
      `Cannot read what is deployed; nothing was changed: ${error.message}\n${fixes[error.reason]}`,
    );
  }
}

/**
 * For what looks at the cluster as it is at one moment, from several sides: as few requests as that takes.
 * @param homes namespaces in which everything is asked for in any case.
 */
export const atOneMoment = (reader: ClusterReader, homes: readonly string[]): ClusterReader =>
  whereSomethingIs(readingOnce(reader), homes);

/** Reads each thing once. A failure counts once too. */
export function readingOnce(reader: ClusterReader): ClusterReader {
  const once = <T>(read: (path: string) => Promise<T>): ((path: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>();
    return (path) => {
      const asked = known.get(path) ?? read(path);
      known.set(path, asked);
      return asked;
    };
  };
  return {
    get: once((path) => reader.get(path)),
    list: once((path) => reader.list(path)),
    now: () => reader.now?.(),
  };
}

/**
 * Asks for nothing inside of a namespace that does not exist. Most of the namespaces in which a service's pools could be
 * do not, and there are two dozen kinds to look for in each. Whoever may not get namespaces asks for everything; and what
 * carries the traffic is asked for itself, whatever is said of its namespace.
 * @param homes namespaces in which everything is asked for.
 */
export function whereSomethingIs(reader: ClusterReader, homes: readonly string[]): ClusterReader {
  const isThere = async (path: string): Promise<boolean> => {
    const [, namespace] = inside.exec(path) ?? [];
    if (namespace === undefined || homes.includes(namespace)) return true;
    try {
      return (await reader.get(`/api/v1/namespaces/${namespace}`)) !== undefined;
    } catch {
      // The question itself says what is wrong, where something is.
      return true;
    }
  };
  return {
    get: async (path) => ((await isThere(path)) ? reader.get(path) : undefined),
    list: async (path) => ((await isThere(path)) ? reader.list(path) : []),
    now: () => reader.now?.(),
  };
}

/** The namespace of a path that leads to something in it. */
const inside = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/namespaces\/([^/?]+)\/./;

/** Reads with the cluster's own credentials, once they are known. */
export function lazyReader(kubeconfig: pulumi.Output<string>): () => Promise<ClusterReader> {
  let reader: Promise<ClusterReader> | undefined;
  return () =>
    (reader ??= new Promise<string>((resolve) => kubeconfig.apply(resolve)).then((text) =>
      clusterReader(text),
    ));
}
