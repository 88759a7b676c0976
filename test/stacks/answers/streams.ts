import type { EndpointName } from "../../../stacks/answers/endpoints";
import type { Fault } from "../../../stacks/answers/fault";

import { chat, completion, html, response, sglangError, text, usage, vllmError } from "./shapes";

/** The chunks of a stream, as JSON values; strings stand for themselves. */
export interface RecordedStream {
  what: string;
  endpoint: EndpointName;
  events: readonly unknown[];
  /** Default: true. */
  done?: boolean;
  fault?: readonly [Fault["kind"], RegExp];
}

const chunk = (piece: string, finish_reason: string | null = null): object => ({
  ...text,
  choices: [{ index: 0, text: piece, logprobs: null, finish_reason, stop_reason: null }],
});
const delta = (said: object, finish_reason: string | null = null): object => ({
  ...chat,
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: said, logprobs: null, finish_reason }],
});
const usageChunk = { ...text, choices: [], usage };
const pieces = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => chunk(` Wörter 日本 ${i} 🙂`));
const failure = vllmError("Internal server error", "InternalServerError", 500);
const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 1, ...more })}\n\n`;

export const wholeStreams: readonly RecordedStream[] = [
  {
    what: "64 tokens in 22 chunks",
    endpoint: "completions",
    events: [...pieces(21), chunk(" end", "length")],
  },
  { what: "an end before max_tokens", endpoint: "completions", events: [chunk(" Yes"), chunk("", "stop")] },
  { what: "all in one chunk", endpoint: "completions", events: [chunk(" Yes", "stop")] },
  {
    what: "usage at the end",
    endpoint: "completions",
    events: [...pieces(3), chunk(" end", "length"), usageChunk],
  },
  {
    what: "usage in every chunk",
    endpoint: "completions",
    events: [{ ...chunk(" a"), usage }, { ...chunk(" b", "length"), usage }, usageChunk],
  },
  {
    what: "a chat that begins with its role",
    endpoint: "chat",
    events: [delta({ role: "assistant", content: "" }), delta({ content: "Yes" }), delta({}, "stop")],
  },
  {
    what: "a chat that reasons",
    endpoint: "chat",
    events: [
      delta({ role: "assistant", content: "" }),
      delta({ reasoning_content: "Okay" }),
      delta({ content: "" }, "length"),
    ],
  },
  {
    what: "a chat that calls a tool",
    endpoint: "chat",
    events: [
      delta({ role: "assistant" }),
      delta({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }),
      delta({}, "tool_calls"),
    ],
  },
  {
    what: "two choices",
    endpoint: "completions",
    events: [
      { ...text, choices: [{ index: 1, text: "b", finish_reason: "stop" }] },
      { ...text, choices: [{ index: 0, text: "a", finish_reason: "stop" }] },
    ],
  },
  {
    what: "SGLang's chunk of what it knows besides",
    endpoint: "completions",
    events: [chunk(" a", "length"), { ...text, choices: [], sglext: {} }],
  },
  {
    what: "keep-alives and events of others",
    endpoint: "completions",
    events: [": keep-alive\n\n", "event: ping\ndata: {}\n\n", chunk(" a", "stop")],
  },
  {
    what: "an end with its first token",
    endpoint: "completions",
    events: [chunk("", "stop"), { ...usageChunk, usage: { completion_tokens: 1 } }],
  },
  {
    what: "a response",
    endpoint: "responses",
    done: false,
    events: [
      event("response.created"),
      event("response.output_text.delta", { delta: "Yes" }),
      event("response.completed", { response: response({}) }),
    ],
  },
];

export const brokenStreams: readonly RecordedStream[] = [
  {
    what: "an error before [DONE]",
    endpoint: "completions",
    events: [...pieces(3), failure],
    fault: ["broken", /an error in the stream: Internal server error/],
  },
  {
    what: "an error after an end",
    endpoint: "completions",
    events: [chunk(" a", "stop"), failure],
    fault: ["broken", /Internal server error/],
  },
  {
    what: "SGLang's error",
    endpoint: "chat",
    events: [delta({ content: "a" }), { error: sglangError("Generation aborted.", 500) }],
    fault: ["broken", /Generation aborted/],
  },
  { what: "a flat error", endpoint: "chat", events: [sglangError("boom", 500)], fault: ["broken", /boom/] },
  {
    what: "a gateway's error event",
    endpoint: "chat",
    events: [delta({ content: "a" }, "stop"), "event: error\ndata: upstream reset\n\n"],
    fault: ["broken", /upstream reset/],
  },
  {
    what: "no [DONE]",
    endpoint: "completions",
    done: false,
    events: [...pieces(3), chunk(" end", "length")],
    fault: ["broken", /cut off after 4 events: no \[DONE\]/],
  },
  {
    what: "no finish_reason",
    endpoint: "completions",
    events: pieces(3),
    fault: ["broken", /no finish_reason: the answer was cut off \(after 3 events\)/],
  },
  {
    what: "an aborted one",
    endpoint: "completions",
    events: [chunk(" a"), chunk("", "abort")],
    fault: ["broken", /abort/],
  },
  {
    what: "no tokens",
    endpoint: "completions",
    events: [chunk("", "length")],
    fault: ["broken", /an empty answer/],
  },
  { what: "no choice", endpoint: "completions", events: [usageChunk], fault: ["broken", /without a choice/] },
  {
    what: "one of two choices that does not end",
    endpoint: "completions",
    events: [chunk(" a", "stop"), { ...text, choices: [{ index: 1, text: "b", finish_reason: null }] }],
    fault: ["broken", /no finish_reason/],
  },
  { what: "[DONE] alone", endpoint: "completions", events: [], fault: ["broken", /without a choice/] },
  {
    what: "what is no JSON",
    endpoint: "completions",
    events: ['data: {"choices": [\n\n'],
    fault: ["broken", /not JSON/],
  },
  {
    what: "what has no choices",
    endpoint: "completions",
    events: [{ model: "m" }],
    fault: ["broken", /an event without choices/],
  },
  {
    what: "an error instead of a stream",
    endpoint: "completions",
    done: false,
    events: [JSON.stringify(failure)],
    fault: ["broken", /an error: Internal server error/],
  },
  {
    what: "an answer in one piece",
    endpoint: "completions",
    done: false,
    events: [JSON.stringify(completion({}))],
    fault: ["broken", /a complete answer instead of a stream/],
  },
  {
    what: "an HTML page",
    endpoint: "completions",
    done: false,
    events: [html],
    fault: ["broken", /an HTML page/],
  },
  { what: "nothing", endpoint: "completions", done: false, events: [], fault: ["broken", /an empty stream/] },
  {
    what: "a response that failed",
    endpoint: "responses",
    done: false,
    events: [
      event("response.created"),
      event("response.failed", { response: { error: { message: "out of memory" } } }),
    ],
    fault: ["broken", /the response failed: out of memory/],
  },
  {
    what: "a response's error",
    endpoint: "responses",
    done: false,
    events: [event("error", { message: "boom" })],
    fault: ["broken", /boom/],
  },
  {
    what: "a response that is cut off",
    endpoint: "responses",
    done: false,
    events: [event("response.created"), event("response.output_text.delta", { delta: "Yes" })],
    fault: ["broken", /no response\.completed/],
  },
];

/** A stream as it comes over the wire. */
export function streamText({ events, done = true }: RecordedStream): string {
  const blocks = events.map((entry) =>
    typeof entry === "string" ? entry : `data: ${JSON.stringify(entry)}\n\n`,
  );
  return `${blocks.join("")}${done ? "data: [DONE]\n\n" : ""}`;
}
