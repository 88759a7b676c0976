import * as http from "node:http";
import type { AddressInfo } from "node:net";

/** What the proxy does to an answer. */
export interface Alteration {
  /** Paths that it is done to; default: all. */
  path?: RegExp;
  /** How many answers; default: all of them. */
  times?: number;
  /** Another status and body instead. */
  status?: number;
  /** Text of the answer that is changed, wherever it stands. */
  replace?: readonly [RegExp, string];
  /** The connection is cut after so many bytes of the body. */
  cutAfter?: number;
}

/** Stands between a client and a server, and spoils answers: so that what counts failures is seen to count them. */
export class AlteringProxy {
  /** How many answers were altered. */
  altered = 0;
  private alteration: Alteration = {};

  private constructor(
    private readonly server: http.Server,
    readonly url: string,
  ) {}

  static async start(target: string): Promise<AlteringProxy> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const proxy = new AlteringProxy(server, `http://127.0.0.1:${port}`);
    server.on("request", (request, response) => proxy.forward(target, request, response));
    return proxy;
  }

  /** From now on. */
  alter(alteration: Alteration): void {
    this.alteration = alteration;
    this.altered = 0;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private forward(target: string, request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method, headers, url = "/" } = request;
    const alteration = this.alterationOf(url);
    const upstream = http.request(`${target}${url}`, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        this.answer(response, answer, body, alteration);
      });
    });
    upstream.on("error", () => response.destroy());
    request.pipe(upstream);
  }

  private alterationOf(url: string): Alteration {
    const { path, times = Infinity } = this.alteration;
    if (this.altered >= times || path?.test(url) === false) return {};
    if (Object.keys(this.alteration).length > 0) this.altered++;
    return this.alteration;
  }

  private answer(
    response: http.ServerResponse,
    { statusCode = 502, headers }: http.IncomingMessage,
    body: string,
    { status, replace, cutAfter }: Alteration,
  ): void {
    if (status !== undefined) {
      const error = { message: "altered", type: "InternalServerError", param: null, code: status };
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ error }));
      return;
    }
    const others = { ...headers };
    delete others["content-length"];
    response.writeHead(statusCode, others);
    const changed = replace === undefined ? body : body.replace(...replace);
    if (cutAfter === undefined) response.end(changed);
    else response.write(changed.slice(0, cutAfter), () => response.destroy());
  }
}
