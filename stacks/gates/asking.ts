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

/** Few enough to be quick, and enough that a model which begins with an empty token has said something. */
const tokens = 8;

/** Requests at once: what two servers can have in their batches, where each request is for another adapter. */
const atOnce = 8;

/** Between two reports of how far many questions are. */
const reportMs = 10_000;

/** What is wrong with an answer; silent: none came, so that asking for more would only wait as long again. */
interface Wrong {
  text: string;
  silent: boolean;
}

/** Asks a model for some tokens, or for what its API gives. @returns what is wrong; undefined: it answered. */
async function answerFor(way: Way, model: string): Promise<Wrong | undefined> {
  const { path, body } = requestFor(way.api, { model, prompt: "ready?", maxTokens: tokens });
  try {
    const { status, text } = await send(way, { method: "POST", path, body: JSON.stringify(body) });
    const fault = judgeAnswer(way.api, status, text);
    return fault === undefined
      ? undefined
      : { text: said(way, status, `for model ${model}`, fault), silent: false };
  } catch (error) {
    return { text: unanswered(way, `for model ${model}`, error as Error), silent: true };
  }
}

/** What came of asking for several names. */
export interface Answers {
  /** In the order of the names: what is wrong; undefined: it answered, or was not asked. */
  faults: readonly (string | undefined)[];
  /** Whether no answer at all came for a name: that says nothing about the names that a pool serves. */
  silent: boolean;
  /** How many names were not asked because of that. */
  unasked: number;
}

/**
 * The same for several names, a few at a time: a server holds few adapters at once, and with many of them the last one
 * asked would have no answer before its time is up. Where no answer comes, the others are not asked: with many names
 * nobody would hear of it for minutes.
 * @param report called every ten seconds with how far it is.
 */
export async function answersFor(
  way: Way,
  models: readonly string[],
  report: (text: string) => void = () => undefined,
): Promise<Answers> {
  const faults: (string | undefined)[] = models.map(() => undefined);
  let [asked, answered, silent] = [0, 0, false];
  const askOn = async (): Promise<void> => {
    for (let i = asked; i < models.length && !silent; i = asked) {
      asked++;
      const wrong = await answerFor(way, models[i] ?? "");
      faults[i] = wrong?.text;
      silent ||= wrong?.silent === true;
      answered++;
    }
  };
  const timer = setInterval(
    () => report(`${way.who} has answered for ${answered} of ${models.length} model names`),
    reportMs,
  );
  try {
    await Promise.all(Array.from({ length: atOnce }, askOn));
  } finally {
    clearInterval(timer);
  }
  return { faults, silent, unasked: models.length - asked };
}

/** What is missing of answers, in words; empty: all of them came and were right. */
export function wordsOf({ who }: Way, { faults, unasked }: Answers): string[] {
  return [
    ...new Set(faults.filter((text) => text !== undefined)),
    ...(unasked === 0 ? [] : [`${who} was not asked for ${unasked} more model names meanwhile`]),
  ];
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
    const fail = (error: Error): void =>
      reject(isConnected ? new NoAnswer(error.message, { cause: error }) : error);
    const request = (tls ? https : http).request(
      {
        host,
        port: Number(port),
        method,
        path,
        headers: headersOf(way, body),
        timeout: 30_000,
        ...(hostname === undefined ? {} : { servername: hostname }),
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() }),
        );
        response.on("error", fail);
      },
    );
    request.on("socket", (socket) => {
      // One that was kept alive has been connected before.
      if (!socket.connecting) isConnected = true;
      else socket.once(tls ? "secureConnect" : "connect", () => (isConnected = true));
    });
    request.on("timeout", () => request.destroy(new Error("no response within 30 s")));
    request.on("error", fail);
    request.end(body);
  });
}
