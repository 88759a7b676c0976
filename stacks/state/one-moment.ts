import type { ClusterReader } from "./cluster-reader";

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
