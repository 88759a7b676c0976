import type { AdapterModule } from "./launch";
import type { StartServer } from "./protocol";

/** Who answered, in every body (and first chunk) that a model server sends. */
export interface ServedBy {
  pod: string;
  namespace: string;
  node: string;
  pool: string;
  /** The base model that is really loaded, whatever name it goes by. */
  model: string;
  /** "name=path" of the adapter that answered, "" for the base model. */
  adapter: string;
}

/** Names its server in headers and bodies; made once per adapter, because every answer needs it. */
export class Identity {
  private readonly cached = new Map<string, { headers: readonly string[]; json: string }>();

  constructor(
    private readonly start: Pick<StartServer, "pod" | "namespace" | "node">,
    private readonly model: string,
    private pool: string,
  ) {}

  get fingerprint(): string {
    return `lab-${this.start.namespace}-${this.start.pod}`;
  }

  changePool(pool: string): void {
    this.pool = pool;
    this.cached.clear();
  }

  /** Header names and values in turn, as `writeHead` takes them. */
  headers(adapter?: AdapterModule): readonly string[] {
    return this.of(adapter).headers;
  }

  /** A JSON object: {@link ServedBy}. */
  json(adapter?: AdapterModule): string {
    return this.of(adapter).json;
  }

  private of(adapter: AdapterModule | undefined): { headers: readonly string[]; json: string } {
    const key = adapter === undefined ? "" : `${adapter.name}=${adapter.path}`;
    let found = this.cached.get(key);
    if (found === undefined) {
      const { pod, namespace, node } = this.start;
      const { pool, model } = this;
      const servedBy: ServedBy = { pod, namespace, node, pool, model, adapter: key };
      const headers = [
        ...["x-served-by-pod", pod, "x-served-by-namespace", namespace, "x-served-by-node", node],
        ...["x-served-by-pool", pool, "x-served-model", headerText(model)],
        ...(key === "" ? [] : ["x-served-adapter", headerText(key)]),
      ];
      found = { headers, json: JSON.stringify(servedBy) };
      this.cached.set(key, found);
    }
    return found;
  }
}

/** A header takes no control characters, and only Latin-1. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}
