import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import type { Exit, RunningProgram } from "./program";

/** What an echo server is told by its container's environment. */
export interface EchoSettings {
  /** The pod's own address. */
  host: string;
  pod: string;
  namespace: string;
  /** Port for HTTP/1.1 (and WebSocket at `/ws`), and for HTTP/2 in clear text. */
  http: number;
  h2c: number;
}

/** Settings by the variables that Gateway API's echo image reads. */
export function echoSettings(host: string, env: Readonly<Record<string, string>>): EchoSettings {
  return {
    host,
    pod: env["POD_NAME"] ?? "",
    namespace: env["NAMESPACE"] ?? "",
    http: Number(env["HTTP_PORT"] ?? 3000),
    h2c: Number(env["H2C_PORT"] ?? 3001),
  };
}

/**
 * A server that answers every request with a description of it, in the form of Gateway API's echo image, which its
 * conformance suites read. It stands for that image's HTTP part; what it does with TLS, gRPC and bare TCP is left out.
 */
export async function startEcho(settings: EchoSettings): Promise<RunningProgram> {
  const answer = (request: Incoming, response: http.ServerResponse | http2.Http2ServerResponse): void => {
    echo(request, response as http.ServerResponse, settings).catch((error: unknown) => {
      // A request that cannot be answered must not end the pods of the whole lab.
      console.error(`echo of ${settings.namespace}/${settings.pod}: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else (response as http.ServerResponse).writeHead(500).end();
    });
  };
  const plain = http.createServer({ keepAliveTimeout: 620_000 }, answer);
  const sockets = new WebSocketServer({ server: plain, path: "/ws" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data: Buffer, binary) => socket.send(data, { binary }));
  });
  const h2c = http2.createServer(answer);
  const sessions = new Set<http2.ServerHttp2Session>();
  h2c.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const close = (): void => {
    for (const client of sockets.clients) client.terminate();
    plain.close();
    plain.closeAllConnections();
    h2c.close();
    for (const session of sessions) session.destroy();
  };
  try {
    await listen(plain, settings.host, settings.http);
    await listen(h2c, settings.host, settings.h2c);
  } catch (error) {
    close();
    throw error;
  }
  let end: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => (end = resolve));
  const finish = (code: number) => (): void => {
    close();
    end({ code, message: "" });
  };
  return { pid: undefined, ports: {}, ended, terminate: finish(0), kill: finish(137) };
}

function listen(server: http.Server | http2.Http2Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

/** What a request of either protocol has. */
interface Incoming {
  url?: string | undefined;
  method?: string | undefined;
  httpVersionMajor: number;
  rawHeaders: string[];
  resume(): unknown;
}

async function echo(
  request: Incoming,
  response: http.ServerResponse,
  { pod, namespace, http: httpPort }: EchoSettings,
): Promise<void> {
  request.resume();
  const path = request.url ?? "/";
  const status = /^\/status\/(\d\d\d)$/.exec(path)?.[1];
  if (status !== undefined) {
    response.writeHead(Number(status)).end();
    return;
  }
  const delay = new URL(path, "http://echo").searchParams.get("delay");
  if (delay !== null) await sleep(milliseconds(delay));
  const { host, headers } = described(request.rawHeaders);
  const body = {
    path,
    host,
    method: request.method,
    proto: request.httpVersionMajor === 2 ? "HTTP/2.0" : "HTTP/1.1",
    headers,
    httpPort: String(httpPort),
    namespace,
    ingress: "",
    service: "",
    pod,
  };
  for (const [name, value] of wantedHeaders(headers["X-Echo-Set-Header"])) response.setHeader(name, value);
  response.setHeader("Content-Type", "application/json");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.end(JSON.stringify(body));
}

/** Headers with their names as Go writes them, and the host, which Go keeps apart. */
export function described(raw: readonly string[]): { host: string; headers: Record<string, string[]> } {
  let host = "";
  const headers: Record<string, string[]> = {};
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = "", value = ""] = [raw[i]?.toLowerCase(), raw[i + 1]];
    if (name === "host" || name === ":authority") host = value;
    if (name === "host" || name.startsWith(":")) continue;
    const canonical = name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
    headers[canonical] = [...(headers[canonical] ?? []), value];
  }
  return { host, headers };
}

/** "A:1, B:2, A:3" as the headers A "1,3" and B "2". What can be no header's name is left out, as Go leaves it out. */
export function wantedHeaders(lists: readonly string[] = []): Map<string, string> {
  const desired = new Map<string, string>();
  for (const entry of lists.flatMap((list) => list.split(","))) {
    const [name = "", ...rest] = entry.trim().split(":");
    const value = rest.join(":").trim();
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) continue;
    const before = desired.get(name);
    desired.set(name, before === undefined ? value : `${before},${value}`);
  }
  return desired;
}

/** A duration as Go writes it ("1.5s", "200ms"); what is none is no delay. */
function milliseconds(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  return Number(count ?? 0) * (unit === "m" ? 60_000 : unit === "s" ? 1000 : 1);
}
