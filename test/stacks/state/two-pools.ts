import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { passGate, type GateTask } from "../../../stacks/gates/gate";
import type { StableTask } from "../../../stacks/gates/stable-names";

export const header = { name: "x-inference-preview", value: "secret" };
export const stableHeader = { name: "x-inference-preview", value: "stable-secret" };

/** What the servers of a pool answer. */
export interface Behaviour {
  /** Base model names, listed and answered. */
  names: string[];
  /** Adapters, listed with a parent and answered. */
  adapters: string[];
  /** SGLang: answers any name. */
  any?: boolean;
  /** Wants `Authorization: Bearer KEY`. */
  key?: string;
  /** Instead of a list of models. */
  list?: { status: number; body: string };
  /** What its servers report to the picker. */
  metrics?: { status: number; body: string };
  /** Instead of an answer, by the path that is asked. */
  answer?: (path: string) => { status: number; body: string } | undefined;
}

const completion = {
  choices: [{ index: 0, text: " Yes", finish_reason: "length" }],
  usage: { completion_tokens: 8 },
};

/** A gateway with two pools behind it, reached by the values of a header as through the preview route. */
export class TwoPools {
  candidate: Behaviour = { names: ["Qwen/Qwen3-8B"], adapters: [] };
  stable: Behaviour = { names: ["Qwen/Qwen3-8B"], adapters: [] };
  /** Requests by pool and path. */
  asked: string[] = [];
  /** Ready model servers of the stable pool; undefined: there is no such pool. */
  stableServers: number | undefined = 1;
  rewrites: LiveObject[] = [];
  /** Labels of every pod beside the selector's. */
  podLabels: Record<string, string> = {};
  private readonly server = http.createServer((request, response) => {
    const value = request.headers[header.name];
    const who = value === header.value ? "candidate" : value === stableHeader.value ? "stable" : undefined;
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      const { status, body: text } = this.reply(who, request.url ?? "", request.headers.authorization, body);
      response.writeHead(status).end(text);
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private reply(
    who: "candidate" | "stable" | undefined,
    path: string,
    authorization: string | undefined,
    body: string,
  ): { status: number; body: string } {
    this.asked.push(`${who ?? "customers"} ${path}`);
    if (who === undefined) return { status: 500, body: "the gate asked as customers do" };
    const behaviour = this[who];
    const { names, adapters, any, key, list, answer, metrics } = behaviour;
    if (path === "/metrics") return metrics ?? { status: 404, body: "" };
    if (key !== undefined && authorization !== `Bearer ${key}`) {
      return { status: 401, body: JSON.stringify({ error: `Unauthorized: ${authorization ?? "no key"}` }) };
    }
    if (path === "/v1/models") {
      const data = [
        ...names.map((id) => ({ id, parent: null })),
        ...adapters.map((id) => ({ id, parent: names[0] })),
      ];
      return list ?? { status: 200, body: JSON.stringify({ object: "list", data }) };
    }
    const special = answer?.(path);
    if (special !== undefined) return special;
    const { model } = JSON.parse(body) as { model: string };
    if (any === true || [...names, ...adapters].includes(model)) {
      return { status: 200, body: JSON.stringify(completion) };
    }
    const message = `The model \`${model}\` does not exist.`;
    return { status: 404, body: JSON.stringify({ error: { message, type: "NotFoundError", code: 404 } }) };
  }

  readonly reader: ClusterReader = {
    get: (url) => {
      if (url.endsWith("/inferencepools/llm") && this.stableServers === undefined)
        return Promise.resolve(undefined);
      const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({ type, status: "True" }));
      return Promise.resolve({
        metadata: { name: "x", namespace: "default" },
        spec: { selector: { matchLabels: { app: "llm" } } },
        status: url.includes("/gateways/")
          ? { addresses: [{ value: "127.0.0.1" }] }
          : { parents: [{ parentRef: { name: "gateway" }, conditions }] },
      });
    },
    list: (url) => {
      if (url.endsWith("/inferencemodelrewrites")) return Promise.resolve(this.rewrites);
      if (!url.endsWith("/pods")) return Promise.resolve([]);
      return Promise.resolve(
        Array.from({ length: this.stableServers ?? 0 }, (_, i) => ({
          metadata: { name: `llm-${i}`, labels: { app: "llm", ...this.podLabels } },
          status: { conditions: [{ type: "Ready", status: "True" }] },
        })),
      );
    },
  };

  readonly stableTask: StableTask = {
    pool: { name: "llm", namespace: "default" },
    header: stableHeader,
    versions: [],
    without: "WITHOUT",
    remedy: { by: "aliases", next: 0, model: true },
  };

  pass(task: Partial<GateTask>): Promise<void> {
    const { port } = this.server.address() as AddressInfo;
    return passGate(
      this.reader,
      {
        via: "gateway",
        api: "completions",
        pool: { name: "llm-new", namespace: "default" },
        models: [],
        previewRoute: { name: "preview", namespace: "default" },
        gateway: { name: "gateway", namespace: "default" },
        endpoint: { port, tls: false },
        header,
        ...task,
      },
      { timeoutSeconds: 0 },
    );
  }
}

/** A gate that closes with these words; the route is as it was. */
export const says = (...texts: string[]): ((error: Error) => boolean) => {
  return ({ message }) => {
    for (const text of [...texts, "The route was not changed"]) {
      if (!message.includes(text)) throw new Error(`not "${text}" in:\n${message}`);
    }
    return true;
  };
};
