/** Faults of a model server: from the pod's own spec (env LAB_FAULT) or from a test, through the control API. */
export type Fault =
  /** The process ends with status 1. */
  | { kind: "crash"; afterSeconds: number }
  /** Accepts requests, also for /health, and never answers. */
  | { kind: "hang"; afterSeconds: number }
  /** /health answers 503; everything else works. */
  | { kind: "unready" }
  /** Answers 200 with an error in the body, as vLLM has done (vllm#21704). */
  | { kind: "error-200" }
  /** Streams end with an error before their end mark, as vLLM's and SGLang's do when generation fails. */
  | { kind: "error-in-stream" }
  /** Its event loop is busy: what is asked by GET (health, metrics, models) is answered this much later. */
  | { kind: "busy"; seconds: number }
  /** Everything takes `factor` times as long. */
  | { kind: "slow"; factor: number }
  /** Loading this adapter fails; "*" is every adapter. */
  | { kind: "fail-adapter"; adapter: string };

const forms =
  "crash, crash-after:5s, hang, hang-after:5s, never-ready, error-200, error-in-stream, busy:2s, slow:3, fail-adapter:NAME, none";

/**
 * Reads a comma-separated list of faults.
 * @throws Error naming the forms there are.
 */
export function parseFaults(text: string): Fault[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "none")
    .map(parseFault);
}

function parseFault(text: string): Fault {
  const [name = "", value = ""] = text.split(/:(.*)/s);
  switch (name) {
    case "crash":
      return { kind: "crash", afterSeconds: 0 };
    case "crash-after":
      return { kind: "crash", afterSeconds: seconds(text, value) };
    case "hang":
      return { kind: "hang", afterSeconds: 0 };
    case "hang-after":
      return { kind: "hang", afterSeconds: seconds(text, value) };
    case "never-ready":
    case "unready":
      return { kind: "unready" };
    case "error-200":
    case "error-in-stream":
      return { kind: name };
    case "busy":
      return { kind: "busy", seconds: seconds(text, value) };
    case "slow":
      if (!(Number(value) > 0)) throw unknown(text);
      return { kind: "slow", factor: Number(value) };
    case "fail-adapter":
      if (value === "") throw unknown(text);
      return { kind: "fail-adapter", adapter: value };
    default:
      throw unknown(text);
  }
}

function seconds(fault: string, text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  if (found === null) throw unknown(fault);
  const unit = { ms: 0.001, s: 1, m: 60 }[found[2] ?? "s"] ?? 1;
  return Number(found[1]) * unit;
}

function unknown(text: string): Error {
  return new Error(`LAB_FAULT: unknown fault "${text}" (known faults: ${forms})`);
}
