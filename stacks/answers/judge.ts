import type { EndpointName } from "./endpoints";
import { brief, errorIn, faultOfStatus, htmlTitle, isObject, kindOf, parsed, type Fault } from "./fault";

/*
 * One judge of answers, for the gate, for `rollout verify` and for the rehearsal. Pure: status and body in, what is
 * wrong out. Streams: see stream.ts, which judges each event by what is here.
 */

/**
 * Judges an answer that came as a whole to a request for tokens, embeddings or scores.
 * @returns what is wrong with it; undefined: it is an answer.
 */
export function judgeAnswer(endpoint: EndpointName, status: number, text: string): Fault | undefined {
  if (status !== 200) return faultOfStatus(status, text);
  const body = parsed(text);
  if (body === undefined) return broken(noJson(text));
  const error = errorIn(body);
  // Servers have answered 200 with an error where the model does not serve the API.
  if (error !== undefined) return { kind: kindOf(200, error), text: brief(`an error: ${error}`) };
  const wrong = shapes[endpoint](body);
  return wrong === undefined ? undefined : broken(wrong);
}

export function noJson(text: string): string {
  if (text.trim() === "") return "an empty body";
  return htmlTitle(text) ?? `not JSON: ${brief(text)}`;
}

export const broken = (text: string): Fault => ({ kind: "broken", text });

const shapes: Readonly<Record<EndpointName, (body: unknown) => string | undefined>> = {
  completions: choicesOf,
  chat: choicesOf,
  responses: responseOf,
  embeddings: embeddingsOf,
  score: scoresOf,
  rerank: scoresOf,
};

function choicesOf(body: unknown): string | undefined {
  const choices = isObject(body) ? body["choices"] : undefined;
  if (!Array.isArray(choices) || choices.length === 0) return "no choice";
  const tokens = tokensIn(body);
  for (const choice of choices as unknown[]) {
    const reason = finishReasonOf(choice);
    const wrong = wrongEnd(reason) ?? wrongContent(hasContent(choice), reason, tokens);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Why a choice ended; undefined: it does not say that it has. */
export function finishReasonOf(choice: unknown): string | undefined {
  const reason = isObject(choice) ? choice["finish_reason"] : undefined;
  return typeof reason === "string" && reason !== "" ? reason : undefined;
}

/**
 * What is wrong with how a choice ended. `stop` before max_tokens, `length`, `tool_calls` and whatever a later version
 * adds are ends; `abort` and `error` mean that the server gave up.
 */
export function wrongEnd(reason: string | undefined): string | undefined {
  if (reason === undefined) return "no finish_reason: the answer was cut off";
  return reason === "abort" || reason === "error"
    ? `finish_reason ${reason}: the server aborted the request`
    : undefined;
}

/**
 * An answer that stopped at its very first token, the end of the text, is empty and whole.
 * @param tokens generated, by the server's own count; undefined: it did not say.
 */
export function wrongContent(
  content: boolean,
  reason: string | undefined,
  tokens: number | undefined,
): string | undefined {
  if (content || (reason === "stop" && tokens === 1) || reason === "content_filter") return undefined;
  return "an empty answer: no text in its choice";
}

/** Tokens generated, as `usage` has it. */
export function tokensIn(body: unknown): number | undefined {
  const usage = isObject(body) ? body["usage"] : undefined;
  const tokens = isObject(usage) ? (usage["completion_tokens"] ?? usage["output_tokens"]) : undefined;
  return typeof tokens === "number" ? tokens : undefined;
}

/** Whether a choice says anything: text, a message or its reasoning, a refusal, or a call of a tool. */
export function hasContent(choice: unknown): boolean {
  if (!isObject(choice)) return false;
  if (isText(choice["text"])) return true;
  const said = choice["message"] ?? choice["delta"];
  if (!isObject(said)) return false;
  const { content, reasoning_content, reasoning, refusal, tool_calls, function_call } = said;
  return (
    [content, reasoning_content, reasoning, refusal].some(isText) ||
    (Array.isArray(content) && content.length > 0) ||
    (Array.isArray(tool_calls) && tool_calls.length > 0) ||
    isObject(function_call)
  );
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

/** An object of the Responses API. `incomplete` at the token limit is what `length` is elsewhere. */
export function responseOf(body: unknown): string | undefined {
  if (!isObject(body)) return "no response object";
  const { status, output, incomplete_details: details } = body;
  if (status === "incomplete") {
    const reason = isObject(details) ? details["reason"] : undefined;
    if (reason !== "max_output_tokens" && reason !== "content_filter")
      return `status incomplete: ${typeof reason === "string" ? reason : "no reason given"}`;
  } else if (status !== "completed") {
    return `status ${typeof status === "string" ? status : "missing"}: the answer was cut off`;
  }
  return Array.isArray(output) && output.some(saysSomething) ? undefined : "an empty answer: no output";
}

function saysSomething(item: unknown): boolean {
  if (!isObject(item)) return false;
  const { type, content, summary } = item;
  const parts = [content, summary].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  const texts = parts.some((part) => isObject(part) && (isText(part["text"]) || isText(part["refusal"])));
  return texts || (typeof type === "string" && type.endsWith("_call"));
}

function embeddingsOf(body: unknown): string | undefined {
  const data = isObject(body) ? body["data"] : undefined;
  if (!Array.isArray(data) || data.length === 0) return "no embedding";
  for (const entry of data as unknown[]) {
    const vector = isObject(entry) ? entry["embedding"] : undefined;
    // base64, where a client asked for it.
    if (isText(vector)) continue;
    if (!Array.isArray(vector) || vector.length === 0) return "an empty embedding";
    const numbers = (vector as unknown[]).flat();
    if (!numbers.every((value) => typeof value === "number"))
      return "an embedding with values that are not numbers";
    if (numbers.every((value) => value === 0)) return "an embedding of zeros";
  }
  return undefined;
}

/** By engine: `data[].score`, `results[].relevance_score`, `scores`, or a bare list of `{score}`. */
function scoresOf(body: unknown): string | undefined {
  const { data, results, scores } = isObject(body) ? body : { data: body };
  const list = [data, results, scores].find((value) => Array.isArray(value)) as unknown[] | undefined;
  if (list === undefined || list.length === 0) return "no score";
  const found = list.flatMap((entry) =>
    isObject(entry)
      ? [entry["relevance_score"] ?? entry["score"]]
      : Array.isArray(entry)
        ? (entry as unknown[])
        : [entry],
  );
  return found.length > 0 && found.every((value) => typeof value === "number")
    ? undefined
    : "a score that is not a number";
}
