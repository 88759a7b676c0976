import type { Asking } from "../../rollout/traffic/client";
import type { Outcome, Target } from "../../rollout/traffic/outcome";

export type { Outcome, Target };

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

export type ToTraffic =
  | { type: "start"; target: Target; limits: { requests: number; seconds: number }; asking: Asking }
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
