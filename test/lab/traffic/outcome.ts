/** One request as its client saw it. Times are milliseconds since the epoch. */
export interface Outcome {
  kind: "plain" | "stream";
  /** The model name that was asked for. */
  model: string;
  startedAt: number;
  /** First byte of the answer. */
  answeredAt: number;
  endedAt: number;
  /** HTTP status; 0 where there was no answer. */
  status: number;
  /** Why it failed; absent: it did not. */
  failure?: string;
  /** Who answered, by its own word. */
  pool?: string;
  pod?: string;
  node?: string;
  servedModel?: string;
  adapter?: string;
}

/** What the traffic process is told. */
export interface Rates {
  /** Plain requests per second. */
  plain: number;
  /** Streams started per second. */
  streams: number;
  /** Names that are asked for, in turn. */
  models: readonly string[];
  /** Value of the header x-gateway-inference-objective, in turn; absent: none. */
  objectives?: readonly string[];
}

export interface Target {
  host: string;
  port: number;
  /** Name in the Host header. Default: the host. */
  hostname?: string;
}

export type ToTraffic =
  | { type: "start"; target: Target; limits: { requests: number; seconds: number } }
  | { type: "rates"; rates: Rates }
  | { type: "stop" };

/** Where the traffic stands. */
export interface Progress {
  /** Requests without an answer so far. */
  running: number;
  /** Streams that were started, from the beginning on. */
  streams: number;
  /** Every plain request that started before this has ended. */
  settledUntil: number;
  /** Everything that started before this has ended, streams too. */
  allSettledUntil: number;
}

export type FromTraffic =
  | { type: "outcomes"; outcomes: readonly Outcome[]; progress: Progress }
  | { type: "stopped"; reason: string };
