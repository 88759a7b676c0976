"use strict";
/*
 * `npm run rollout -- COMMAND`: starts the rollout command as the program is started. `rollback --now` is a command
 * line of its own: it must work where Pulumi's libraries, or other sources of this checkout, are broken.
 */
const { prepare, start, startLastGood } = require("./program");

const now = "rollout/now-line.ts";

// A terminal that is gone (a lost connection, `| head`) must not end an update half-way: it goes on, unseen.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

/** @param {readonly string[]} words */
async function main(words) {
  const [command, ...options] = words;
  if (command === "rollback" && options.includes("--now") && !options.includes("--help")) {
    const { nowLine } = /** @type {typeof import("../rollout/now-line")} */ (await startLastGood(now));
    await nowLine().parseAsync(options, { from: "user" });
    return;
  }
  const begun = command === "rollback" ? await askedEarly(options) : undefined;
  const { commandLine } = /** @type {typeof import("../rollout/command-line")} */ (
    await start("rollout/command-line.ts")
  );
  await commandLine(begun).parseAsync(words, { from: "user" });
  // Bundles rollback --now before anybody needs it.
  await prepare(now);
}

/** @param {readonly string[]} options */
async function askedEarly(options) {
  const { askEarly } = /** @type {typeof import("../rollout/early")} */ (await start("rollout/early.ts"));
  return askEarly(options, process.cwd());
}

main(process.argv.slice(2)).catch((/** @type {unknown} */ error) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
