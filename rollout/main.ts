import { createRequire } from "node:module";

/*
 * `npm run rollout -- COMMAND`. Only what the command needs is loaded, with require because import() would look for
 * JavaScript: see now-line.ts.
 */
const load = createRequire(__filename);

async function main(words: readonly string[]): Promise<void> {
  const [command, ...options] = words;
  if (command === "rollback" && options.includes("--now") && !options.includes("--help")) {
    const { nowLine } = load("./now-line") as typeof import("./now-line");
    await nowLine().parseAsync(options, { from: "user" });
    return;
  }
  const { commandLine } = load("./command-line") as typeof import("./command-line");
  await commandLine().parseAsync(words, { from: "user" });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
