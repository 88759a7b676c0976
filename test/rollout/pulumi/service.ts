import { randomUUID } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/*
 * As much of Pulumi Cloud's API as the CLI needs for stacks, updates, history and secrets; the shapes are those of
 * Pulumi's own apitype package. It keeps everything in memory and trusts everybody: a stand-in for tests, no backend.
 */

type Json = Record<string, unknown>;

export interface CloudUpdate extends Json {
  kind: string;
  version: number;
  result: string;
}

interface CloudStack {
  version: number;
  deployment: Json;
  /** Newest first. */
  updates: CloudUpdate[];
  tags: Json;
  /** What was asked for and is not complete yet, by its id. */
  underWay: Map<string, { kind: string; request: Json; startTime: number }>;
}

interface Asked {
  method: string;
  /** Below the stack: ["update", "<id>", "complete"]. */
  rest: readonly string[];
  body: Json;
}

/** The organisation whose stacks these are. */
export const organization = "acme";

const nothing = {
  version: 3,
  deployment: { manifest: { time: "0001-01-01T00:00:00Z", magic: "", version: "" } },
};
const kinds = ["update", "preview", "refresh", "destroy"];
const seconds = (): number => Math.floor(new Date().getTime() / 1000);

/** Not readable at a glance, which is all that a test asks of it. */
const scrambled = (base64: unknown): string =>
  Buffer.from(String(base64), "base64").reverse().toString("base64");

export class CloudService {
  private readonly stacks = new Map<string, CloudStack>();
  private readonly server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString();
      const body = text === "" ? {} : (JSON.parse(text) as Json);
      const answer = this.answer(
        request.method ?? "",
        new URL(request.url ?? "", "http://localhost").pathname,
        body,
      );
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? { code: 404, message: "not found" }));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Makes a stack. @param updates its history, newest first. */
  add(project: string, stack: string, updates: CloudUpdate[] = []): void {
    const version = updates[0]?.version ?? 0;
    this.stacks.set(`${project}/${stack}`, {
      version,
      deployment: nothing,
      updates,
      tags: {},
      underWay: new Map(),
    });
  }

  /** History of a stack, newest first. */
  updates(project: string, stack: string): readonly CloudUpdate[] {
    return this.stacks.get(`${project}/${stack}`)?.updates ?? [];
  }

  private answer(method: string, path: string, body: Json): Json | undefined {
    const parts = path.split("/").slice(2);
    switch (path) {
      case "/api/user":
        return { githubLogin: organization, name: "Acme", organizations: [{ githubLogin: organization }] };
      case "/api/user/organizations/default":
        return { githubLogin: organization };
      case "/api/capabilities":
        return { capabilities: [] };
    }
    const [kind, owner, project = "", name, ...rest] = parts;
    if (kind !== "stacks" || owner !== organization) return undefined;
    if (name === undefined) return this.project(method, project, body);
    const stack = this.stacks.get(`${project}/${name}`);
    if (stack === undefined) return undefined;
    if (rest.length === 0) {
      const { version, tags } = stack;
      return {
        orgName: organization,
        projectName: project,
        stackName: name,
        version,
        tags,
        activeUpdate: "",
      };
    }
    return this.ofStack(stack, { method, rest, body });
  }

  private project(method: string, project: string, body: Json): Json | undefined {
    if (method !== "POST") {
      return [...this.stacks.keys()].some((key) => key.startsWith(`${project}/`)) ? {} : undefined;
    }
    this.add(project, String(body["stackName"]));
    return {};
  }

  private ofStack(stack: CloudStack, { method, rest, body }: Asked): Json | undefined {
    const [what = "", id, step] = rest;
    if (kinds.includes(what)) return this.ofUpdate(stack, what, id, step, body);
    switch (`${method} ${rest.join("/")}`) {
      case "GET export":
        return stack.deployment;
      case "PATCH tags":
        stack.tags = body;
        return {};
      case "GET updates":
        return { updates: stack.updates };
      case "GET updates/latest":
        return stack.updates[0] === undefined ? undefined : { info: stack.updates[0] };
      case "POST encrypt":
        return { ciphertext: scrambled(body["plaintext"]) };
      case "POST decrypt":
        return { plaintext: scrambled(body["ciphertext"]) };
      case "POST batch-encrypt":
        return { ciphertexts: (body["plaintexts"] as string[]).map(scrambled) };
      case "POST batch-decrypt":
        return {
          plaintexts: Object.fromEntries(
            (body["ciphertexts"] as string[]).map((one) => [one, scrambled(one)]),
          ),
        };
      default:
        return undefined;
    }
  }

  private ofUpdate(
    stack: CloudStack,
    kind: string,
    id: string | undefined,
    step: string | undefined,
    body: Json,
  ): Json | undefined {
    if (id === undefined) {
      const updateID = randomUUID();
      stack.underWay.set(updateID, { kind, request: body, startTime: seconds() });
      return { updateID };
    }
    const lease = { token: "lease", tokenExpiration: seconds() + 3600 };
    switch (step) {
      case undefined:
        return { version: stack.version + (kind === "preview" ? 0 : 1), ...lease };
      case "renew_lease":
        return lease;
      case "checkpoint":
        stack.deployment = { version: body["version"], deployment: body["deployment"] };
        return {};
      case "checkpointverbatim":
        stack.deployment = body["untypedDeployment"] as Json;
        return {};
      case "events":
        return {};
      case "complete":
        this.complete(stack, id, String(body["status"]));
        return {};
      default:
        return undefined;
    }
  }

  private complete(stack: CloudStack, id: string, result: string): void {
    const found = stack.underWay.get(id);
    stack.underWay.delete(id);
    if (found === undefined || found.kind === "preview") return;
    const { kind, request, startTime } = found;
    stack.version++;
    stack.updates.unshift({
      kind,
      startTime,
      endTime: seconds(),
      result,
      version: stack.version,
      config: request["config"],
      ...(request["metadata"] as Json),
    });
  }
}
