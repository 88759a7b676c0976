import * as http from "node:http";
import { createInterface } from "node:readline";
import type { ChangeServer, ServerEvent, ServerView, StartServer } from "../simulator/protocol";

/** The simulator's control API (see lab/simulator/protocol.ts), seen from the pods. */
export class SimulatorClient {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  private readonly waiting = new Map<string, (code: number, message: string) => void>();
  private closed = false;

  constructor(private readonly url: string) {}

  /**
   * Follows what ends. Servers that are left from an earlier life of this process are ended.
   * @param lost called when the simulator has gone
   * @throws Error where it is not there to begin with.
   */
  async connect(lost: (error: Error) => void): Promise<void> {
    const response = await this.open("GET", "/events");
    const gone = (): void => {
      if (!this.closed)
        lost(new Error(`the simulator at ${this.url} has exited, with every simulated model server`));
    };
    response.once("error", gone);
    response.once("close", gone);
    createInterface(response).on("line", (line) => this.happened(JSON.parse(line) as ServerEvent));
    for (const { id } of await this.request<ServerView[]>("GET", "/servers")) await this.act(id, "kill");
  }

  /** @param ended called once, when nothing of the server is left */
  async start(server: StartServer, ended: (code: number, message: string) => void): Promise<void> {
    this.waiting.set(server.id, ended);
    try {
      await this.request("POST", "/servers", server);
    } catch (error) {
      this.waiting.delete(server.id);
      throw error;
    }
  }

  /** A server that has ended meanwhile is as good. */
  async act(id: string, action: "terminate" | "kill"): Promise<void> {
    await this.request("POST", `/servers/${id}/${action}`).catch(() => undefined);
  }

  async change(id: string, change: ChangeServer): Promise<void> {
    await this.request("PATCH", `/servers/${id}`, change).catch(() => undefined);
  }

  close(): void {
    this.closed = true;
    this.agent.destroy();
  }

  private happened(event: ServerEvent): void {
    if (event.event !== "ended") return;
    const ended = this.waiting.get(event.id);
    this.waiting.delete(event.id);
    ended?.(event.code, event.message);
  }

  private async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.open(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if ((response.statusCode ?? 0) >= 300) throw new Error(`${method} ${this.url}${path}: ${text}`);
    return JSON.parse(text) as T;
  }

  private open(method: string, path: string, body?: unknown): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? "" : JSON.stringify(body);
      const headers = { "content-length": Buffer.byteLength(payload) };
      // The stream of events would hold one of the kept connections for good.
      const agent = path === "/events" ? false : this.agent;
      const request = http.request(new URL(path, this.url), { method, agent, headers }, resolve);
      request.once("error", (error) => reject(new Error(`${method} ${this.url}${path}: ${error.message}`)));
      request.end(payload);
    });
  }
}
