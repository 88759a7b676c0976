import type { Properties } from "../../protocol/values";
import { builtinResource, type Resource } from "./builtin";
import { Connection } from "./connection";
import type { ActiveConfig } from "./kubeconfig";
import { apiVersionOf, kindOf, nameOf, namespaceOf, textAt, type Json, type KubeObject } from "./objects";
import { NoMatchError, StatusError } from "./status";

export interface WriteOptions {
  fieldManager: string;
  dryRun?: boolean;
  /** Server-side apply: take fields from other managers. */
  force?: boolean;
  /** Refuse fields that the API does not know. */
  strict?: boolean;
}

export type Propagation = "Foreground" | "Background" | "Orphan";

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: KubeObject;
}

/** What the provider asks an API server for, in terms of objects. */
export class Client {
  private readonly connection: Connection;
  private readonly versions = new Map<string, Promise<ReadonlyMap<string, Resource>>>();

  constructor(readonly config: ActiveConfig) {
    this.connection = new Connection(config);
  }

  /** @throws NoMatchError where the server has no such kind (any more, or yet). */
  async resource(apiVersion: string, kind: string): Promise<Resource> {
    const known = builtinResource(apiVersion, kind);
    if (known !== undefined) return known;
    for (const fresh of [false, true]) {
      const found = (await this.kinds(apiVersion, fresh)).get(kind);
      if (found !== undefined) return found;
    }
    throw new NoMatchError(apiVersion, kind);
  }

  async version(): Promise<string> {
    return textAt(await this.json("GET", "/version"), "gitVersion");
  }

  get(object: KubeObject, name = nameOf(object), signal?: AbortSignal): Promise<KubeObject> {
    return this.withPath(object, name, (path) => this.json("GET", path, undefined, undefined, signal));
  }

  create(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    return this.withPath(object, undefined, (path) => this.json("POST", path + query(options), object));
  }

  /** Server-side apply. */
  apply(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    const type = "application/apply-patch+yaml";
    return this.withPath(object, nameOf(object), (path) =>
      this.json("PATCH", path + query(options), object, type),
    );
  }

  replace(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    return this.withPath(object, nameOf(object), (path) => this.json("PUT", path + query(options), object));
  }

  patch(
    object: KubeObject,
    patch: Json,
    type: "json" | "merge" | "strategic-merge",
    options?: WriteOptions,
  ): Promise<KubeObject> {
    const contentType = type === "json" ? "application/json-patch+json" : `application/${type}-patch+json`;
    const search = options === undefined ? "" : query(options);
    return this.withPath(object, nameOf(object), (path) =>
      this.json("PATCH", path + search, patch as Properties, contentType),
    );
  }

  async delete(object: KubeObject, name: string, propagationPolicy: Propagation): Promise<void> {
    const options = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy };
    await this.withPath(object, name, (path) => this.json("DELETE", path, options));
  }

  /** Takes a pod away at once, without its grace period. */
  async deleteNow(pod: KubeObject): Promise<void> {
    const options = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 };
    await this.withPath(pod, nameOf(pod), (path) => this.json("DELETE", path, options));
  }

  /** Asks for a pod's eviction; refused with 429 while a disruption budget forbids it. */
  async evict(pod: KubeObject): Promise<void> {
    const metadata = { name: nameOf(pod), namespace: namespaceOf(pod) };
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata };
    await this.withPath(pod, nameOf(pod), (path) => this.json("POST", `${path}/eviction`, eviction));
  }

  /** Objects of a kind in a namespace; in all namespaces where none is given. */
  async list(apiVersion: string, kind: string, namespace: string, labelSelector = ""): Promise<KubeObject[]> {
    const path = collection(apiVersion, await this.resource(apiVersion, kind), namespace);
    const search = labelSelector === "" ? "" : `?labelSelector=${encodeURIComponent(labelSelector)}`;
    const list = await this.json("GET", path + search);
    const items = list["items"];
    return Array.isArray(items) ? (items as KubeObject[]).map((item) => ({ apiVersion, kind, ...item })) : [];
  }

  /** Changes of one object after the version it has; ends when the server ends it or `signal` does. */
  async watch(object: KubeObject, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void> {
    const apiVersion = apiVersionOf(object);
    const path = collection(apiVersion, await this.resource(apiVersion, kindOf(object)), namespaceOf(object));
    const search = new URLSearchParams({
      watch: "1",
      fieldSelector: `metadata.name=${nameOf(object)}`,
      resourceVersion: textAt(object, "metadata", "resourceVersion"),
    });
    await this.connection.lines({ method: "GET", path: `${path}?${search.toString()}`, signal }, (line) =>
      onEvent(JSON.parse(line) as WatchEvent),
    );
  }

  close(): void {
    this.connection.close();
  }

  private async withPath<Result>(
    object: KubeObject,
    name: string | undefined,
    use: (path: string) => Promise<Result>,
  ): Promise<Result> {
    const apiVersion = apiVersionOf(object);
    const resource = await this.resource(apiVersion, kindOf(object));
    const path = collection(
      apiVersion,
      resource,
      resource.namespaced ? namespaceOf(object) || "default" : "",
    );
    return use(name === undefined ? path : `${path}/${encodeURIComponent(name)}`);
  }

  private async json(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: Properties,
    contentType?: string,
    signal?: AbortSignal,
  ): Promise<KubeObject> {
    const text = await this.connection.request({
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(signal === undefined ? {} : { signal }),
    });
    return JSON.parse(text) as KubeObject;
  }

  private kinds(apiVersion: string, fresh: boolean): Promise<ReadonlyMap<string, Resource>> {
    const known = this.versions.get(apiVersion);
    if (known !== undefined && !fresh) return known;
    const asked = this.discover(apiVersion);
    this.versions.set(apiVersion, asked);
    asked.catch(() => this.versions.delete(apiVersion));
    return asked;
  }

  private async discover(apiVersion: string): Promise<ReadonlyMap<string, Resource>> {
    interface ApiResource {
      name: string;
      kind: string;
      namespaced: boolean;
    }
    try {
      const list = await this.json("GET", root(apiVersion));
      const resources = (list["resources"] ?? []) as unknown as ApiResource[];
      // Subresources have a slash in their names.
      const own = resources.filter(({ name }) => !name.includes("/"));
      return new Map(own.map(({ kind, name, namespaced }) => [kind, { plural: name, namespaced }]));
    } catch (error) {
      if (error instanceof StatusError && error.isNotFound) return new Map();
      throw error;
    }
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function collection(apiVersion: string, { plural, namespaced }: Resource, namespace: string): string {
  const within = namespaced && namespace !== "" ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root(apiVersion)}${within}/${plural}`;
}

function query({ fieldManager, dryRun, force, strict }: WriteOptions): string {
  const search = new URLSearchParams({ fieldManager });
  if (dryRun === true) search.set("dryRun", "All");
  if (force !== undefined) search.set("force", String(force));
  if (strict === true) search.set("fieldValidation", "Strict");
  return `?${search.toString()}`;
}
