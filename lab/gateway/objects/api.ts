import type { KubeConfig } from "@kubernetes/client-node";
import * as https from "node:https";

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    what: string,
    body: string,
  ) {
    super(`${what}: ${status} ${body.slice(0, 500)}`);
  }
}

/**
 * The API server over connections that stay open: the library's clients make a new one for every request, and a
 * status is to be written within milliseconds. Objects come as they are sent, without conversion.
 */
export class Api {
  private readonly agent: https.Agent;
  private readonly server: string;

  constructor(private readonly kubeconfig: KubeConfig) {
    this.server = kubeconfig.getCurrentCluster()?.server ?? "";
    this.agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
  }

  get(path: string): Promise<unknown> {
    return this.request("GET", path);
  }

  /** Merge patch: lists are replaced as a whole. */
  mergePatch(path: string, body: unknown): Promise<unknown> {
    return this.request("PATCH", path, body, "application/merge-patch+json");
  }

  delete(path: string): Promise<unknown> {
    return this.request("DELETE", path);
  }

  close(): void {
    this.agent.destroy();
  }

  private async request(method: string, path: string, body?: unknown, type?: string): Promise<unknown> {
    const options: https.RequestOptions = { method, timeout: 30_000 };
    await this.kubeconfig.applyToHTTPSOptions(options);
    options.agent = this.agent;
    const headers = options.headers as Record<string, string> | undefined;
    if (type !== undefined) options.headers = { ...headers, "content-type": type };
    const text = await new Promise<string>((resolve, reject) => {
      const request = https.request(`${this.server}${path}`, options, (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (answer += chunk));
        response.once("error", reject);
        response.once("end", () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(answer);
          else reject(new ApiError(status, `${method} ${path}`, answer));
        });
      });
      request.once("timeout", () => request.destroy(new Error(`${method} ${path}: no answer within 30 s`)));
      request.once("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return JSON.parse(text);
  }
}
