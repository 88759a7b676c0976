import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Listr } from "listr2";
import { catalogue, rehearsalTools } from "../lab/tools/catalogue";
import { announcement, toolTasks } from "../lab/tools/tasks";
import { typescript } from "../lab/processes/typescript";

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
}

const groups: readonly Group[] = [
  { title: "on this machine", suffix: ".test.ts", concurrency: 3 },
  // Half of their time they wait for pods, leases and engines.
  { title: "with a control plane", suffix: ".cluster.test.ts", concurrency: 4 },
  { title: "in a whole lab, under traffic", suffix: ".lab.test.ts", concurrency: 1 },
];
const long: Group = { title: "long ones", suffix: ".long.test.ts", concurrency: 1 };
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

/** @returns whether all passed. */
function run({ title, concurrency }: Group, files: readonly string[]): Promise<boolean> {
  console.log(`\n# ${files.length} files ${title}`);
  const args = [...typescript, "--test", `--test-concurrency=${concurrency}`];
  const child = spawn(process.execPath, [...args, "--test-reporter=spec", ...files], { stdio: "inherit" });
  // Ctrl-C reaches the tests themselves, which clean up.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status === 0));
  });
}

async function main(): Promise<void> {
  const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
  const all = ["test", "lab"]
    .flatMap((folder) => testFiles(path.join(__dirname, "..", folder)))
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
  const times: string[] = [];
  for (const { group, files } of work) {
    const began = Date.now();
    const passed = await run(group, files);
    times.push(
      `${group.title}: ${passed ? "passed" : "FAILED"}, ${Math.round((Date.now() - began) / 1000)} s`,
    );
    // The later groups stand on the earlier ones: their failures would only hide the first.
    if (!passed) {
      process.exitCode = 1;
      break;
    }
  }
  console.log(`\n${times.join("\n")}\n${catalogue.length} pinned tools; Node ${process.versions.node}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
