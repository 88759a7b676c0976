import { InferenceClient, now } from "../../rollout/traffic/client";
import type { FromTraffic, Outcome, Progress, Rates, ToTraffic } from "./outcome";

/*
 * The customers: a process of its own, so that what the rehearsal itself does never delays a request. It is told
 * what to do, and tells what came of it, over the channel to its parent; it ends when the parent does.
 */

/** Tokens of a plain answer: an embedding-like, short question. */
const plainTokens = 4;
/** Tokens of a stream: seconds on every accelerator that the lab knows. */
const streamTokens = 250;
/** Requests at once, beyond which the service counts as stuck. */
const maxRunning = 4000;

let client: InferenceClient | undefined;
let rates: Rates = { plain: 0, streams: 0, models: [] };
let limits = { requests: 0, seconds: 0 };
let outcomes: Outcome[] = [];
/** Start of every request that has not ended, by kind. */
const open = { plain: new Set<{ at: number }>(), stream: new Set<{ at: number }>() };
let streams = 0;
let sent = 0;
let stopping: string | undefined;
const began = performance.now();

const send = (message: FromTraffic): void => void process.send?.(message);

/** An open loop: requests leave when they are due, whether or not earlier ones have been answered. */
class Schedule {
  private due = 0;
  private turn = 0;
  private last = performance.now();

  constructor(
    private readonly kind: Outcome["kind"],
    private readonly tokens: number,
    private readonly rate: () => number,
  ) {}

  tick(): void {
    const time = performance.now();
    this.due += ((time - this.last) / 1000) * this.rate();
    this.last = time;
    // After a pause of this process, requests are not made up for all at once.
    this.due = Math.min(this.due, 50);
    while (this.due >= 1) {
      this.due -= 1;
      this.one();
    }
  }

  private one(): void {
    const { models, objectives = [] } = rates;
    const model = models[this.turn % models.length];
    const objective = objectives[this.turn % Math.max(1, objectives.length)];
    this.turn++;
    if (client === undefined || model === undefined) return;
    if (sent >= limits.requests) stop(`${limits.requests} requests were sent`);
    if (running() >= maxRunning) stop(`${maxRunning} requests are waiting for an answer`);
    if (stopping !== undefined) return;
    sent++;
    if (this.kind === "stream") streams++;
    const entry = { at: now() };
    open[this.kind].add(entry);
    const headers = objective === undefined ? {} : { "x-gateway-inference-objective": objective };
    void client.complete({ kind: this.kind, model, maxTokens: this.tokens, headers }).then((outcome) => {
      open[this.kind].delete(entry);
      outcomes.push(outcome);
    });
  }
}

const schedules = [
  new Schedule("plain", plainTokens, () => rates.plain),
  new Schedule("stream", streamTokens, () => rates.streams),
];

const ticker = setInterval(() => {
  if (stopping !== undefined) return;
  if ((performance.now() - began) / 1000 > limits.seconds && limits.seconds > 0)
    stop(`${limits.seconds} s have passed`);
  for (const schedule of schedules) schedule.tick();
}, 5);

function running(): number {
  return open.plain.size + open.stream.size;
}

const reporter = setInterval(() => {
  // Sets keep their order: the first is the oldest.
  const [[plain], [stream]] = [open.plain, open.stream];
  const settledUntil = plain?.at ?? now();
  const allSettledUntil = Math.min(settledUntil, stream?.at ?? now());
  const progress: Progress = { running: running(), streams, settledUntil, allSettledUntil };
  send({ type: "outcomes", outcomes, progress });
  outcomes = [];
  if (stopping !== undefined && running() === 0) {
    send({ type: "stopped", reason: stopping });
    process.exit(0);
  }
}, 100);

/** Sends nothing more; what runs is brought to its end. */
function stop(reason: string): void {
  stopping ??= reason;
}

process.on("message", (message: ToTraffic) => {
  switch (message.type) {
    case "start":
      client = new InferenceClient(message.target, message.asking);
      limits = message.limits;
      break;
    case "rates":
      rates = message.rates;
      break;
    case "stop":
      stop("stopped on request");
  }
});

// Nobody left to tell: no request may outlive the rehearsal.
process.on("disconnect", () => {
  clearInterval(ticker);
  clearInterval(reporter);
  process.exit(0);
});
