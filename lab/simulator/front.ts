import * as http from "node:http";
import { sendJson } from "./answers";
import type { Identity } from "./identity";
import type { Route } from "./routes";

/** Time for the last answers to leave before connections are cut. */
const lastBytesMs = 100;

/** The HTTP side of one model server: one listener, on its pod's address only, that ends as uvicorn's does. */
export class Front {
  private readonly listener: http.Server;
  private open = 0;
  private drained: (() => void) | undefined;
  /** Takes requests and never answers. */
  hanging = false;

  constructor(
    private readonly routes: ReadonlyMap<string, Route>,
    private readonly identity: Identity,
    idleSeconds: number,
  ) {
    this.listener = http.createServer(
      {
        keepAliveTimeout: Math.max(1, idleSeconds * 1000),
        requestTimeout: 0,
        headersTimeout: 0,
        noDelay: true,
      },
      (request, response) => this.answer(request, response),
    );
  }

  /** Requests that are not answered to their end. */
  get unfinished(): number {
    return this.open;
  }

  listen(host: string, port: number, ready: () => void, failed: (error: Error) => void): void {
    this.listener.once("error", failed);
    this.listener.listen({ host, port, exclusive: true, backlog: 4096 }, ready);
  }

  /** No new connections, idle ones closed, what runs comes to its end; then `drained` is called. */
  drain(drained: () => void): void {
    this.drained = drained;
    this.listener.close();
    this.listener.closeIdleConnections();
    this.checkDrained();
  }

  /** Calls `closed` when nothing listens any more; `cut` breaks off what is unfinished. */
  close(cut: boolean, closed: () => void): void {
    this.drained = undefined;
    if (this.listener.listening) this.listener.close(closed);
    else setImmediate(closed);
    if (cut) {
      this.listener.closeAllConnections();
      return;
    }
    // Everything is answered; what is still open must not live on when another pod gets the address.
    this.listener.closeIdleConnections();
    setTimeout(() => this.listener.closeAllConnections(), lastBytesMs).unref();
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.open++;
    response.sendDate = false;
    response.once("close", () => this.closed(response));
    if (this.hanging) return;
    if (!this.listener.listening) {
      // A connection that was busy when SIGTERM came and asks again.
      sendJson(response, 503, { detail: "the server is shutting down" }, ["connection", "close"]);
      return;
    }
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const route = this.routes.get(`${request.method} ${path}`);
    if (route !== undefined) {
      route(request, response);
      return;
    }
    const other = ["GET", "POST"].some((method) => this.routes.has(`${method} ${path}`));
    const headers = this.identity.headers();
    sendJson(response, other ? 405 : 404, { detail: other ? "Method Not Allowed" : "Not Found" }, headers);
  }

  private closed(response: http.ServerResponse): void {
    this.open--;
    if (this.drained === undefined) return;
    response.socket?.end();
    this.checkDrained();
  }

  private checkDrained(): void {
    if (this.open > 0) return;
    this.drained?.();
  }
}
