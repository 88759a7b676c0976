import {
  connect,
  constants,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { messageOf } from "../../protocol/errors";
import { Credentials } from "./credentials";
import type { ActiveConfig } from "./kubeconfig";
import { statusError, UnreachableError } from "./status";

export interface Request {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: string;
  contentType?: string;
  signal?: AbortSignal;
}

interface Answer {
  status: number;
  body: string;
}

/** Below the API server's own limit of 250 streams: watches must never starve the requests they wait for. */
const streamsPerSession = 80;
const timeoutMs = 60_000;

/**
 * HTTP/2 to one API server. Everything goes over one connection, and over a second and third where many watches
 * are open; what breaks is opened again by the next request.
 */
export class Connection {
  readonly server: string;
  private readonly credentials: Credentials;
  private readonly sessions = new Map<ClientHttp2Session, number>();
  private opening: Promise<ClientHttp2Session> | undefined;

  constructor(config: ActiveConfig) {
    this.server = config.server;
    this.credentials = new Credentials(config);
  }

  /** @throws StatusError with the server's message, UnreachableError where there is no server. */
  async request(request: Request): Promise<string> {
    const what = `${request.method} ${request.path}`;
    let answer = await this.attempt(request);
    if (answer.status === 401 && this.credentials.renew()) answer = await this.attempt(request);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw statusError(answer.status, answer.body, what);
  }

  /** Reads a stream of JSON lines until it ends; `onLine` gets each. Rejects with what the server refused. */
  async lines(request: Request, onLine: (line: string) => void): Promise<void> {
    let rest = "";
    const { status, body } = await this.send(request, (chunk, ok) => {
      if (!ok) return;
      rest += chunk;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onLine(line);
    });
    if (status >= 300) throw statusError(status, body, `${request.method} ${request.path}`);
  }

  close(): void {
    for (const session of this.sessions.keys()) session.close();
  }

  private async attempt(request: Request): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.send(request);
      } catch (error) {
        // A read is safe to repeat; the server may just have closed an idle connection.
        const repeat = request.method === "GET" && tries < 3 && request.signal?.aborted !== true;
        if (!repeat || error instanceof UnreachableError) throw error;
      }
    }
  }

  private async send(request: Request, onChunk?: (chunk: string, ok: boolean) => void): Promise<Answer> {
    const session = await this.session();
    const authorization = await this.credentials.authorization();
    const headers: OutgoingHttpHeaders = {
      ":method": request.method,
      ":path": request.path,
      accept: "application/json",
      "user-agent": "pulumi-kubernetes/lab",
      ...(authorization === undefined ? {} : { authorization }),
      ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
    };
    this.count(session, 1);
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const stream = session.request(headers, { endStream: request.body === undefined });
        let status = 0;
        let body = "";
        stream.setEncoding("utf8");
        stream.on("response", (got: IncomingHttpHeaders) => (status = Number(got[":status"] ?? 0)));
        stream.on("data", (chunk: string) => {
          const ok = status >= 200 && status < 300;
          if (onChunk === undefined || !ok) body += chunk;
          onChunk?.(chunk, ok);
        });
        stream.once("close", () => {
          if (status !== 0) resolve({ status, body });
          else
            reject(new Error(`${request.method} ${this.server}${request.path}: the connection was closed`));
        });
        stream.once("error", reject);
        if (onChunk === undefined) {
          stream.setTimeout(timeoutMs, () => {
            stream.close(constants.NGHTTP2_CANCEL);
            reject(
              new Error(
                `${request.method} ${this.server}${request.path}: no answer within ${timeoutMs / 1000} s`,
              ),
            );
          });
        }
        request.signal?.addEventListener("abort", () => stream.close(constants.NGHTTP2_CANCEL), {
          once: true,
        });
        if (request.body !== undefined) stream.end(request.body);
      });
    } finally {
      this.count(session, -1);
    }
  }

  private count(session: ClientHttp2Session, change: number): void {
    const now = this.sessions.get(session);
    if (now !== undefined) this.sessions.set(session, now + change);
  }

  private async session(): Promise<ClientHttp2Session> {
    for (const [session, streams] of this.sessions)
      if (!session.closed && !session.destroyed && streams < streamsPerSession) return session;
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async open(): Promise<ClientHttp2Session> {
    const tls = await this.credentials.tls();
    return new Promise((resolve, reject) => {
      const session = connect(this.server, tls);
      session.once("connect", () => {
        this.sessions.set(session, 0);
        session.unref();
        resolve(session);
      });
      session.on("error", (error) => {
        this.sessions.delete(session);
        reject(new UnreachableError(`Get "${this.server}": ${messageOf(error)}`));
      });
      session.once("goaway", () => this.sessions.delete(session));
      session.once("close", () => this.sessions.delete(session));
    });
  }
}
