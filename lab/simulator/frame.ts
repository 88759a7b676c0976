import type { CompletionRequest } from "./completion-request";
import type { Identity } from "./identity";
import type { AdapterModule } from "./launch";
import { logprobsOf } from "./logprobs";

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
const vocabulary = { at: (position: number): string => words[position % words.length] ?? "" };
let lastId = 0;

/** The JSON around the tokens, written once per request: a chunk is then some joined strings. */
export class Frame {
  private readonly head: string;
  private readonly object: string;
  private readonly promptTokens: number;
  /** What stands before and behind a token, for each choice. */
  private readonly choices: readonly { before: string; after: string }[];

  constructor(
    private readonly chat: boolean,
    model: string,
    private readonly request: CompletionRequest,
    private readonly identity: Identity,
    private readonly adapter: AdapterModule | undefined,
  ) {
    const id = `${chat ? "chatcmpl" : "cmpl"}-lab${(++lastId).toString(36)}`;
    const created = Math.floor(new Date().getTime() / 1000);
    this.head = `"id":"${id}","created":${created},"model":${JSON.stringify(model)}`;
    this.object = chat ? "chat.completion.chunk" : "text_completion";
    this.promptTokens = request.prompts.reduce((sum, tokens) => sum + tokens, 0);
    this.choices = Array.from({ length: request.prompts.length * request.n }, (_, index) => ({
      before: `data: {${this.head},"object":"${this.object}","choices":[{"index":${index},${chat ? '"delta":{"content":' : '"text":'}`,
      after: `${chat ? "}" : ""},"logprobs":`,
    }));
  }

  /** A chat begins with a chunk that names the role, for each choice; the first one says who answers. */
  opening(): string {
    if (!this.chat) return "";
    const usage = this.running(0);
    return this.choices
      .map(
        (_, index) =>
          `data: {${this.head},"object":"${this.object}","choices":[{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${usage}${index === 0 ? `,${this.whoAnswers()}` : ""}}\n\n`,
      )
      .join("");
  }

  /**
   * One token of a choice.
   * @param first whether nothing was sent before it.
   */
  chunk(choice: number, position: number, { first, last }: { first: boolean; last: boolean }): string {
    const { before = "", after = "" } = this.choices[choice] ?? {};
    const text = JSON.stringify(vocabulary.at(position));
    const reason = last ? `"${this.request.finishReason}"` : "null";
    const who = first && !this.chat ? `,${this.whoAnswers()}` : "";
    return `${before}${text}${after}${this.logprobs(position, 1)},"finish_reason":${reason}}]${this.running(position + 1)}${who}}\n\n`;
  }

  /** The end of a stream: its usage where it was asked for, and that it was all. */
  end(completionTokens: number): string {
    const desired = this.request.usage !== "none";
    const usage = desired
      ? `data: {${this.head},"object":"${this.object}","choices":[],${this.usage(completionTokens)}}\n\n`
      : "";
    return `${usage}data: [DONE]\n\n`;
  }

  /** A whole answer. */
  whole(): string {
    const { maxTokens, finishReason } = this.request;
    let text = "";
    for (let i = 0; i < maxTokens; i++) text += vocabulary.at(i);
    const quoted = JSON.stringify(text);
    const object = this.chat ? "chat.completion" : "text_completion";
    const content = this.chat ? `"message":{"role":"assistant","content":${quoted}}` : `"text":${quoted}`;
    const logprobs = this.logprobs(0, maxTokens);
    const choices = this.choices
      .map(
        (_, index) =>
          `{"index":${index},${content},"logprobs":${logprobs},"finish_reason":"${finishReason}"}`,
      )
      .join(",");
    const usage = this.usage(maxTokens * this.choices.length);
    return `{${this.head},"object":"${object}","choices":[${choices}],${usage},${this.whoAnswers()}}`;
  }

  private logprobs(from: number, count: number): string {
    const { logprobs: top } = this.request;
    return top === undefined
      ? "null"
      : JSON.stringify(logprobsOf(vocabulary, { chat: this.chat, top, from, count }));
  }

  /** Usage of a choice so far, in every chunk, where that was asked for. */
  private running(tokens: number): string {
    return this.request.usage === "every" ? `,${this.usage(tokens)}` : "";
  }

  private usage(completion: number): string {
    const prompt = this.promptTokens;
    return `"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}}`;
  }

  private whoAnswers(): string {
    return `"system_fingerprint":"${this.identity.fingerprint}","served_by":${this.identity.json(this.adapter)}`;
  }
}
