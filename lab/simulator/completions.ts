import type { ServerResponse } from "node:http";
import type { CompletionRequest } from "./completion-request";
import type { Engine } from "./engine";
import { Frame } from "./frame";
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

/** Takes the tokens of one choice as they come. */
type Tokens = (count: number, last: boolean) => void;

/**
 * Answers `/v1/completions` or `/v1/chat/completions`, plain or as server-sent events of one token each. Each choice of
 * each prompt is a sequence of its own in the engine, as in vLLM.
 */
export function answerCompletion(
  response: ServerResponse,
  request: CompletionRequest,
  chat: boolean,
  { engine, identity, model, adapter, breaks }: Answering,
): void {
  const frame = new Frame(chat, model, request, identity, adapter);
  const { prompts, n, maxTokens, streams } = request;
  const headers = identity.headers(adapter);
  const count = prompts.length * n;
  const tokensOf = streams
    ? streamed(response, frame, { choices: count, breaks }, headers)
    : whole(response, frame, count, headers);
  const aborts = prompts.flatMap((promptTokens, prompt) =>
    Array.from({ length: n }, (_, choice) => {
      const tokens = tokensOf(prompt * n + choice);
      return engine.submit({ adapter: adapter?.name, promptTokens, maxTokens, streams, tokens });
    }),
  );
  response.once("close", () => {
    for (const abort of aborts) abort();
  });
}

function streamed(
  response: ServerResponse,
  frame: Frame,
  { choices, breaks }: { choices: number; breaks: boolean },
  headers: readonly string[],
): (choice: number) => Tokens {
  let unfinished = choices;
  let sent = 0;
  return (choice) => {
    let position = 0;
    return (count, last) => {
      let text = "";
      if (sent === 0) {
        response.writeHead(200, [...streamHeaders, ...headers]);
        text = frame.opening();
      }
      for (let i = 0; i < count; i++) {
        const end = last && i === count - 1;
        const place = { first: sent++ === 0, last: end };
        text += end && breaks ? generationFailed : frame.chunk(choice, position++, place);
      }
      if (last) unfinished--;
      if (unfinished > 0) response.write(text);
      else response.end(text + frame.end(sent));
    };
  };
}

function whole(
  response: ServerResponse,
  frame: Frame,
  choices: number,
  headers: readonly string[],
): (choice: number) => Tokens {
  let unfinished = choices;
  return () => () => {
    if (--unfinished > 0) return;
    const body = frame.whole();
    response.writeHead(200, [...plainHeaders, String(Buffer.byteLength(body)), ...headers]);
    response.end(body);
  };
}

const generationFailed = `data: ${JSON.stringify({
  error: { message: "EngineCore encountered an issue", type: "InternalServerError", param: null, code: 500 },
})}\n\n`;

const streamHeaders = ["content-type", "text/event-stream; charset=utf-8", "cache-control", "no-cache"];
const plainHeaders = ["content-type", "application/json", "content-length"];
