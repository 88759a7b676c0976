import * as fs from "node:fs";
import * as path from "node:path";
import { Listr } from "listr2";
import { catalogue, rehearsalTools } from "../../lab/tools/catalogue";
import { announcement, toolTasks } from "../../lab/tools/tasks";
import { TestFile, type FileResult } from "./file";
import { lines, summary } from "./report";

/*
 * `npm test` and `npm run test:full`. What a test needs is in its file's name: `x.test.ts` nothing but this machine,
 * `x.cluster.test.ts` a control plane or more, `x.lab.test.ts` the machine for itself, because it measures what
 * customers see, `x.long.test.ts` much time.
 * Words on the command line choose files whose paths contain one of them.
 */

interface Group {
  title: string;
  suffix: string;
  /** Files that run at once: a whole lab under traffic needs the machine for itself. */
  concurrency: number;
  /** Whether what a file printed is told that passed, too: measurements are, messages of units are not. */
  tellsAll: boolean;
  /** For how long one file may run, with every property tried as often as in `npm run test:full`. */
  minutes: number;
}

const groups: readonly Group[] = [
  { title: "on this machine", suffix: ".test.ts", concurrency: 3, tellsAll: false, minutes: 30 },
  // Half of their time they wait for pods, leases and engines.
  { title: "with a control plane", suffix: ".cluster.test.ts", concurrency: 4, tellsAll: true, minutes: 10 },
  {
    title: "in a whole lab, under traffic",
    suffix: ".lab.test.ts",
    concurrency: 1,
    tellsAll: true,
    minutes: 15,
  },
];
const long: Group = {
  title: "long ones",
  suffix: ".long.test.ts",
  concurrency: 1,
  tellsAll: true,
  minutes: 40,
};
const suffixes = [...groups.map(({ suffix }) => suffix), long.suffix];

/** What is slow starts first: a long file that starts last is waited for alone. */
const slow = [
  "stacks/plan/histories",
  "stacks/plan/properties",
  "adapter-loader",
  "end-to-end/program",
  "lab/plugins/others",
  "picker-settings",
  "pods/pods",
  "lab/plugins/kubernetes",
];
const rank = (file: string): number => {
  const found = slow.findIndex((part) => file.includes(part));
  return found < 0 ? slow.length : found;
};

function testFiles(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(file);
    return entry.name.endsWith(".test.ts") ? [file] : [];
  });
}

/** A file belongs to the longest suffix that it ends with. */
function suffixOf(file: string): string {
  return suffixes.filter((suffix) => file.endsWith(suffix)).sort((a, b) => b.length - a.length)[0] ?? "";
}

async function tools(): Promise<void> {
  const first = await announcement(rehearsalTools);
  if (first !== undefined) console.log(first);
  const tasks = toolTasks(rehearsalTools, {});
  await new Listr(tasks, { concurrent: true, fallbackRenderer: "simple" }).run();
}

/** Runs files, each in a process of its own. @returns what they showed; those not begun when interrupted are missing. */
async function run(
  { concurrency, tellsAll, minutes }: Group,
  files: readonly string[],
): Promise<readonly FileResult[]> {
  const waiting = [...files];
  const running = new Set<TestFile>();
  const results: FileResult[] = [];
  let said = performance.now();
  const say = (text: string): void => {
    said = performance.now();
    console.log(text);
  };
  const patience = setInterval(() => {
    if (performance.now() - said < 60_000) return;
    say([...running].map((file) => `… ${file.running}`).join("\n"));
  }, 5000);
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !interrupted; next = waiting.shift()) {
      const file = new TestFile(next, { seconds: minutes * 60 });
      running.add(file);
      const result = await file.result;
      running.delete(file);
      results.push(result);
      say(lines(result, tellsAll));
    }
  };
  stop = (why) => running.forEach((file) => void file.end(why));
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    clearInterval(patience);
  }
  return results;
}

let interrupted = false;
/** Ends the files under way. */
let stop: (why: string) => void = () => undefined;
// Ctrl-C reaches the tests themselves, which clean up; a second one does not wait for that.
process.on("SIGINT", () => {
  if (interrupted) stop("It was interrupted");
  interrupted = true;
});
process.on("SIGTERM", () => {
  interrupted = true;
  stop("It was interrupted");
});

async function main(): Promise<void> {
  const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
  const all = ["test", "lab"]
    .flatMap((folder) => testFiles(path.join(__dirname, "../..", folder)))
    .map((file) => path.relative(process.cwd(), file))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort((a, b) => rank(a) - rank(b));
  const full = process.argv.includes("--full");
  const chosen = full ? [...groups, long] : groups;
  if (full) process.env["PROPERTY_RUNS"] ??= "20000";
  const work = chosen
    .map((group) => ({ group, files: all.filter((file) => suffixOf(file) === group.suffix) }))
    .filter(({ files }) => files.length > 0);
  if (work.length === 0) throw new Error(`no test file's path contains ${words.join(" or ")}`);
  if (work.some(({ group }) => group.suffix !== ".test.ts")) await tools();
  const told: string[] = [];
  for (const { group, files } of work) {
    console.log(`\n# ${files.length} files ${group.title}`);
    const began = performance.now();
    const results = await run(group, files);
    told.push(summary(group.title, files.length, results, (performance.now() - began) / 1000));
    // The later groups stand on the earlier ones: their failures would only hide the first.
    if (results.length < files.length || results.some(({ passed }) => !passed)) {
      process.exitCode = interrupted ? 130 : 1;
      break;
    }
  }
  console.log(`\n${told.join("\n")}\n${catalogue.length} pinned tools; Node ${process.versions.node}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
