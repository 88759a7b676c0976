import * as http from "node:http";
import * as https from "node:https";
import { connectTo, type Endpoint } from "../config/endpoint";

/** How somebody behind a gateway is asked: the candidate by the preview header, the service as customers do. */
export interface Way {
  /** Who is asked, for what is told of the answer. */
  who: string;
  /** The gateway's own address. */
  address: string;
  endpoint: Endpoint;
  header?: { name: string; value: string };
}

export const unreachablePrefix = "the gateway cannot be reached";

/** Asks for one token. @returns what is wrong; undefined: it answered. */
export async function answerFor(way: Way, model: string): Promise<string | undefined> {
  const body = JSON.stringify({ model, prompt: "ready?", max_tokens: 1 });
  try {
    const { status, text } = await send({ ...requestTo(way), method: "POST", path: "/v1/completions", body });
    if (status === 200) return undefined;
    return `${way.who} answered ${status} for model ${model}: ${beginOf(text)}`;
  } catch (error) {
    return unreachable(way, error as Error);
  }
}

/** Asks for the models and adapters that are loaded. @returns their names, or what is wrong, in words. */
export async function listOf(way: Way): Promise<readonly string[] | string> {
  try {
    const { status, text } = await send({ ...requestTo(way), method: "GET", path: "/v1/models" });
    if (status !== 200) return `${way.who} answered ${status} for its list of models: ${beginOf(text)}`;
    return namesIn(text);
  } catch (error) {
    return unreachable(way, error as Error);
  }
}

const beginOf = (text: string): string => text.slice(0, 200).trim();

/** What is no JSON lists nothing, and the caller says what is missing. */
function namesIn(body: string): string[] {
  try {
    const { data = [] } = JSON.parse(body) as { data?: { id?: string }[] };
    return data.flatMap(({ id }) => (id === undefined ? [] : [id]));
  } catch {
    return [];
  }
}

const hostAndPort = ({ address, endpoint }: Way): [string, string] => {
  const { host, port } = connectTo(endpoint, address);
  return [host, String(port)];
};

function unreachable(way: Way, error: Error): string {
  return `${unreachablePrefix} at ${hostAndPort(way).join(":")} (${error.message})`;
}

interface Exchange {
  tls: boolean;
  host: string;
  port: number;
  headers: Record<string, string>;
  servername?: string;
  method: "GET" | "POST";
  path: string;
  body?: string;
}

function requestTo(way: Way): Omit<Exchange, "method" | "path"> {
  const { endpoint, header } = way;
  const [host, port] = hostAndPort(way);
  return {
    tls: endpoint.tls,
    host,
    port: Number(port),
    headers: {
      ...(header === undefined ? {} : { [header.name]: header.value }),
      "content-type": "application/json",
      host: endpoint.hostname ?? host,
    },
    ...(endpoint.hostname === undefined ? {} : { servername: endpoint.hostname }),
  };
}

function send(options: Exchange): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = (options.tls ? https : http).request(
      {
        host: options.host,
        port: options.port,
        method: options.method,
        path: options.path,
        headers: {
          ...options.headers,
          ...(options.body === undefined ? {} : { "content-length": Buffer.byteLength(options.body) }),
        },
        timeout: 30_000,
        ...(options.servername === undefined ? {} : { servername: options.servername }),
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer for 30 s")));
    request.on("error", reject);
    request.end(options.body);
  });
}
