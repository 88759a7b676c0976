import type { IncomingMessage, ServerResponse } from "node:http";

/** An error that a client is told, in vLLM's words and shape. */
export class RequestRefused extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

export function sendText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: readonly string[],
): void {
  const length = String(Buffer.byteLength(text));
  response.writeHead(status, ["content-type", type, "content-length", length, ...headers]);
  response.end(text);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: readonly string[],
): void {
  sendText(response, status, "application/json", JSON.stringify(body), headers);
}

/** `{"error": {"message", "type", "param", "code"}}`, vLLM's ErrorResponse. */
export function sendError(response: ServerResponse, error: RequestRefused, headers: readonly string[]): void {
  const { message, type, param, status: code } = error;
  sendJson(response, code, { error: { message, type, param, code } }, headers);
}

const longestBody = 16 * 2 ** 20;

/** Calls `done` with the body, or answers 413 and does not. */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  done: (body: Buffer) => void,
): void {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > longestBody) {
      response.writeHead(413).end();
      request.destroy();
    } else if (first === undefined) first = chunk;
    else (more ??= [first]).push(chunk);
  });
  request.on("end", () => done(more === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(more)));
}

/** @throws RequestRefused 400 where the body is no JSON object. */
export function parseObject(body: Buffer): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new RequestRefused(400, "BadRequestError", `Invalid JSON: ${detail}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new RequestRefused(400, "BadRequestError", "Input should be a valid dictionary");
  }
  return parsed as Record<string, unknown>;
}
