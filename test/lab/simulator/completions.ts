import type { ServerResponse } from "node:http";
import type { CompletionRequest } from "./completion-request";
import type { Engine, Work } from "./engine";
import type { Identity } from "./identity";
import type { AdapterModule } from "./launch";

export interface Answering {
  engine: Engine;
  identity: Identity;
  /** The name the answer bears: the one the client asked for. */
  model: string;
  adapter: AdapterModule | undefined;
  /** Whether a stream ends with an error instead of its last token. */
  breaks: boolean;
}

const words = [
  "The",
  " model",
  " in",
  " this",
  " pod",
  " answers",
  " one",
  " token",
  " after",
  " another",
  ".",
];
let lastId = 0;

/** Answers `/v1/completions` or `/v1/chat/completions`, plain or as server-sent events of one token each. */
export function answerCompletion(
  response: ServerResponse,
  request: CompletionRequest,
  chat: boolean,
  { engine, identity, model, adapter, breaks }: Answering,
): void {
  const frame = new Frame(chat, model, identity, adapter);
  const { promptTokens, maxTokens, streams } = request;
  let emitted = 0;
  const tokens = streams
    ? (count: number, last: boolean): void => {
        if (emitted === 0) response.writeHead(200, [...streamHeaders, ...identity.headers(adapter)]);
        let text = emitted === 0 ? frame.opening() : "";
        for (let i = 0; i < count; i++, emitted++) {
          const end = last && i === count - 1;
          text += end && breaks ? generationFailed : frame.chunk(emitted, end);
        }
        if (!last) response.write(text);
        else
          response.end(
            `${text}${request.includeUsage ? frame.usage(promptTokens, emitted) : ""}data: [DONE]\n\n`,
          );
      }
    : (): void => {
        const body = frame.whole(promptTokens, maxTokens);
        const length = String(Buffer.byteLength(body));
        response.writeHead(200, [...plainHeaders, length, ...identity.headers(adapter)]);
        response.end(body);
      };
  const work: Work = { adapter: adapter?.name, promptTokens, maxTokens, streams, tokens };
  const abort = engine.submit(work);
  response.once("close", abort);
}

const generationFailed = `data: ${JSON.stringify({
  error: { message: "EngineCore encountered an issue", type: "InternalServerError", param: null, code: 500 },
})}\n\n`;

const streamHeaders = ["content-type", "text/event-stream; charset=utf-8", "cache-control", "no-cache"];
const plainHeaders = ["content-type", "application/json", "content-length"];

/** The JSON around the tokens, written once per request: a chunk is then two joined strings. */
class Frame {
  private readonly head: string;
  private readonly before: string;
  private readonly after: string;

  constructor(
    private readonly chat: boolean,
    model: string,
    private readonly identity: Identity,
    private readonly adapter: AdapterModule | undefined,
  ) {
    const id = `${chat ? "chatcmpl" : "cmpl"}-lab${(++lastId).toString(36)}`;
    const created = Math.floor(Date.now() / 1000);
    this.head = `"id":"${id}","created":${created},"model":${JSON.stringify(model)}`;
    const object = chat ? "chat.completion.chunk" : "text_completion";
    this.before = `data: {${this.head},"object":"${object}","choices":[{"index":0,${chat ? '"delta":{"content":' : '"text":'}`;
    this.after = `${chat ? "}" : ""},"logprobs":null,"finish_reason":`;
  }

  /** A chat begins with a chunk that names the role; both begin with who answers. */
  opening(): string {
    if (!this.chat) return "";
    return `data: {${this.head},"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],${this.whoAnswers()}}\n\n`;
  }

  chunk(index: number, last: boolean): string {
    const text = JSON.stringify(words[index % words.length]);
    const who = index === 0 && !this.chat ? `,${this.whoAnswers()}` : "";
    return `${this.before}${text}${this.after}${last ? '"length"' : "null"}}]${who}}\n\n`;
  }

  usage(promptTokens: number, completionTokens: number): string {
    const object = this.chat ? "chat.completion.chunk" : "text_completion";
    return `data: {${this.head},"object":"${object}","choices":[],${usage(promptTokens, completionTokens)}}\n\n`;
  }

  whole(promptTokens: number, maxTokens: number): string {
    let text = "";
    for (let i = 0; i < maxTokens; i++) text += words[i % words.length] ?? "";
    const quoted = JSON.stringify(text);
    const object = this.chat ? "chat.completion" : "text_completion";
    const content = this.chat ? `"message":{"role":"assistant","content":${quoted}}` : `"text":${quoted}`;
    const choice = `{"index":0,${content},"logprobs":null,"finish_reason":"length"}`;
    return `{${this.head},"object":"${object}","choices":[${choice}],${usage(promptTokens, maxTokens)},${this.whoAnswers()}}`;
  }

  private whoAnswers(): string {
    return `"system_fingerprint":"${this.identity.fingerprint}","served_by":${this.identity.json(this.adapter)}`;
  }
}

function usage(prompt: number, completion: number): string {
  return `"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}}`;
}
