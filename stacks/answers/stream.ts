import type { EndpointName } from "./endpoints";
import { EventReader, type ServerEvent } from "./events";
import { brief, errorIn, faultOfStatus, isObject, kindOf, parsed, type Fault } from "./fault";
import {
  broken,
  finishReasonOf,
  hasContent,
  noJson,
  responseOf,
  tokensIn,
  wrongContent,
  wrongEnd,
} from "./judge";

/** As much of a body as a message shows. */
const kept = 4096;

interface Choice {
  content: boolean;
  reason?: string;
}

/**
 * Judges a stream while it comes. How many events bring how many tokens says nothing: servers put several tokens into
 * one, and end before max_tokens where the model has finished. A stream is whole when every choice has said why it ended,
 * the end mark came, and no event was an error.
 */
export class StreamJudge {
  private readonly reader = new EventReader();
  private readonly decoder = new TextDecoder();
  private readonly choices = new Map<number, Choice>();
  private begin = "";
  private events = 0;
  private tokens: number | undefined;
  private done = false;
  private fault: Fault | undefined;
  /** Responses API: whether the event came that holds the whole response. */
  private completed = false;

  constructor(private readonly endpoint: EndpointName) {}

  take(piece: Uint8Array): void {
    if (this.begin.length < kept) this.begin += this.decoder.decode(piece, { stream: true });
    for (const event of this.reader.take(piece)) this.event(event);
  }

  /** @returns what is wrong with a stream that has come to its end; undefined: it is whole. */
  end(status: number): Fault | undefined {
    if (status !== 200) return faultOfStatus(status, this.begin);
    for (const event of this.reader.end()) this.event(event);
    if (this.fault !== undefined) return this.fault;
    if (this.events === 0 && !this.done) return this.noStream();
    return this.endpoint === "responses" ? this.endOfResponse() : this.endOfChoices();
  }

  private event({ name, data }: ServerEvent): void {
    if (data.trim() === "[DONE]") {
      this.done = true;
      return;
    }
    this.events++;
    if (this.fault !== undefined) return;
    const body = parsed(data);
    const error = errorIn(body) ?? (name === "error" ? data : undefined);
    if (error !== undefined)
      this.fault = { kind: kindOf(200, error), text: brief(`an error in the stream: ${error}`) };
    else if (this.endpoint === "responses") this.fault = this.responseEvent(body);
    // Gateways send events of their own, under names of their own.
    else if (name === "message") this.fault = this.chunk(body, data);
  }

  private chunk(body: unknown, data: string): Fault | undefined {
    if (body === undefined) return broken(`an event that is ${noJson(data)}`);
    this.tokens = tokensIn(body) ?? this.tokens;
    const choices = isObject(body) ? body["choices"] : undefined;
    if (!Array.isArray(choices)) return broken(`an event without choices: ${brief(data)}`);
    // None is right too: the event that holds the usage.
    for (const choice of choices as unknown[]) {
      const index = isObject(choice) && typeof choice["index"] === "number" ? choice["index"] : 0;
      const known = this.choices.get(index) ?? { content: false };
      const reason = finishReasonOf(choice) ?? known.reason;
      const content = known.content || hasContent(choice);
      this.choices.set(index, { content, ...(reason === undefined ? {} : { reason }) });
    }
    return undefined;
  }

  private responseEvent(body: unknown): Fault | undefined {
    if (!isObject(body)) return broken("an event that is not a JSON object");
    const { type, response } = body;
    if (type === "response.failed") {
      return broken(brief(`the response failed: ${errorIn(response) ?? "no reason given"}`));
    }
    if (type !== "response.completed" && type !== "response.incomplete") return undefined;
    this.completed = true;
    const wrong = responseOf(response);
    return wrong === undefined ? undefined : broken(wrong);
  }

  private noStream(): Fault {
    const body = parsed(this.begin);
    const error = errorIn(body);
    if (error !== undefined) return { kind: kindOf(200, error), text: brief(`an error: ${error}`) };
    if (this.begin.trim() === "") return broken("an empty stream");
    return broken(body === undefined ? noJson(this.begin) : "a complete answer instead of a stream");
  }

  private endOfChoices(): Fault | undefined {
    const after = `after ${this.events} events`;
    if (!this.done) return broken(`a stream cut off ${after}: no [DONE]`);
    if (this.choices.size === 0) return broken(`a stream without a choice, ${after}`);
    for (const { reason, content } of this.choices.values()) {
      const wrong = wrongEnd(reason) ?? wrongContent(content, reason, this.tokens);
      if (wrong !== undefined) return broken(`${wrong} (${after})`);
    }
    return undefined;
  }

  private endOfResponse(): Fault | undefined {
    // OpenAI and servers like it send no [DONE] here: the last event says how it ended.
    return this.completed
      ? undefined
      : broken(`a stream cut off after ${this.events} events: no response.completed`);
  }
}
