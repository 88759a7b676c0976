import * as fs from "node:fs";
import * as http from "node:http";
import { ModelServer } from "./model-server";
import { LaunchRefused } from "./launch";
import type {
  ChangeRegistry,
  ChangeServer,
  InjectFault,
  ServerEvent,
  ServerView,
  StartServer,
} from "./protocol";
import { Ticker } from "./ticker";

/** What the control API answers: status and JSON. */
interface Answer {
  status: number;
  body?: unknown;
}

/**
 * The simulator: every model server of a lab in this process, driven over HTTP (see protocol.ts).
 *
 *     GET   /healthz
 *     GET   /servers                list
 *     POST  /servers                start one
 *     PATCH /servers/ID             the pod is in another InferencePool now
 *     POST  /servers/ID/terminate   SIGTERM
 *     POST  /servers/ID/kill        SIGKILL
 *     POST  /servers/ID/fault       {"fault": "crash-after:5s"}
 *     POST  /registry               {"lost": ["acme/food-review"]}: adapters that are nowhere to be had
 *     GET   /events                 a line of JSON for each server that ends
 */
export class Simulator {
  private readonly servers = new Map<string, ModelServer>();
  private readonly ticker = new Ticker();
  /** Adapters that are nowhere to be had; what a server has loaded it keeps. */
  private lost: ReadonlySet<string> = new Set();
  private readonly listeners = new Set<http.ServerResponse>();
  private readonly control: http.Server;

  /** @param speed everything is this many times as fast as the accelerators would be. */
  constructor(private readonly speed = 1) {
    this.control = http.createServer((request, response) => this.handle(request, response));
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.control.once("error", reject);
      this.control.listen({ host, port, exclusive: true }, resolve);
    });
  }

  close(): void {
    for (const server of this.servers.values()) server.kill();
    this.control.close();
    this.control.closeAllConnections();
  }

  private handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = request.url ?? "";
    if (request.method === "GET" && url === "/events") {
      this.subscribe(response);
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      let answer: Answer;
      try {
        const text = Buffer.concat(chunks).toString();
        answer = this.answer(`${request.method} ${url}`, text === "" ? undefined : JSON.parse(text));
      } catch (error) {
        answer = { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
      }
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer.body ?? {}));
    });
  }

  private answer(what: string, body: unknown): Answer {
    if (what === "GET /healthz") return { status: 200 };
    if (what === "GET /servers") return { status: 200, body: this.views() };
    if (what === "POST /registry") {
      this.lost = new Set((body as ChangeRegistry).lost);
      return { status: 200 };
    }
    if (what === "POST /servers") return this.start(body as StartServer);
    const [, method, id, action] = /^(\w+) \/servers\/([^/]+)(?:\/(\w+))?$/.exec(what) ?? [];
    const server = this.servers.get(decodeURIComponent(id ?? ""));
    if (server === undefined) return { status: 404, body: { error: `no server ${id ?? what}` } };
    switch (`${method} ${action ?? ""}`) {
      case "PATCH ":
        server.changePool((body as ChangeServer).pool);
        return { status: 200 };
      case "POST terminate":
        server.terminate();
        return { status: 202 };
      case "POST kill":
        server.kill();
        return { status: 202 };
      case "POST fault":
        server.inject((body as InjectFault).fault);
        return { status: 200 };
      default:
        return { status: 404, body: { error: `nothing at ${what}` } };
    }
  }

  private start(start: StartServer): Answer {
    if (this.servers.has(start.id)) return { status: 409, body: { error: `${start.id} is already running` } };
    const ended = (code: number, message: string): void => {
      this.servers.delete(start.id);
      this.tell({ event: "ended", id: start.id, code, message });
    };
    try {
      const server = new ModelServer(start, this.ticker, this.speed, ended, (adapter) =>
        this.lost.has(adapter),
      );
      this.servers.set(start.id, server);
      server.begin();
    } catch (error) {
      if (!(error instanceof LaunchRefused)) throw error;
      // A command line that the server refuses is a process that starts and ends.
      fs.appendFileSync(start.log, `${error.message}\n`);
      setImmediate(() => ended(2, error.message));
    }
    return { status: 201 };
  }

  private views(): ServerView[] {
    return [...this.servers.values()].map((server) => server.view);
  }

  private subscribe(response: http.ServerResponse): void {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    this.listeners.add(response);
    response.once("close", () => this.listeners.delete(response));
    this.tell({ event: "hello" }, [response]);
  }

  private tell(event: ServerEvent, to: Iterable<http.ServerResponse> = this.listeners): void {
    for (const response of to) response.write(`${JSON.stringify(event)}\n`);
  }
}
