import type { EndpointName } from "../../../stacks/answers/endpoints";
import type { Fault } from "../../../stacks/answers/fault";

import {
  chat,
  completion,
  head,
  html,
  message,
  response,
  sglangError,
  text,
  usage,
  vectors,
  vllmError,
} from "./shapes";

/*
 * Bodies in the shapes that servers give, written from their sources and documentation: vLLM v0.21 (entrypoints/openai),
 * SGLang v0.5 (srt/entrypoints/openai), the OpenAI API reference, gateways in between. `fault` is what is wrong: its kind
 * and a part of its text; undefined: it is an answer.
 */

export interface Recorded {
  what: string;
  endpoint: EndpointName;
  status?: number;
  body: unknown;
  fault?: readonly [Fault["kind"], RegExp];
}

/** Answers. */
export const answers: readonly Recorded[] = [
  { what: "vLLM's completion at the token limit", endpoint: "completions", body: completion({}) },
  {
    what: "vLLM's completion that stopped early",
    endpoint: "completions",
    body: completion({ finish_reason: "stop" }),
  },
  {
    what: "SGLang's completion",
    endpoint: "completions",
    body: completion(
      { matched_stop: 151645, finish_reason: "stop" },
      { metadata: { weight_version: "default" } },
    ),
  },
  {
    what: "a completion that ended with its first token",
    endpoint: "completions",
    body: completion({ text: "", finish_reason: "stop" }, { usage: { ...usage, completion_tokens: 1 } }),
  },
  { what: "OpenAI's chat completion", endpoint: "chat", body: message({ content: "Yes", annotations: [] }) },
  {
    what: "vLLM's reasoning without an answer yet",
    endpoint: "chat",
    body: message({ content: null, reasoning: "Okay, the user", tool_calls: [] }, "length"),
  },
  {
    what: "SGLang's reasoning",
    endpoint: "chat",
    body: message({ content: null, reasoning_content: "Okay", tool_calls: null }, "length"),
  },
  {
    what: "a call of a tool",
    endpoint: "chat",
    body: message(
      { content: null, tool_calls: [{ id: "c1", type: "function", function: { name: "f" } }] },
      "tool_calls",
    ),
  },
  { what: "a refusal", endpoint: "chat", body: message({ content: null, refusal: "I cannot" }) },
  { what: "a filtered answer", endpoint: "chat", body: message({ content: "" }, "content_filter") },
  { what: "a response", endpoint: "responses", body: response({}) },
  {
    what: "a response at the token limit, all of it reasoning",
    endpoint: "responses",
    body: response({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ type: "reasoning", id: "rs_1", content: [{ type: "reasoning_text", text: "Okay" }] }],
    }),
  },
  {
    what: "a response that calls",
    endpoint: "responses",
    body: response({ output: [{ type: "function_call", name: "f" }] }),
  },
  { what: "embeddings", endpoint: "embeddings", body: vectors([0.1, -0.2, 0.3]) },
  { what: "embeddings in base64", endpoint: "embeddings", body: vectors("AACAPwAAAEA=") },
  {
    what: "vLLM's scores",
    endpoint: "score",
    body: { ...head, object: "list", data: [{ index: 0, object: "score", score: 0.98 }], usage },
  },
  {
    what: "SGLang's scores",
    endpoint: "score",
    body: { scores: [[0.4, 0.6]], model: "m", usage: null, object: "scoring" },
  },
  {
    what: "vLLM's ranking",
    endpoint: "rerank",
    body: { ...head, usage, results: [{ index: 0, document: { text: "a" }, relevance_score: 0 }] },
  },
  {
    what: "SGLang's ranking",
    endpoint: "rerank",
    body: [{ score: 0.9, document: "a", index: 0, meta_info: {} }],
  },
];

/** What is none. */
export const faults: readonly Recorded[] = [
  // Status 200, and no answer.
  {
    what: "vLLM's error under status 200",
    endpoint: "completions",
    body: vllmError("EngineCore encountered an issue", "InternalServerError", 500),
    fault: ["broken", /an error: EngineCore encountered an issue/],
  },
  {
    what: "a pooling model's error under status 200",
    endpoint: "completions",
    body: vllmError("The model does not support Completions API", "BadRequestError", 400),
    fault: ["endpoint", /does not support Completions API/],
  },
  {
    what: "older vLLM's and SGLang's flat error under status 200",
    endpoint: "chat",
    body: sglangError("Internal server error: out of memory", 500),
    fault: ["broken", /an error: Internal server error: out of memory/],
  },
  {
    what: "an error as a text",
    endpoint: "completions",
    body: { error: "overloaded" },
    fault: ["broken", /an error: overloaded/],
  },
  { what: "FastAPI's detail", endpoint: "completions", body: { detail: "oops" }, fault: ["broken", /oops/] },
  {
    what: "an HTML page",
    endpoint: "completions",
    body: html,
    fault: ["broken", /an HTML page \(502 Server Error\)/],
  },
  {
    what: "a text",
    endpoint: "chat",
    body: "default backend - 200",
    fault: ["broken", /not JSON: default backend/],
  },
  { what: "nothing", endpoint: "completions", body: "", fault: ["broken", /an empty body/] },
  { what: "null", endpoint: "completions", body: null, fault: ["broken", /no choice/] },
  { what: "no choices", endpoint: "completions", body: { ...text, usage }, fault: ["broken", /no choice/] },
  {
    what: "empty choices",
    endpoint: "completions",
    body: { ...text, choices: [], usage },
    fault: ["broken", /no choice/],
  },
  {
    what: "an empty text",
    endpoint: "completions",
    body: completion({ text: "" }),
    fault: ["broken", /an empty answer/],
  },
  {
    what: "eight tokens that are no text",
    endpoint: "completions",
    body: completion({ text: "", finish_reason: "stop" }),
    fault: ["broken", /an empty answer/],
  },
  {
    what: "an empty message",
    endpoint: "chat",
    body: message({ content: "" }),
    fault: ["broken", /an empty answer/],
  },
  {
    what: "no message",
    endpoint: "chat",
    body: { ...chat, choices: [{ index: 0, finish_reason: "stop" }] },
    fault: ["broken", /empty/],
  },
  {
    what: "no end",
    endpoint: "completions",
    body: completion({ finish_reason: null }),
    fault: ["broken", /no finish_reason: the answer was cut off/],
  },
  {
    what: "an aborted one",
    endpoint: "completions",
    body: completion({ finish_reason: "abort" }),
    fault: ["broken", /abort/],
  },
  {
    what: "vLLM's end by an error",
    endpoint: "chat",
    body: message({ content: "Ye" }, "error"),
    fault: ["broken", /finish_reason error/],
  },
  {
    what: "a response that failed",
    endpoint: "responses",
    body: response({
      status: "failed",
      error: { code: "server_error", message: "out of memory" },
      output: [],
    }),
    fault: ["broken", /an error: out of memory/],
  },
  {
    what: "an unfinished response",
    endpoint: "responses",
    body: response({ status: "in_progress" }),
    fault: ["broken", /in_progress/],
  },
  {
    what: "a response without output",
    endpoint: "responses",
    body: response({ output: [] }),
    fault: ["broken", /no output/],
  },
  {
    what: "a response that was cut for another reason",
    endpoint: "responses",
    body: response({ status: "incomplete" }),
    fault: ["broken", /incomplete: no reason given/],
  },
  { what: "no embedding", endpoint: "embeddings", body: vectors(), fault: ["broken", /no embedding/] },
  {
    what: "an empty embedding",
    endpoint: "embeddings",
    body: vectors([]),
    fault: ["broken", /an empty embedding/],
  },
  {
    what: "an embedding of null",
    endpoint: "embeddings",
    body: vectors([0.1, null]),
    fault: ["broken", /values that are not numbers/],
  },
  {
    what: "an embedding of NaN",
    endpoint: "embeddings",
    body: '{"data":[{"embedding":[NaN]}]}',
    fault: ["broken", /not JSON/],
  },
  {
    what: "an embedding of zeros",
    endpoint: "embeddings",
    body: vectors([0, 0, 0]),
    fault: ["broken", /of zeros/],
  },
  {
    what: "a completion for an embedding",
    endpoint: "embeddings",
    body: completion({}),
    fault: ["broken", /no embedding/],
  },
  {
    what: "an embedding for a completion",
    endpoint: "completions",
    body: vectors([0.1]),
    fault: ["broken", /no choice/],
  },
  { what: "no score", endpoint: "score", body: { data: [] }, fault: ["broken", /no score/] },
  {
    what: "a score of null",
    endpoint: "rerank",
    body: { results: [{ relevance_score: null }] },
    fault: ["broken", /a score that is not a number/],
  },

  // Other statuses.
  {
    what: "vLLM for a name that it does not serve",
    endpoint: "completions",
    status: 404,
    body: vllmError("The model `chat` does not exist.", "NotFoundError", 404),
    fault: ["name", /^The model `chat` does not exist\.$/],
  },
  {
    what: "SGLang for an adapter that it has not loaded",
    endpoint: "completions",
    status: 400,
    body: sglangError("Got LoRA adapter that has never been loaded: sql. All loaded adapters: {}.", 400),
    fault: ["name", /never been loaded: sql/],
  },
  {
    what: "vLLM's pooling model",
    endpoint: "completions",
    status: 400,
    body: sglangError("The model does not support Completions API", 400),
    fault: ["endpoint", /does not support Completions API/],
  },
  {
    what: "a path that is not served",
    endpoint: "completions",
    status: 404,
    body: { detail: "Not Found" },
    fault: ["endpoint", /Not Found/],
  },
  {
    what: "a method that is not",
    endpoint: "chat",
    status: 405,
    body: { detail: "Method Not Allowed" },
    fault: ["endpoint", /Method/],
  },
  {
    what: "vLLM and SGLang without the key",
    endpoint: "completions",
    status: 401,
    body: { error: "Unauthorized" },
    fault: ["key", /^Unauthorized$/],
  },
  {
    what: "OpenAI with a wrong key",
    endpoint: "chat",
    status: 401,
    body: {
      error: {
        message: "Incorrect API key provided",
        type: "invalid_request_error",
        code: "invalid_api_key",
      },
    },
    fault: ["key", /Incorrect API key/],
  },
  {
    what: "vLLM for too long a prompt",
    endpoint: "completions",
    status: 400,
    body: vllmError("This model's maximum context length is 16 tokens.", "BadRequestError", 400),
    fault: ["status", /maximum context length/],
  },
  {
    what: "a load balancer",
    endpoint: "completions",
    status: 502,
    body: html,
    fault: ["status", /^an HTML page \(502 Server Error\)$/],
  },
  {
    what: "Envoy without a server",
    endpoint: "completions",
    status: 503,
    body: "no healthy upstream",
    fault: ["status", /^no healthy upstream$/],
  },
  {
    what: "an answer with status 204",
    endpoint: "completions",
    status: 204,
    body: "",
    fault: ["status", /^$/],
  },
];
