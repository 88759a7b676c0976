import * as fs from "node:fs";
import type * as http from "node:http";
import * as https from "node:https";
import { dirname, resolve as absolute } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../messages/user-error";
import { loadKubeconfigs, optionsFrom, Renewable } from "./credentials";

/** An object as the API server returns it. */
export interface LiveObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
    creationTimestamp?: string;
    ownerReferences?: { kind: string; name: string; controller?: boolean }[];
    resourceVersion?: string;
    managedFields?: ManagedFields[];
  };
  [key: string]: unknown;
}

/** The fields of an object that one client wrote, as the API server keeps them. */
export interface ManagedFields {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  subresource?: string;
  fieldsV1?: Record<string, unknown>;
}

/** Reads from one cluster, and nothing else: the program changes things only through its resources. */
export interface ClusterReader {
  /** The object at an API path; undefined where there is none. */
  get(path: string): Promise<LiveObject | undefined>;
  /** The items of a list; empty where the namespace or the kind does not exist. */
  list(path: string): Promise<LiveObject[]>;
  /** The API server's clock, once it has answered something: clocks of the machines that run pulumi differ. */
  now?(): Date | undefined;
}

/** Can also write one object: only the rollout commands do, never the program. */
export interface ClusterWriter extends ClusterReader {
  /**
   * Server-side apply of a whole object, as `manager`: fields that others own are taken over. A resourceVersion in the
   * body makes the API server refuse it (409) where the object has changed since.
   */
  apply(path: string, body: LiveObject, manager: string): Promise<LiveObject>;
}

/** Can also remove fields of an object: for handing it back. */
export interface ClusterPatcher extends ClusterWriter {
  /**
   * Merge patch of an object, as `manager`: null removes a field, a list is replaced as a whole. A resourceVersion in
   * it makes the API server refuse it (409) where the object has changed since.
   */
  merge(path: string, patch: object, manager: string): Promise<LiveObject>;
}

/** The API server cannot be read: unreachable, or it denies access. Not the same as "there is nothing". */
export class ClusterUnreadable extends Error {
  constructor(
    readonly reason: "unreachable" | "unauthorized" | "forbidden" | "conflict" | "failed",
    message: string,
  ) {
    super(message);
  }
}

/** What `read` finds; `otherwise` where these credentials may not read it. */
export async function permitted<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ClusterUnreadable && error.reason === "forbidden") return otherwise;
    throw error;
  }
}

/** How many seconds something may take. */
export interface Patience {
  /** The API server's answer to one request. Default: 10. */
  answer: number;
  /** The kubeconfig's program for credentials: somebody may have to log in. Default: 120. */
  credentials: number;
}

const usualPatience: Patience = { answer: 10, credentials: 120 };

/**
 * One reader for one kubeconfig, whoever asks: with one set of connections, and with credentials that are asked for
 * once. They often come from a program that takes half a second.
 * @param kubeconfig text of a kubeconfig, or the path of one.
 */
export function clusterReader(kubeconfig: string, patience: Partial<Patience> = {}): Promise<ClusterReader> {
  return clusterWriter(kubeconfig, patience);
}

/** The same, with the right to write. */
export async function clusterWriter(
  kubeconfig: string,
  given: Partial<Patience> = {},
): Promise<ClusterPatcher> {
  const patience = { ...usualPatience, ...given };
  const text = kubeconfigText(kubeconfig);
  const folder = text === kubeconfig ? undefined : absolute(dirname(kubeconfig));
  const key = JSON.stringify([text, folder ?? "", patience]);
  const known = clients.get(key);
  if (known !== undefined) return known;
  const client = newClient(text, patience, folder);
  clients.set(key, client);
  return client;
}

const clients = new Map<string, Promise<ClusterPatcher>>();

/** @param folder of the kubeconfig, from which its relative paths count; absent: it was given as text. */
async function newClient(text: string, patience: Patience, folder?: string): Promise<ClusterPatcher> {
  const { KubeConfig } = await loadKubeconfigs();
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
    if (folder !== undefined) config.makePathsAbsolute(folder);
  } catch (error) {
    // A parser's message quotes what it could not read, and that is full of secrets.
    const where = (error as { mark?: { line?: number } }).mark?.line;
    throw new ClusterUnreadable(
      "failed",
      `the kubeconfig cannot be read${where === undefined ? "" : `: line ${where + 1} is not valid YAML`}`,
    );
  }
  return new HttpsReader(config, patience);
}

/**
 * Text of a kubeconfig that is given as such or by its path.
 * @throws UserError where there is no such file; what was given is not shown, it may be a secret.
 */
export function kubeconfigText(kubeconfig: string): string {
  if (kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{")) return kubeconfig;
  try {
    return fs.readFileSync(kubeconfig, "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    throw new UserError(
      `cluster.kubeconfig is neither a kubeconfig nor the path of a readable file (${code}). ` +
        "To set it from a file: pulumi config set --secret --path cluster.kubeconfig < FILE",
    );
  }
}

export interface Answer {
  status: number;
  body: string;
}

interface Write {
  method: string;
  type: string;
  body: string;
}

/** An overloaded or starting API server answers with these; a moment later it works. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Milliseconds before each further try, and until when one is begun. */
const retries = { pauses: [100, 400, 1000, 2000], lastTry: 5000 };

/**
 * Tries again after a temporary answer or a broken connection: the other side may close one that was kept alive at any
 * time. A server that does not answer at all is not tried again.
 */
export async function patiently(ask: () => Promise<Answer>, { pauses, lastTry } = retries): Promise<Answer> {
  const began = performance.now();
  for (const pause of pauses) {
    const answer = await ask().catch((error: unknown) => {
      const broke = error instanceof ClusterUnreadable && error.reason === "unreachable";
      if (!broke || performance.now() - began > lastTry) throw error;
      return undefined;
    });
    if (answer !== undefined && !passing.has(answer.status)) return answer;
    await sleep(pause);
  }
  return ask();
}

class HttpsReader implements ClusterPatcher {
  private readonly server: string;
  private readonly agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
  /** Credentials may come from a program (gke-gcloud-auth-plugin): it is run once, not once a request. */
  private readonly options = new Renewable(() => this.credentials());
  /** Milliseconds by which the API server's clock is ahead of ours. */
  private ahead: number | undefined;

  constructor(
    private readonly config: KubeConfig,
    private readonly patience: Patience,
  ) {
    const server = config.getCurrentCluster()?.server;
    if (server === undefined)
      throw new ClusterUnreadable("failed", "the kubeconfig has no current context with a cluster");
    this.server = server.replace(/\/$/, "");
  }

  async get(path: string): Promise<LiveObject | undefined> {
    return (await this.request(path)) as LiveObject | undefined;
  }

  async list(path: string): Promise<LiveObject[]> {
    const list = (await this.request(path)) as { items?: LiveObject[] } | undefined;
    return list?.items ?? [];
  }

  now(): Date | undefined {
    return this.ahead === undefined ? undefined : new Date(new Date().getTime() + this.ahead);
  }

  private async request(path: string): Promise<unknown> {
    const { status, body } = await this.asked(path);
    if (status === 200) return JSON.parse(body);
    if (status === 404) return undefined;
    const reason = status === 401 ? "unauthorized" : status === 403 ? "forbidden" : "failed";
    throw new ClusterUnreadable(reason, `${this.server}${path} answered ${status}: ${messageOf(body)}`);
  }

  async apply(path: string, object: LiveObject, manager: string): Promise<LiveObject> {
    const query = new URLSearchParams({ fieldManager: manager, force: "true" });
    // JSON is YAML: the only media type of server-side apply that every version takes.
    return this.patch(`${path}?${query.toString()}`, "application/apply-patch+yaml", object);
  }

  async merge(path: string, patch: object, manager: string): Promise<LiveObject> {
    const query = new URLSearchParams({ fieldManager: manager });
    return this.patch(`${path}?${query.toString()}`, "application/merge-patch+json", patch);
  }

  private async patch(path: string, type: string, content: object): Promise<LiveObject> {
    const request = { method: "PATCH", type, body: JSON.stringify(content) };
    const { status, body } = await this.asked(path, request);
    if (status === 200 || status === 201) return JSON.parse(body) as LiveObject;
    const reason =
      status === 409 ? "conflict" : status === 401 ? "unauthorized" : status === 403 ? "forbidden" : "failed";
    throw new ClusterUnreadable(reason, `${this.server}${path} answered ${status}: ${messageOf(body)}`);
  }

  /** A gate may wait for longer than a token lives: what was refused is asked once more, with another one. */
  private async asked(path: string, write?: Write): Promise<Answer> {
    const answer = await patiently(() => this.answer(path, write));
    return answer.status === 401 ? patiently(() => this.answer(path, write)) : answer;
  }

  private async answer(path: string, write?: Write): Promise<Answer> {
    const options = this.options.get();
    const answer = await this.exchange(path, await options, write);
    if (answer.status === 401) this.options.drop(options);
    return answer;
  }

  private async credentials(): Promise<https.RequestOptions> {
    try {
      return await optionsFrom(this.config, this.patience.credentials);
    } catch (error) {
      throw new ClusterUnreadable(
        "unauthorized",
        `no credentials for ${this.server}: ${(error as Error).message}`,
      );
    }
  }

  private exchange(path: string, options: https.RequestOptions, write?: Write): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        `${this.server}${path}`,
        {
          ...options,
          headers: { ...headersOf(options), ...(write === undefined ? {} : { "content-type": write.type }) },
          method: write?.method ?? "GET",
          agent: options.agent ?? this.agent,
          timeout: this.patience.answer * 1000,
        },
        (response) => {
          const date = Date.parse(response.headers.date ?? "");
          if (!Number.isNaN(date)) this.ahead = date - new Date().getTime();
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
          response.on("error", fail);
        },
      );
      const fail = (error: Error): void =>
        reject(new ClusterUnreadable("unreachable", `cannot reach ${this.server}: ${error.message}`));
      request.on("timeout", () => request.destroy(new Error(`no response within ${this.patience.answer} s`)));
      request.on("error", fail);
      request.end(write?.body);
    });
  }
}

/** The library gives them as an object; a list would be another way to write them. */
const headersOf = ({ headers }: https.RequestOptions): http.OutgoingHttpHeaders =>
  headers === undefined || Array.isArray(headers) ? {} : (headers as http.OutgoingHttpHeaders);

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body.slice(0, 200);
  }
}
