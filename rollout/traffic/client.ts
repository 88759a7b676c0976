import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import { requestFor, streams, type EndpointName } from "../../stacks/answers/endpoints";
import type { Fault } from "../../stacks/answers/fault";
import { judgeAnswer } from "../../stacks/answers/judge";
import { StreamJudge } from "../../stacks/answers/stream";
import type { Outcome, Target } from "./outcome";

/** How to send requests to a service. */
export interface Asking {
  /** Response header in which servers name their pool. Default: {@link servedBy}. */
  poolHeader?: string;
  /** The API that its models serve. Default: completions. */
  endpoint?: EndpointName;
  /** Sent as `Authorization: Bearer`; never shown. Default: none. */
  apiKey?: string;
}

/** Whether the API can answer with a stream of events. */
export function answersInStreams({ endpoint = "completions" }: Asking = {}): boolean {
  return streams(endpoint);
}

/** A client of the inference service, as an application would have one: connections are kept and used again. */
export class InferenceClient {
  private readonly agent: http.Agent;

  constructor(
    private readonly target: Target,
    private readonly asking: Asking = {},
  ) {
    const options = { keepAlive: true, maxSockets: 2000 };
    this.agent = target.tls === true ? new https.Agent(options) : new http.Agent(options);
  }

  /** One completion. Never rejects: what went wrong is in the outcome. */
  complete(request: {
    kind: Outcome["kind"];
    model: string;
    maxTokens: number;
    headers?: Readonly<Record<string, string>>;
  }): Promise<Outcome> {
    const { kind, model } = request;
    const { endpoint = "completions", apiKey, poolHeader = servedBy } = this.asking;
    const { path, body: fields } = requestFor(endpoint, {
      model,
      prompt: "Once upon a time",
      maxTokens: request.maxTokens,
      stream: kind === "stream",
    });
    const body = JSON.stringify(fields);
    const outcome: Outcome = { kind, model, startedAt: now(), answeredAt: 0, endedAt: 0, status: 0 };
    return new Promise((resolve) => {
      const finish = (failure?: string): void => {
        if (outcome.endedAt !== 0) return;
        outcome.endedAt = now();
        if (failure !== undefined)
          outcome.failure = apiKey === undefined ? failure : failure.replaceAll(apiKey, "(a secret)");
        resolve(outcome);
      };
      const { host, port, tls, hostname = host } = this.target;
      const sent = (tls === true ? https : http).request(
        {
          host,
          port,
          // An address is no name of a server (RFC 6066).
          ...(tls === true && isIP(hostname) === 0 ? { servername: hostname } : {}),
          agent: this.agent,
          method: "POST",
          path,
          timeout: silenceMs,
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
            host: hostname,
            ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
            ...request.headers,
          },
        },
        (response) => read(response, outcome, { endpoint, poolHeader }, finish),
      );
      sent.on("timeout", () => sent.destroy(new Error(`no data for ${silenceMs / 1000} s`)));
      sent.on("error", (error) => finish(error.message));
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** After this long without a byte, the request counts as failed. */
const silenceMs = 60_000;

function read(
  response: http.IncomingMessage,
  outcome: Outcome,
  { endpoint, poolHeader }: { endpoint: EndpointName; poolHeader: string },
  finish: (failure?: string) => void,
): void {
  const { headers } = response;
  outcome.answeredAt = now();
  outcome.status = response.statusCode ?? 0;
  for (const [field, header] of Object.entries({ ...identityHeaders, pool: poolHeader })) {
    const value = headers[header.toLowerCase()];
    if (typeof value === "string") outcome[field as keyof typeof identityHeaders] = value;
  }
  const check: BodyCheck = outcome.kind === "stream" ? new StreamJudge(endpoint) : plainCheck(endpoint);
  response.on("data", (piece: Buffer) => check.take(piece));
  response.on("error", (error) => finish(`cut off: ${error.message}`));
  response.on("aborted", () => finish("cut off"));
  response.on("end", () => {
    const fault = check.end(outcome.status);
    if (fault !== undefined) outcome.fault = fault.kind;
    finish(
      fault === undefined || outcome.status === 200 ? fault?.text : `HTTP ${outcome.status}: ${fault.text}`,
    );
  });
}

/** Header of the lab's model servers; those of other engines say nothing of their pool by themselves. */
export const servedBy = "x-served-by-pool";

const identityHeaders = {
  pool: servedBy,
  pod: "x-served-by-pod",
  node: "x-served-by-node",
  servedModel: "x-served-model",
  adapter: "x-served-adapter",
} as const;

interface BodyCheck {
  take: (piece: Buffer) => void;
  /** What is wrong with a body that came to its end; undefined: it is whole. */
  end: (status: number) => Fault | undefined;
}

function plainCheck(endpoint: EndpointName): BodyCheck {
  const pieces: Buffer[] = [];
  return {
    take: (piece) => pieces.push(piece),
    end: (status) => judgeAnswer(endpoint, status, Buffer.concat(pieces).toString()),
  };
}

/** Milliseconds since the epoch, as it was when this process started: a clock that is set changes no duration. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
