import { streams as canStream } from "../../stacks/answers/endpoints";
import { InferenceClient, now, type Asking } from "./client";
import type { Outcome, Target } from "./outcome";

export interface Load extends Asking {
  /** Requests at the most, streams among them. */
  requests: number;
  /** Seconds in which requests are begun; what runs then is brought to its end. */
  seconds: number;
  /** Requests that wait for an answer at once. */
  concurrency: number;
  /** The part of the requests that are streams, from 0 to 1. */
  streams: number;
  /** Names that are asked for, in turn. */
  models: readonly string[];
  /** Tokens of a plain answer and of a stream. */
  tokens: { plain: number; stream: number };
}

/** Sends a bounded number of requests to a service that customers use too: never more at once than it is told. */
export async function sendLoad(
  target: Target,
  load: Load,
  { signal, say }: { signal?: AbortSignal; say?: (text: string) => void } = {},
): Promise<Outcome[]> {
  const client = new InferenceClient(target, load);
  // Embeddings and scores come as a whole.
  const part = canStream(load.endpoint ?? "completions") ? load.streams : 0;
  const outcomes: Outcome[] = [];
  const until = now() + load.seconds * 1000;
  let sent = 0;
  const ofKind = { plain: 0, stream: 0 };
  const worker = async (): Promise<void> => {
    while (sent < load.requests && now() < until && signal?.aborted !== true) {
      const turn = sent++;
      const kind = isStream(turn, part) ? "stream" : "plain";
      // Each kind by itself goes through all of the names.
      const model = load.models[ofKind[kind]++ % load.models.length] ?? "";
      outcomes.push(await client.complete({ kind, model, maxTokens: load.tokens[kind] }));
      if (outcomes.length % 20 === 0) say?.(`${outcomes.length} answers`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, load.concurrency) }, worker));
  } finally {
    client.close();
  }
  return outcomes;
}

/** Streams are spread evenly among the requests. */
export function isStream(turn: number, part: number): boolean {
  return Math.floor((turn + 1) * part) > Math.floor(turn * part);
}
