import * as fs from "node:fs";
import { mountOf } from "./adapter-files";
import { Adapters } from "./adapters";
import { Engine } from "./engine";
import { parseFaults, type Fault } from "./faults";
import { Front } from "./front";
import { Identity } from "./identity";
import { readLaunch, type Launch } from "./launch";
import { Metrics } from "./metrics";
import type { ServerState, ServerView, StartServer } from "./protocol";
import { routesOf } from "./routes";
import { paceOf, type Pace } from "./speed";
import type { Ticker } from "./ticker";

/** Status of a process that SIGKILL ended. */
const killedStatus = 137;

/** Seconds of SGLang's first request, its own. */
const warmUpSeconds = 0.5;

/** Milliseconds to bring an adapter back into memory, at speed 1. */
const adapterDelay = 200;

/** One simulated container: loads, listens on its pod's address, answers, and ends as a process would. */
export class ModelServer {
  private state: ServerState = "loading";
  private readonly launch: Launch;
  private readonly identity: Identity;
  private readonly engine: Engine;
  private readonly adapters: Adapters;
  private readonly front: Front;
  private faults: readonly Fault[];
  /** SGLang listens before its warm-up request is answered, and is not healthy until then. */
  private warming: boolean;
  private readonly timers = new Set<NodeJS.Timeout>();

  /**
   * @param speed everything is this many times as fast as the accelerator would be
   * @param onEnd called once, when nothing listens on the address any more
   * @param isLost whether no registry has an adapter of that name any more
   * @throws LaunchRefused where the server itself would refuse its command line.
   */
  constructor(
    private readonly start: StartServer,
    ticker: Ticker,
    speed: number,
    private readonly onEnd: (code: number, message: string) => void,
    isLost: (adapter: string) => boolean = () => false,
  ) {
    this.launch = readLaunch(start);
    this.faults = this.launch.faults;
    this.warming = this.launch.engine === "sglang";
    const pace = scaled(this.launch, start, speed);
    const metrics = new Metrics(this.launch, pace);
    const { adapters, maxSequences, model } = this.launch;
    this.adapters = new Adapters(this.launch, start.mounts, () => this.faults, isLost);
    const limits = { sequences: maxSequences, adapters: adapters.maxInBatch };
    const delay = (name: string): number => (this.adapters.use(name) ? adapterDelay / speed : 0);
    this.engine = new Engine(pace, limits, ticker, metrics, delay);
    this.identity = new Identity(start, model, start.pool);
    const routes = routesOf({
      launch: this.launch,
      identity: this.identity,
      engine: this.engine,
      adapters: this.adapters,
      metrics,
      startedAt: Math.floor(new Date().getTime() / 1000),
      isHealthy: () => !this.warming && !this.faults.some(({ kind }) => kind === "unready"),
      lateMs: () =>
        1000 * Math.max(0, ...this.faults.map((fault) => (fault.kind === "busy" ? fault.seconds : 0))),
      hasFault: (fault) => this.faults.some(({ kind }) => kind === fault),
      log: (line) => this.log(line),
    });
    this.front = new Front(routes, this.identity, this.launch.idleSeconds);
  }

  begin(): void {
    const { loadSeconds, model } = this.launch;
    const { accelerator, accelerators } = this.start;
    this.log(`loading ${model} on ${accelerator === "" ? "cpu" : `${accelerators} x ${accelerator}`}`);
    this.applyFaults();
    this.after(loadSeconds, () => this.serve());
  }

  /** SIGTERM. */
  terminate(): void {
    // A process that hangs does not hear it.
    if (this.front.hanging || this.state === "ended" || this.state === "terminating") return;
    const serving = this.state === "serving";
    this.state = "terminating";
    this.log(`SIGTERM: ${this.front.unfinished} requests to finish`);
    const { finishSeconds } = this.launch;
    if (!serving) this.end(0, "");
    else if (finishSeconds === 0) this.end(0, "", true);
    else {
      this.front.drain(() => this.end(0, ""));
      if (Number.isFinite(finishSeconds)) this.after(finishSeconds, () => this.end(0, "", true));
    }
  }

  /** SIGKILL, and every other sudden end. */
  kill(code = killedStatus, message = "killed"): void {
    this.end(code, message);
  }

  /** @throws Error naming the faults there are. */
  inject(fault: string): void {
    this.faults = parseFaults(fault);
    this.applyFaults();
  }

  changePool(pool: string): void {
    this.identity.changePool(pool);
  }

  get view(): ServerView {
    const { id, namespace, pod, podIP } = this.start;
    return {
      ...{ id, namespace, pod, address: `${podIP}:${this.launch.port}`, state: this.state },
      ...{ model: this.launch.model, adapters: this.adapters.names },
      ...{ running: this.engine.running, waiting: this.engine.waiting },
    };
  }

  /** vLLM listens only when everything is loaded; an adapter that cannot be loaded ends it. */
  private serve(): void {
    if (this.state !== "loading") return;
    for (const { name, path } of this.launch.adapters.modules) {
      const { status, message } = this.adapters.load(name, path);
      this.log(message);
      if (status !== 200) {
        this.end(1, message);
        return;
      }
    }
    const refused = this.resolverRefused();
    if (refused !== undefined) {
      this.end(1, refused);
      return;
    }
    const { podIP } = this.start;
    const { port, names } = this.launch;
    const ready = (): void => {
      this.state = "serving";
      this.log(`serving on ${podIP}:${port} as ${names.join(", ")}`);
      if (this.warming) this.after(warmUpSeconds, () => (this.warming = false));
    };
    this.front.listen(podIP, port, ready, (error) => this.end(1, error.message));
  }

  private end(code: number, message: string, cut = code !== 0): void {
    if (this.state === "ended") return;
    this.state = "ended";
    for (const timer of this.timers) clearTimeout(timer);
    this.log(`ended with status ${code}${message === "" ? "" : `: ${message}`}`);
    this.front.close(cut, () => this.onEnd(code, message));
  }

  private applyFaults(): void {
    this.hang(false);
    this.engine.slowness = 1;
    for (const fault of this.faults) {
      if (fault.kind === "crash") {
        this.after(fault.afterSeconds, () => this.end(1, `LAB_FAULT: crash after ${fault.afterSeconds} s`));
      }
      if (fault.kind === "hang") this.after(fault.afterSeconds, () => this.hang(true));
      if (fault.kind === "slow") this.engine.slowness = fault.factor;
    }
  }

  private hang(hanging: boolean): void {
    this.front.hanging = hanging;
    this.engine.hang(hanging);
  }

  private resolverRefused(): string | undefined {
    const folder = this.launch.adapters.resolverFolder;
    if (folder === undefined || mountOf(folder, this.start.mounts) !== undefined) return undefined;
    return "VLLM_LORA_RESOLVER_CACHE_DIR must be set to a valid directory for Filesystem Resolver plugin to function";
  }

  private after(seconds: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      then();
    }, seconds * 1000);
    this.timers.add(timer);
  }

  private log(line: string): void {
    fs.appendFileSync(this.start.log, `${new Date().toISOString()} ${line}\n`);
  }
}

function scaled(launch: Launch, start: StartServer, speed: number): Pace {
  const pace = paceOf(launch.model, start.accelerator, start.accelerators);
  return {
    cacheTokens: pace.cacheTokens,
    firstToken: launch.firstToken ?? pace.firstToken / speed,
    token: launch.token ?? pace.token / speed,
    promptToken: launch.firstToken === undefined ? pace.promptToken / speed : 0,
  };
}
