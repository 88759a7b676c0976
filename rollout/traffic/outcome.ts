import type { Fault } from "../../stacks/answers/fault";
import { connectTo, type Endpoint } from "../../components/gateways/endpoint";

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
  /** What kind of fault that is, where there was an answer. */
  fault?: Fault["kind"];
  /** Who answered, by its own word. */
  pool?: string;
  pod?: string;
  node?: string;
  servedModel?: string;
  adapter?: string;
}

export interface Target {
  host: string;
  port: number;
  /** Name in the Host header, and in the certificate. Default: the host. */
  hostname?: string;
  /** Default: false, clear text. */
  tls?: boolean;
}

/** @param address the gateway's own. */
export function targetOf(endpoint: Endpoint, address: string): Target {
  const { tls, hostname } = endpoint;
  return {
    ...connectTo(endpoint, address),
    ...(hostname === undefined ? {} : { hostname }),
    ...(tls ? { tls } : {}),
  };
}
