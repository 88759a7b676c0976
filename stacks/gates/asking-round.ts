import { answerFor, type Answered, type Way } from "./asking";

/*
 * One check asks a candidate for many names: all that the config declares, and all that the stable pool serves.
 */

/** What came of asking for one name. Only an answer proves anything. */
export type Asked = Answered | { came: "unasked" };

/** Requests at once: what two servers can have in their batches, where each request is for another adapter. */
const atOnce = 8;

/** Longer than a model server needs for a few tokens, so that more than this request is in trouble. */
const longMs = 10_000;

/** Between two reports of how far it is. */
const reportMs = 10_000;

export interface RoundOptions {
  /** Who is asked. */
  who: string;
  /** Called every ten seconds. */
  report?: ((text: string) => void) | undefined;
  /** When the gate gives up, on the clock of `performance.now()`. */
  deadline: number;
  /** What was missing in the check before: a report says it again. */
  before: readonly string[];
  /** Names that were not asked then: they come first, or the same ones would stand before them in each check. */
  first?: ReadonlySet<string>;
}

/**
 * A few questions at a time, whoever asks them: a server holds few adapters at once, and with many of them the last one
 * asked would have no answer before its time is up. Where nothing answers, the rest is not asked: each question waits
 * for half a minute, and with many names nobody would hear of it for a quarter of an hour.
 */
export class AskingRound {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly timer: NodeJS.Timeout;
  /** Names that were not asked. */
  readonly unasked = new Set<string>();
  private total = 0;
  private answered = 0;
  private silentInARow = 0;
  private lastAnswer = 0;
  private isSilent = false;
  private hasFaults = false;
  private hasEnded = false;

  constructor(private readonly options: RoundOptions) {
    this.timer = setInterval(() => this.report(), reportMs);
  }

  /** No more is asked, and no more is said. */
  end(): void {
    this.hasEnded = true;
    clearInterval(this.timer);
  }

  /** @returns what came of each name, in their order. */
  async ask(way: Way, models: readonly string[]): Promise<readonly Asked[]> {
    this.total += models.length;
    // In the order in which they were left: each check begins where the one before ended.
    const first = [...(this.options.first ?? [])].filter((one) => models.includes(one));
    const order = [...new Set([...first, ...models])];
    const asking = new Map(order.map((model) => [model, this.askFor(way, model)]));
    return Promise.all(
      models.map(async (model): Promise<Asked> => (await asking.get(model)) ?? { came: "unasked" }),
    );
  }

  private async askFor(way: Way, model: string): Promise<Asked> {
    if (this.running < atOnce) this.running++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      if (this.isOver()) {
        this.unasked.add(model);
        return { came: "unasked" };
      }
      const began = performance.now();
      const answered = await answerFor(way, model);
      this.count(answered, began);
      return answered;
    } finally {
      // The next one takes this one's place.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }

  private count({ came }: Answered, began: number): void {
    const now = performance.now();
    this.hasFaults ||= came !== "answer";
    if (came !== "nothing") {
      this.answered++;
      [this.silentInARow, this.lastAnswer] = [0, now];
      return;
    }
    this.silentInARow++;
    // One that waited in vain, and nobody else had an answer meanwhile: the next ones would wait as long again.
    const waited = now - began >= longMs && this.lastAnswer < began;
    this.isSilent ||= waited || this.silentInARow >= atOnce;
  }

  private isOver(): boolean {
    const isLate = this.hasFaults && performance.now() >= this.options.deadline;
    return this.hasEnded || isLate || this.isSilent;
  }

  private report(): void {
    const { who, before, report } = this.options;
    if (this.answered === this.total) return;
    const last = before.length === 0 ? "" : `; missing before: ${before.join("; ")}`;
    report?.(`${who} has answered for ${this.answered} of ${this.total} model names${last}`);
  }
}

/** What is missing of answers, in words; empty: all of them came and were right. */
export function wordsOf({ who }: Way, asked: readonly Asked[]): string[] {
  const texts = asked.flatMap((one) => ("text" in one ? [one.text] : []));
  const isWhole = asked.every(({ came }) => came !== "unasked");
  return [...new Set(texts), ...(isWhole ? [] : [`${who} was not asked for its other model names`])];
}
