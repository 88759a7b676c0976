import { RequestRefused } from "./answers";

/** What a completion or chat completion asks for. */
export interface CompletionRequest {
  model: string | undefined;
  /** SGLang takes the adapter in a field of its own, too. */
  adapterField: string | undefined;
  promptTokens: number;
  maxTokens: number;
  streams: boolean;
  includeUsage: boolean;
}

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
  const promptTokens = chat ? messageTokens(body["messages"]) : textTokens(body["prompt"], "prompt");
  const maxTokens = readMaxTokens(body, chat);
  if (maxModelLength !== undefined && promptTokens + maxTokens > maxModelLength) {
    const asked = promptTokens + maxTokens;
    throw refused(
      `This model's maximum context length is ${maxModelLength} tokens. However, you requested ${asked} tokens ` +
        `(${promptTokens} in the messages, ${maxTokens} in the completion). ` +
        "Please reduce the length of the messages or completion.",
      null,
    );
  }
  const options = body["stream_options"] as { include_usage?: unknown } | null | undefined;
  const adapter = body["lora_path"];
  return {
    model: typeof model === "string" ? model : undefined,
    adapterField: typeof adapter === "string" ? adapter : undefined,
    promptTokens,
    maxTokens,
    streams: stream === true,
    includeUsage: options?.include_usage === true,
  };
}

function readMaxTokens(body: Readonly<Record<string, unknown>>, chat: boolean): number {
  const given = (chat ? body["max_completion_tokens"] : undefined) ?? body["max_tokens"] ?? defaultMaxTokens;
  if (typeof given !== "number" || !Number.isInteger(given)) {
    throw refused("Input should be a valid integer", "max_tokens");
  }
  if (given < 1) throw refused(`max_tokens must be at least 1, got ${given}.`, "max_tokens");
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

/** A text, a list of texts, or token ids. */
function textTokens(prompt: unknown, param: string): number {
  if (typeof prompt === "string") return Math.max(1, Math.ceil(prompt.length / charactersPerToken));
  if (prompt === undefined || prompt === null) throw refused("Field required", param);
  if (!Array.isArray(prompt)) throw refused("Input should be a valid string", param);
  return (prompt as unknown[]).reduce(
    (sum: number, part) => sum + (typeof part === "number" ? 1 : textTokens(part, param)),
    0,
  );
}

function refused(message: string, param: string | null): RequestRefused {
  return new RequestRefused(400, "BadRequestError", message, param);
}
