import * as fs from "node:fs";
import * as path from "node:path";
import { PythonProgram } from "./python-program";

/** What AIPerf's own export (profile_export_aiperf.json) says of a run. */
export interface LoadSummary {
  generator: string;
  /** Requests that it counts as answered. */
  succeeded: number;
  /** Requests that it counts as failed. */
  failed: number;
  /** Its own words for them. */
  errors: string[];
  /** Whether it says that the run was broken off or is not whole. */
  incomplete: boolean;
  /** Epoch milliseconds of the first request and of the last answer. */
  startedAt: number;
  endedAt: number;
  requestsPerSecond: number;
  /** Milliseconds, median and 99th percentile. */
  latency: { p50: number; p99: number };
  firstToken: { p50: number; p99: number };
}

export interface Load {
  /** Of the service, without /v1. */
  url: string;
  model: string;
  /** Requests a second, and how many in all. */
  rate: number;
  requests: number;
  /** Tokens of each answer, which is a stream. */
  outputTokens: number;
}

/** Name of the tokenizer that tokenizer.py writes. */
const tokenizer = "lab/bytes";
/** For its start and its end, which take ten seconds on a quiet machine. */
const graceSeconds = 400;

/** NVIDIA AIPerf: streams of chats at a constant rate, so many and no more. */
export class LoadGenerator {
  private constructor(
    private readonly program: PythonProgram,
    private readonly folder: string,
  ) {}

  /** @param folder a new one, for the tokenizer and what the generator exports. */
  static async start(python: string, folder: string, load: Load): Promise<LoadGenerator> {
    fs.mkdirSync(folder, { recursive: true });
    const home = path.join(folder, "home");
    const env = {
      HF_HOME: home,
      HF_HUB_OFFLINE: "1",
      TRANSFORMERS_OFFLINE: "1",
      HOME: folder,
      // Its export has times without a zone.
      TZ: "UTC",
    };
    const script = path.join(__dirname, "tokenizer.py");
    const made = new PythonProgram({ python, args: [script, home, tokenizer], env, seconds: 300 });
    if ((await made.ended) !== 0) throw new Error(`no tokenizer\n${made.output}`);
    const seconds = load.requests / load.rate;
    const args = [
      ...["-m", "aiperf", "profile", "--model", load.model, "--url", load.url],
      ...["--endpoint-type", "chat", "--streaming", "--use-server-token-count"],
      ...["--request-rate", String(load.rate), "--request-rate-mode", "constant"],
      ...["--request-count", String(load.requests), "--request-timeout-seconds", "30"],
      ...["--isl", "64", "--osl", String(load.outputTokens), "--random-seed", "1"],
      ...["--tokenizer", tokenizer, "--artifact-dir", path.join(folder, "artifacts")],
      ...["--no-gpu-telemetry", "--no-server-metrics", "--ui", "none"],
      // Two cores are enough for the lab and for few processes of the generator's.
      ...["--workers-max", "1", "--record-processors", "1"],
    ];
    const program = new PythonProgram({ python, args, env, cwd: folder, seconds: seconds + graceSeconds });
    return new LoadGenerator(program, folder);
  }

  /** Waits until it sends requests. */
  sending(seconds: number): Promise<void> {
    const exported = path.join(this.folder, "artifacts", "profile_export.jsonl");
    // A record is written when a request has ended.
    const said = (): boolean => fs.existsSync(exported) && fs.statSync(exported).size > 0;
    return this.program.until(said, "the first requests", seconds);
  }

  /** @throws Error with what it printed, where it exported no summary. */
  async finished(): Promise<{ status: number; summary: LoadSummary }> {
    const status = await this.program.ended;
    const file = path.join(this.folder, "artifacts", "profile_export_aiperf.json");
    if (!fs.existsSync(file)) throw new Error(`no export; status ${status}\n${this.program.output}`);
    return { status, summary: readExport(JSON.parse(fs.readFileSync(file, "utf8"))) };
  }

  kill(): void {
    this.program.kill();
  }
}

interface Metric {
  avg?: number;
  p50?: number;
  p99?: number;
}

/** Reads AIPerf's export, schema 1.x. A metric that never had a value is left out of it. */
function readExport(exported: unknown): LoadSummary {
  const all = exported as Record<string, Metric | undefined> & {
    aiperf_version: string;
    was_cancelled: boolean;
    is_complete?: boolean;
    error_summary: { error_details: { type?: string; message?: string }; count: number }[];
    start_time: string;
    end_time: string;
  };
  const average = (name: string): number => all[name]?.avg ?? 0;
  const times = (name: string): { p50: number; p99: number } => ({
    p50: all[name]?.p50 ?? NaN,
    p99: all[name]?.p99 ?? NaN,
  });
  return {
    generator: `aiperf ${all.aiperf_version}`,
    succeeded: average("request_count"),
    failed: average("error_request_count"),
    errors: all.error_summary.map(
      ({ error_details: { type, message }, count }) => `${count} x ${type ?? "error"}: ${message ?? ""}`,
    ),
    incomplete: all.was_cancelled || all.is_complete === false,
    startedAt: Date.parse(`${all.start_time}Z`),
    endedAt: Date.parse(`${all.end_time}Z`),
    requestsPerSecond: average("request_throughput"),
    latency: times("request_latency"),
    firstToken: times("time_to_first_token"),
  };
}

export function describeLoad(summary: LoadSummary): string {
  const { generator, succeeded, failed, errors, requestsPerSecond, latency, firstToken } = summary;
  const of = ({ p50, p99 }: { p50: number; p99: number }): string => `${p50.toFixed(0)}/${p99.toFixed(0)} ms`;
  return [
    `${generator}: ${failed} of ${succeeded + failed} requests failed, ${requestsPerSecond.toFixed(1)}/s, ` +
      `first token p50/p99 ${of(firstToken)}, whole ${of(latency)}`,
    ...errors.map((error) => `  ${error}`),
  ].join("\n");
}
