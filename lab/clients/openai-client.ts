import * as path from "node:path";
import { PythonProgram } from "./python-program";

/** What the client itself counted in one stage, by its own errors and checks. */
export interface StageCounts {
  calls: number;
  failed: number;
  /** Calls that were answered, by the pool that named itself. */
  pools: Record<string, number>;
  /** Calls by kind. */
  kinds: Record<string, number>;
}

/** The summary that openai_client.py prints at its end. */
export interface ClientSummary {
  client: string;
  calls: number;
  failed: number;
  kinds: Record<string, number>;
  stages: Record<string, StageCounts>;
  /** The first ones: stage, kind, and the client's error. */
  failures: string[];
}

/** The official OpenAI client, calling until it is told to stop (openai_client.py). */
export class OpenAiClient {
  private constructor(private readonly program: PythonProgram) {}

  /**
   * @param url of the service, without /v1
   * @param limits it ends by itself after so many seconds or calls
   */
  static start(
    python: string,
    url: string,
    model: string,
    limits: { seconds: number; calls?: number; threads?: number },
  ): OpenAiClient {
    const { seconds, calls = 20_000, threads = 4 } = limits;
    const args = [path.join(__dirname, "openai_client.py"), "--base-url", `${url}/v1`, "--model", model];
    args.push("--seconds", String(seconds), "--calls", String(calls), "--threads", String(threads));
    // Compiled modules stay out of the checkout.
    const env = { PYTHONDONTWRITEBYTECODE: "1" };
    return new OpenAiClient(new PythonProgram({ python, args, env, seconds: seconds + 60 }));
  }

  /** Waits until it has called every kind once; whether they succeeded is in the summary. */
  ready(seconds: number): Promise<void> {
    const said = (): boolean => this.program.lines.some((line) => line.startsWith('{"ready"'));
    return this.program.until(said, "every kind of call is made once", seconds);
  }

  /** Calls that start from now on count for this stage. */
  stage(name: string): void {
    this.program.tell(`stage ${name}`);
  }

  /** Lets the calls that run come to their end. */
  async stop(): Promise<{ status: number; summary: ClientSummary }> {
    this.program.tell("stop");
    return this.finished();
  }

  /** @throws Error with what it printed, where that is no summary. */
  async finished(): Promise<{ status: number; summary: ClientSummary }> {
    const status = await this.program.ended;
    const line = this.program.lines.find((text) => text.startsWith('{"summary"'));
    if (line === undefined) throw new Error(`no summary; status ${status}\n${this.program.output}`);
    return { status, summary: (JSON.parse(line) as { summary: ClientSummary }).summary };
  }

  kill(): void {
    this.program.kill();
  }
}

/** A line for each stage. */
export function describeSummary({ client, calls, failed, stages, failures }: ClientSummary): string {
  const of = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  return [
    `${client}: ${failed} of ${calls} calls failed`,
    ...Object.entries(stages).map(
      ([name, stage]) =>
        `  ${name}: ${stage.failed} of ${stage.calls} failed (${of(stage.pools)}; ${of(stage.kinds)})`,
    ),
    ...failures.map((failure) => `  ${failure}`),
  ].join("\n");
}
