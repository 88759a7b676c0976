import { ApiRefused, type ClusterApi } from "../cluster/cluster-api";
import type { ConfigMap, Secret } from "./objects";

export type ReferenceKind = "configmap" | "secret";

/** Something a container needs is not there (yet). The message is what the kubelet would say. */
export class ReferenceMissing extends Error {}

export type Content = Readonly<Record<string, Buffer>>;

/** How long an answer is good for: many pods of one Deployment start at once and ask for the same. */
const freshMs = 500;

/** ConfigMaps and Secrets that pods refer to, read when a container starts. */
export class References {
  private readonly recent = new Map<string, { until: number; content: Promise<Content | undefined> }>();

  constructor(private readonly api: Pick<ClusterApi, "get">) {}

  /** All keys; undefined where there is no such object and it is optional. */
  async read(
    kind: ReferenceKind,
    namespace: string,
    name: string,
    optional: boolean | undefined,
  ): Promise<Content | undefined> {
    const key = `${kind}/${namespace}/${name}`;
    const now = performance.now();
    let found = this.recent.get(key);
    if (found === undefined || found.until < now) {
      for (const [old, { until }] of this.recent) if (until < now) this.recent.delete(old);
      found = { until: now + freshMs, content: this.fetch(kind, namespace, name) };
      this.recent.set(key, found);
    }
    const content = await found.content;
    if (content === undefined && optional !== true) throw new ReferenceMissing(`${kind} "${name}" not found`);
    return content;
  }

  /** One key; undefined where it is not there and optional. */
  async readKey(
    kind: ReferenceKind,
    namespace: string,
    ref: { name?: string; key: string; optional?: boolean },
  ): Promise<string | undefined> {
    const name = ref.name ?? "";
    const value = (await this.read(kind, namespace, name, ref.optional))?.[ref.key];
    if (value === undefined && ref.optional !== true) {
      const shown = kind === "secret" ? "Secret" : "ConfigMap";
      throw new ReferenceMissing(`couldn't find key ${ref.key} in ${shown} ${namespace}/${name}`);
    }
    return value?.toString();
  }

  private async fetch(kind: ReferenceKind, namespace: string, name: string): Promise<Content | undefined> {
    try {
      const path = `/api/v1/namespaces/${namespace}/${kind}s/${name}`;
      return contentOf(await this.api.get<ConfigMap & Secret>(path), kind);
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) return undefined;
      throw error;
    }
  }
}

function contentOf(object: ConfigMap & Secret, kind: ReferenceKind): Content {
  const plain = kind === "secret" ? {} : (object.data ?? {});
  const encoded = kind === "secret" ? (object.data ?? {}) : (object.binaryData ?? {});
  const entries = [
    ...Object.entries(plain).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(encoded).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ];
  return Object.fromEntries(entries);
}
