import { spawn, type ChildProcess } from "node:child_process";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Patience } from "../../lab/processes/patience";
import { splitAt, StackLab, weightsOf, type StackUnderTest } from "../end-to-end/stack-lab";
import { now } from "../../rollout/traffic/client";
import type { Outcome } from "../../lab/traffic/outcome";
import { Traffic } from "../../lab/traffic/traffic";

/** Model servers of the tests of faults are faster than any accelerator: streams take seconds all the same. */
const speed = 4;
const model = "Qwen/Qwen3-8B";

/** What customers saw in a span of time. */
export interface Seen {
  requests: number;
  streams: number;
  failed: readonly Outcome[];
}

/** One service at a weight, customers who never stop, and what happened to them. */
export class ServiceUnderLoad {
  private constructor(
    readonly lab: StackLab,
    readonly stack: StackUnderTest,
    readonly traffic: Traffic,
    readonly address: string,
  ) {}

  static async start(config: Readonly<Record<string, unknown>> = {}): Promise<ServiceUnderLoad> {
    const lab = await StackLab.start({ speed });
    try {
      const stack = await lab.stack("dev", { weight: 30, ...config });
      await stack.up();
      const address = String((await stack.pulumi.outputs())["address"]);
      const target = { host: address, port: await lab.lab.boundPort(address) };
      const traffic = Traffic.start(target, { requests: 200_000, seconds: 3600 });
      traffic.setRates({ plain: 20, streams: 3, models: [model] });
      await traffic.until(() => traffic.outcomes.length > 20, "the first answers", 60);
      return new ServiceUnderLoad(lab, stack, traffic, address);
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.traffic.drain(30);
    await this.lab.stop();
  }

  /** Waits until everything that has started by now has ended, and tells what came of it. */
  async seen(from: number): Promise<Seen> {
    const to = now();
    await this.traffic.until(() => this.traffic.progress.allSettledUntil > to, "the streams end", 120);
    const outcomes = this.traffic.startedBetween(from, to);
    const count = (kind: Outcome["kind"]): number => outcomes.filter((one) => one.kind === kind).length;
    return {
      requests: count("plain"),
      streams: count("stream"),
      failed: outcomes.filter(({ failure }) => failure !== undefined),
    };
  }

  /** Nothing failed of what started since then. */
  async nothingFailed(from: number): Promise<Seen> {
    const seen = await this.seen(from);
    assert.ok(seen.requests > 0 && seen.streams > 0, `too little traffic: ${describeSeen(seen)}`);
    assert.equal(seen.failed.length, 0, describeSeen(seen));
    return seen;
  }

  /** The service as every test begins with it: 30 % for the candidate, everything as the config says. */
  async steady(weight = 30): Promise<void> {
    await this.stack.set("candidate", "llm-new");
    await this.stack.set("weight", String(weight));
    await this.stack.up();
    await this.weights(weight);
  }

  async weights(candidate: number): Promise<void> {
    assert.deepEqual(weightsOf(await this.lab.route()), splitAt(candidate));
  }

  /** Lets customers go on for a while. */
  async wait(seconds: number): Promise<number> {
    const from = now();
    await sleep(seconds * 1000);
    return from;
  }

  /** While the folder of Pulumi's backend is gone. */
  async withoutBackend<T>(work: () => Promise<T>): Promise<T> {
    const url = this.stack.pulumi.environment["PULUMI_BACKEND_URL"] ?? "";
    const folder = url.replace("file://", "").replace(/\?.*/, "");
    fs.renameSync(folder, `${folder}-away`);
    try {
      return await work();
    } finally {
      fs.renameSync(`${folder}-away`, folder);
    }
  }

  /** A `pulumi up` that the test can end or kill. */
  update(): RunningUpdate {
    return new RunningUpdate(this.stack);
  }

  /** Simulated servers of a pool, by the names that the simulator's control API has for them. */
  async servers(pool: string): Promise<{ id: string; pod: string }[]> {
    const response = await fetch(`${this.lab.lab.simulator.url}/servers`);
    const all = (await response.json()) as { id: string; pod: string }[];
    return all.filter(({ pod }) => new RegExp(`^${pool}-[a-z0-9]+-[a-z0-9]+$`).test(pod));
  }

  async fault(server: { id: string }, fault: string): Promise<void> {
    await fetch(`${this.lab.lab.simulator.url}/servers/${encodeURIComponent(server.id)}/fault`, {
      method: "POST",
      body: JSON.stringify({ fault }),
    });
  }

  /** Process of a picker. @param name a pool, or one pod of its picker. */
  async pickerPid(name: string): Promise<number> {
    const { pods } = (await (await fetch(`${this.lab.lab.pods.url}/state`)).json()) as {
      pods: { name: string; containers: { pid?: number }[] }[];
    };
    const pod = pods.find((one) => one.name === name || one.name.startsWith(`${name}-epp-`));
    const pid = pod?.containers[0]?.pid;
    if (pid === undefined) throw new Error(`no picker of ${name} runs`);
    return pid;
  }
}

/** `pulumi up` in a process group of its own. */
export class RunningUpdate {
  output = "";
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;

  constructor({ pulumi, workspace }: StackUnderTest) {
    this.child = spawn("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
      cwd: workspace.folder,
      env: pulumi.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.ended = new Promise((resolve) => this.child.once("close", (status) => resolve(status ?? -1)));
  }

  /** The engine alone: what it leaves behind has to see for itself that it is gone. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async until(holds: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
    const patience = new Patience(seconds);
    while (!(await holds())) {
      if (this.child.exitCode !== null) throw new Error(`it ended before:\n${this.output}`);
      if (!(await patience.pause(20))) throw new Error(`not within ${seconds} s:\n${this.output}`);
    }
  }

  prints(what: RegExp, seconds = 60): Promise<void> {
    return this.until(() => what.test(this.output), seconds);
  }
}

export function describeSeen({ requests, streams, failed }: Seen): string {
  const list = failed
    .slice(0, 20)
    .map(
      ({ kind, failure, status, pod, pool }) =>
        `${kind} ${status} ${pool ?? "-"}/${pod ?? "-"}: ${failure ?? ""}`,
    );
  return [`${failed.length} of ${requests} requests and ${streams} streams failed`, ...list].join("\n");
}
