import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** The API server refused: its status code and message. */
export class ApiRefused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export type PatchType = "merge-patch" | "strategic-merge-patch";

/**
 * Plain JSON requests to the API server over few kept connections. The generated client opens a TLS connection
 * for every request and turns dates into objects; a kubelet writes often, and watches see dates as text.
 */
export class ClusterApi {
  private readonly agent: https.Agent;
  private readonly base: URL;
  private readonly token: string;

  constructor(access: { server: string; ca: Buffer; token: string }) {
    this.agent = new https.Agent({ keepAlive: true, maxSockets: 8, ca: access.ca });
    this.base = new URL(access.server);
    this.token = access.token;
  }

  static ofKubeconfig(config: KubeConfig): ClusterApi {
    const cluster = config.getCurrentCluster();
    const user = config.getCurrentUser();
    if (cluster === null || user?.token === undefined)
      throw new Error("the kubeconfig has no cluster or no token");
    const ca =
      cluster.caData !== undefined
        ? Buffer.from(cluster.caData, "base64")
        : fs.readFileSync(cluster.caFile ?? "");
    return new ClusterApi({ server: cluster.server, ca, token: user.token });
  }

  static ofFiles({
    server,
    caFile,
    tokenFile,
  }: Record<"server" | "caFile" | "tokenFile", string>): ClusterApi {
    const token = fs.readFileSync(tokenFile, "utf8").trim();
    return new ClusterApi({ server, ca: fs.readFileSync(caFile), token });
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>("GET", path);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.request<T>("POST", path, body);
  }

  patch(path: string, type: PatchType, body: unknown): Promise<unknown> {
    return this.request("PATCH", path, body, `application/${type}+json`);
  }

  delete(path: string, body: unknown): Promise<unknown> {
    return this.request("DELETE", path, body);
  }

  close(): void {
    this.agent.destroy();
  }

  private request<T>(method: string, path: string, body?: unknown, type = "application/json"): Promise<T> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise<T>((resolve, reject) => {
      const request = https.request(
        new URL(path, this.base),
        {
          method,
          agent: this.agent,
          timeout: 30_000,
          headers: {
            authorization: `Bearer ${this.token}`,
            accept: "application/json",
            ...(payload === undefined
              ? {}
              : { "content-type": type, "content-length": Buffer.byteLength(payload) }),
          },
        },
        (response) => answered(response, (answer) => resolve(answer as T), reject),
      );
      request.once("timeout", () => request.destroy(new Error(`${method} ${path}: no answer within 30 s`)));
      request.once("error", reject);
      request.end(payload);
    });
  }
}

function answered(
  response: http.IncomingMessage,
  resolve: (body: unknown) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  response.once("error", reject);
  response.once("end", () => {
    const text = Buffer.concat(chunks).toString();
    const status = response.statusCode ?? 0;
    try {
      const body = JSON.parse(text) as unknown;
      if (status < 300) resolve(body);
      else reject(new ApiRefused(status, (body as { message?: string }).message ?? text));
    } catch {
      reject(new ApiRefused(status, text));
    }
  });
}
