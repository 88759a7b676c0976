import { hasKept } from "../stacks/state/kept-outputs";
import { begin, keyOf, questions, type Begun } from "./pulumi/begin";

/**
 * A rollback is in a hurry: what it asks of the CLI first begins while the command itself is still being loaded.
 * @param words the command line after `rollback`.
 */
export function askEarly(words: readonly string[], cwd: string): Begun {
  if (words.includes("--help")) return new Map();
  const stack = stackIn(words);
  const isQuick = words.includes("--yes") && !words.some((word) => asksMore.test(word));
  // What takes longest first; what a rollback without questions reads from files, the CLI is asked after it.
  const asked = [
    ...(isQuick && hasKept(cwd) ? [] : [questions.secretOutputs(stack)]),
    ...(isQuick ? [] : [questions.config(stack), ...(stack === undefined ? [questions.name] : [])]),
  ];
  return new Map(asked.map((args) => [keyOf(args, cwd), begin(args, cwd)]));
}

/** Options with which a rollback is not in a hurry: see command-line.ts. */
const asksMore = /^--(dry-run|list|to-update)(=|$)/;

/** Asked of another stack than the command then means, an answer is of no use, and nobody sees it. */
function stackIn(words: readonly string[]): string | undefined {
  const at = words.indexOf("--stack");
  return at < 0 ? words.find((word) => word.startsWith("--stack="))?.slice("--stack=".length) : words[at + 1];
}
