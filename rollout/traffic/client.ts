import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import type { Outcome, Target } from "./outcome";

/** A client of the inference service, as an application would have one: connections are kept and used again. */
export class InferenceClient {
  private readonly agent: http.Agent;

  /** @param poolHeader response header in which servers name their pool. Default: {@link servedBy}. */
  constructor(
    private readonly target: Target,
    private readonly poolHeader: string = servedBy,
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
    const body = JSON.stringify({
      model,
      prompt: "Once upon a time",
      max_tokens: request.maxTokens,
      stream: kind === "stream",
    });
    const outcome: Outcome = { kind, model, startedAt: now(), answeredAt: 0, endedAt: 0, status: 0 };
    return new Promise((resolve) => {
      const finish = (failure?: string): void => {
        if (outcome.endedAt !== 0) return;
        outcome.endedAt = now();
        if (failure !== undefined) outcome.failure = failure;
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
          path: "/v1/completions",
          timeout: silenceMs,
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
            host: hostname,
            ...request.headers,
          },
        },
        (response) =>
          read(response, outcome, { tokens: request.maxTokens, poolHeader: this.poolHeader }, finish),
      );
      sent.on("timeout", () => sent.destroy(new Error(`nothing for ${silenceMs / 1000} s`)));
      sent.on("error", (error) => finish(error.message));
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** A service that says nothing for so long has failed its customer. */
const silenceMs = 60_000;

function read(
  response: http.IncomingMessage,
  outcome: Outcome,
  { tokens, poolHeader }: { tokens: number; poolHeader: string },
  finish: (failure?: string) => void,
): void {
  const { headers } = response;
  outcome.answeredAt = now();
  outcome.status = response.statusCode ?? 0;
  for (const [field, header] of Object.entries({ ...identityHeaders, pool: poolHeader })) {
    const value = headers[header];
    if (typeof value === "string") outcome[field as keyof typeof identityHeaders] = value;
  }
  const check = outcome.kind === "stream" ? streamCheck(tokens) : plainCheck();
  response.on("data", (chunk: Buffer) => check.take(chunk.toString()));
  response.on("error", (error) => finish(`cut off: ${error.message}`));
  response.on("aborted", () => finish("cut off"));
  response.on("end", () => {
    if (outcome.status !== 200) finish(`HTTP ${outcome.status}: ${check.text().slice(0, 200)}`);
    else finish(check.complaint());
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
  take: (text: string) => void;
  text: () => string;
  /** What is wrong with a body that came to its end; undefined: it is whole. */
  complaint: () => string | undefined;
}

function plainCheck(): BodyCheck {
  let body = "";
  return {
    take: (text) => (body += text),
    text: () => body,
    complaint: () => {
      try {
        const { choices } = JSON.parse(body) as { choices?: unknown[] };
        return choices?.length === 1 ? undefined : "an answer without a choice";
      } catch {
        return "an answer that is no JSON";
      }
    },
  };
}

/** A stream is whole when every token came and then the end mark; only the end of the text is kept. */
function streamCheck(tokens: number): BodyCheck {
  let events = 0;
  let rest = "";
  let done = false;
  return {
    take: (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "data: [DONE]") done = true;
        else if (line.startsWith("data: ")) events++;
      }
    },
    text: () => rest,
    complaint: () => {
      if (!done) return `a stream that ended after ${events} events without its end mark`;
      return events >= tokens ? undefined : `a stream of ${events} events for ${tokens} tokens`;
    },
  };
}

/** Milliseconds since the epoch, finer than Date.now(). */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
