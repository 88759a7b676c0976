import * as http from "node:http";
import * as https from "node:https";
import { connectTo, type Endpoint } from "../../components/gateways/endpoint";
import { requestFor, type EndpointName } from "../answers/endpoints";
import { type Fault } from "../answers/fault";
import { judgeAnswer } from "../answers/judge";
import { isFault, modelsIn, type ListedModel } from "../answers/list";
import { wayOut } from "../messages/ways-out";

/** How to send a request through a gateway: to a pool by the preview header, to the service as customers do. */
export interface Way {
  /** The pool or service, as messages name it. */
  who: string;
  /** The gateway's own address. */
  address: string;
  endpoint: Endpoint;
  header?: { name: string; value: string };
  /** The API that its models serve. */
  api: EndpointName;
  /** What its servers want in Authorization; never in a message. */
  apiKey?: string;
}

export const unreachablePrefix = "could not connect to the gateway";

/** What one request may take. */
const seconds = 30;

/** Few enough to be quick, and enough that a model which begins with an empty token has said something. */
const tokens = 8;

/** What came of a request to a model: an answer, one that is wrong, or none at all. */
export type Answered = { came: "answer" } | { came: "fault" | "nothing"; text: string };

/** With these a gateway says that nothing came in its own time. */
const timeouts: ReadonlySet<number> = new Set([408, 504]);

/** Asks a model for some tokens, or for what its API gives. */
export async function answerFor(way: Way, model: string): Promise<Answered> {
  const { path, body } = requestFor(way.api, { model, prompt: "ready?", maxTokens: tokens });
  try {
    const { status, text } = await send(way, { method: "POST", path, body: JSON.stringify(body) });
    const fault = judgeAnswer(way.api, status, text);
    if (fault === undefined) return { came: "answer" };
    const came = timeouts.has(status) ? "nothing" : "fault";
    return { came, text: said(way, status, `for model ${model}`, fault) };
  } catch (error) {
    return { came: "nothing", text: unanswered(way, `for model ${model}`, error as Error) };
  }
}

/** Asks for the models and adapters that are loaded. @returns them, or what is wrong, in words. */
export async function listOf(way: Way): Promise<readonly ListedModel[] | string> {
  try {
    const { status, text } = await send(way, { method: "GET", path: "/v1/models" });
    const models = modelsIn(status, text);
    return isFault(models) ? said(way, status, "for its list of models", models, "list") : models;
  } catch (error) {
    return unanswered(way, "for its list of models", error as Error);
  }
}

/** Asks a model server for its metrics. @returns its answer, or in words why it could not be asked. */
export async function metricsOf(way: Way): Promise<{ status: number; text: string } | string> {
  try {
    return await send(way, { method: "GET", path: "/metrics" });
  } catch (error) {
    return unanswered(way, "for its metrics", error as Error);
  }
}

/** "llm-new answered 404 for model chat: the server's words; the fix". */
function said(
  way: Way,
  status: number,
  asked: string,
  fault: Fault,
  what: "model" | "list" = "model",
): string {
  const out = what === "list" && fault.kind !== "key" ? undefined : wayOut(fault, way);
  return hidden(
    `${way.who} answered ${status} ${asked}: ${fault.text}${out === undefined ? "" : `; ${out}`}`,
    way.apiKey,
  );
}

/** Servers repeat a key that they refuse. */
function hidden(text: string, secret: string | undefined): string {
  return secret === undefined ? text : text.replaceAll(secret, "(a secret)");
}

const hostAndPort = ({ address, endpoint }: Way): [string, string] => {
  const { host, port } = connectTo(endpoint, address);
  return [host, String(port)];
};

/** The gateway took the request, and no whole answer came: that is the fault of who was asked. */
class NoAnswer extends Error {}

/** What came of a request without an answer. */
function unanswered(way: Way, asked: string, error: Error): string {
  return error instanceof NoAnswer
    ? `${way.who} did not answer ${asked}: ${error.message}`
    : `${unreachablePrefix} at ${hostAndPort(way).join(":")} (${error.message})`;
}

interface Exchange {
  method: "GET" | "POST";
  path: string;
  body?: string;
}

function headersOf(way: Way, body: string | undefined): Record<string, string | number> {
  const { endpoint, header, apiKey } = way;
  return {
    ...(header === undefined ? {} : { [header.name]: header.value }),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    "content-type": "application/json",
    host: endpoint.hostname ?? hostAndPort(way)[0],
    ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
  };
}

function send(way: Way, { method, path, body }: Exchange): Promise<{ status: number; text: string }> {
  const { tls, hostname } = way.endpoint;
  const [host, port] = hostAndPort(way);
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(isConnected ? new NoAnswer(error.message, { cause: error }) : error);
    };
    const request = (tls ? https : http).request(
      {
        host,
        port: Number(port),
        method,
        path,
        headers: headersOf(way, body),
        ...(hostname === undefined ? {} : { servername: hostname }),
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() });
        });
        response.on("error", fail);
      },
    );
    request.on("socket", (socket) => {
      // One that was kept alive has been connected before.
      if (!socket.connecting) isConnected = true;
      else socket.once(tls ? "secureConnect" : "connect", () => (isConnected = true));
    });
    request.on("error", fail);
    // For the whole of it: a body may come in drops for ever.
    const timer = setTimeout(
      () => request.destroy(new Error(`no whole answer within ${seconds} s`)),
      seconds * 1000,
    );
    request.end(body);
  });
}
