import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { keep, machine, type Result } from "./results";
import { splitDelay } from "./split";
import { oneStack } from "./one-stack";
import { scale } from "./scale";
import { wayBack } from "./way-back";
import { weightMove } from "./weight-move";

/*
 * `npm run bench`: each benchmark measures something beside something else in the same lab, so that what counts are
 * ratios; the absolute times are this machine's.
 */

type Found = Pick<Result, "compared" | "delays" | "sized" | "growth">;

const benchmarks: Record<
  string,
  { rounds: number; run: (rounds: number, say: (text: string) => void) => Promise<Found> }
> = {
  "weight-move": { rounds: 7, run: async (rounds, say) => ({ compared: await weightMove(rounds, say) }) },
  "way-back": { rounds: 20, run: async (rounds, say) => ({ delays: await wayBack(rounds, say) }) },
  scale: { rounds: 7, run: async (rounds, say) => ({ compared: await scale(rounds, say) }) },
  "one-stack": { rounds: 5, run: oneStack },
  split: { rounds: 50, run: async (rounds, say) => ({ delays: await splitDelay(rounds, say) }) },
};

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 1000) return value;
  throw new InvalidArgumentError("a whole number from 1 to 1000");
}

async function main(): Promise<void> {
  const program = new Command("npm run bench --")
    .description("Measures, prints ratios, keeps out/bench/*.json and writes docs/performance.md.")
    .addArgument(new Argument("[benchmark...]", "which; default: all").choices(Object.keys(benchmarks)))
    .addOption(new Option("--rounds <n>", "how often").argParser(count))
    .addOption(new Option("--json", "print the results as JSON"))
    .parse(process.argv);
  const { rounds, json } = program.opts<{ rounds?: number; json?: boolean }>();
  const names = program.args.length > 0 ? program.args : Object.keys(benchmarks);
  for (const [name, benchmark] of Object.entries(benchmarks)) {
    if (!names.includes(name)) continue;
    const where = machine();
    const say = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
    const found = await benchmark.run(rounds ?? benchmark.rounds, say);
    const result = { benchmark: name, day: new Date().toISOString().slice(0, 10), machine: where, ...found };
    const lines = keep(result);
    console.log(json === true ? JSON.stringify(result) : `\n${name}\n${lines.join("\n")}`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
