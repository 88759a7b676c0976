import { RequestRefused } from "./answers";
import { readLogprobs } from "./logprobs";

/** What a completion or chat completion asks for. */
export interface CompletionRequest {
  model: string | undefined;
  /** SGLang takes the adapter in a field of its own, too. */
  adapterField: string | undefined;
  /** Tokens of each prompt: a chat has one, a completion may bring a list. */
  prompts: readonly number[];
  /** Choices for each prompt. */
  n: number;
  /** Tokens of each choice. */
  maxTokens: number;
  /** Why a choice ends: the model has nothing more to say, or `maxTokens` is reached. */
  finishReason: "stop" | "length";
  /** Alternatives to show for each token; undefined: no log probabilities at all. */
  logprobs: number | undefined;
  streams: boolean;
  usage: StreamedUsage;
}

/** What a stream says of its usage: nothing, once behind the last token, or in every chunk as well. */
export type StreamedUsage = "none" | "last" | "every";

/** Tokens of a completion that names no number (vLLM's default), and of a chat that ends by itself. */
const defaultMaxTokens = 16;
/** English text has about this many characters a token. */
const charactersPerToken = 4;

/** @throws RequestRefused 400 with vLLM's words where something is missing or of the wrong type. */
export function readCompletionRequest(
  body: Readonly<Record<string, unknown>>,
  chat: boolean,
  maxModelLength: number | undefined,
): CompletionRequest {
  const { model, stream } = body;
  if (model !== undefined && model !== null && typeof model !== "string") {
    throw refused("Input should be a valid string", "model");
  }
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    throw refused("Input should be a valid boolean", "stream");
  }
  const prompts = chat ? [messageTokens(body["messages"])] : promptsOf(body["prompt"]);
  const given = readMaxTokens(body, chat);
  const longest = Math.max(...prompts);
  const room = maxModelLength === undefined ? Infinity : maxModelLength - longest;
  // A chat without a limit may take all the room there is; this model has said all it has to say before that.
  const endsByItself = chat && given === undefined && room >= defaultMaxTokens;
  const maxTokens = given ?? (chat && room >= 1 ? Math.min(defaultMaxTokens, room) : defaultMaxTokens);
  if (maxTokens > room) {
    throw refused(
      `This model's maximum context length is ${maxModelLength} tokens. However, you requested ` +
        `${longest + maxTokens} tokens (${longest} in the messages, ${maxTokens} in the completion). ` +
        "Please reduce the length of the messages or completion.",
      null,
    );
  }
  const adapter = body["lora_path"];
  return {
    model: typeof model === "string" ? model : undefined,
    adapterField: typeof adapter === "string" ? adapter : undefined,
    prompts,
    n: positiveInteger(body["n"], "n") ?? 1,
    maxTokens,
    finishReason: endsByItself ? "stop" : "length",
    logprobs: readLogprobs(body, chat),
    streams: stream === true,
    usage: readStreamedUsage(body["stream_options"], stream === true),
  };
}

function readMaxTokens(body: Readonly<Record<string, unknown>>, chat: boolean): number | undefined {
  const given = (chat ? body["max_completion_tokens"] : undefined) ?? body["max_tokens"];
  return positiveInteger(given, "max_tokens");
}

/** `stream_options`: with them, usage is reported unless they say otherwise; without a stream they are refused. */
function readStreamedUsage(options: unknown, streams: boolean): StreamedUsage {
  if (options === undefined || options === null) return "none";
  if (typeof options !== "object") throw refused("Input should be a valid dictionary", "stream_options");
  if (!streams) throw refused("Stream options can only be defined when `stream=True`.", "stream_options");
  const { include_usage: include = true, continuous_usage_stats: every } = options as {
    include_usage?: unknown;
    continuous_usage_stats?: unknown;
  };
  if (include !== true) return "none";
  return every === true ? "every" : "last";
}

function positiveInteger(given: unknown, param: string): number | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given !== "number" || !Number.isInteger(given)) {
    throw refused("Input should be a valid integer", param);
  }
  if (given < 1) throw refused(`${param} must be at least 1, got ${given}.`, param);
  return given;
}

function messageTokens(messages: unknown): number {
  if (messages === undefined) throw refused("Field required", "messages");
  if (!Array.isArray(messages)) throw refused("Input should be a valid list", "messages");
  let tokens = 0;
  for (const message of messages as unknown[]) {
    if (typeof message !== "object" || message === null)
      throw refused("Input should be a valid dictionary", "messages");
    const { content } = message as { content?: unknown };
    const parts = Array.isArray(content)
      ? (content as { text?: unknown }[]).map((part) => part.text)
      : [content];
    for (const part of parts)
      if (typeof part === "string") tokens += Math.ceil(part.length / charactersPerToken);
    // The chat template's own tokens around each message.
    tokens += 4;
  }
  return tokens;
}

/** A text or token ids, or a list of either: each its own prompt, with its own choices. */
function promptsOf(prompt: unknown): number[] {
  if (prompt === undefined || prompt === null) throw refused("Field required", "prompt");
  if (typeof prompt === "string") return [tokensOf(prompt)];
  if (!Array.isArray(prompt)) throw refused("Input should be a valid string", "prompt");
  if (prompt.length === 0) throw refused("please provide at least one prompt", null);
  const parts = prompt as unknown[];
  return parts.every(isTokenId) ? [parts.length] : parts.map(tokensOf);
}

function tokensOf(prompt: unknown): number {
  if (typeof prompt === "string") return Math.max(1, Math.ceil(prompt.length / charactersPerToken));
  if (Array.isArray(prompt) && prompt.every(isTokenId)) return prompt.length;
  throw refused("Input should be a valid string", "prompt");
}

function isTokenId(part: unknown): boolean {
  return typeof part === "number";
}

function refused(message: string, param: string | null): RequestRefused {
  return new RequestRefused(400, "BadRequestError", message, param);
}
