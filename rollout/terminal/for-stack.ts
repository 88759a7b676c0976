import { quoted } from "../../stacks/messages/edits";

/*
 * Commands as the user has to type them. Without --stack both CLIs act on the selected stack, which is another one than
 * the one that the user named. Done where texts leave the command, so that none is forgotten: the program's own messages,
 * which do not know how they were asked for, come through here too.
 */

/** Commands of the Pulumi CLI that take --stack, and those of this one; not those that name their stack already. */
const typed =
  /\b(?:npm run (?:--silent )?rollout -- (?!rollback --now)[a-z]+(?![a-z-])|pulumi (?:config (?:set|rm|get)|state [a-z]+|stack (?:rm(?! (?!--)\S)|export|import|history|output)|up|preview|refresh|destroy|cancel)(?![\w-]))(?! --stack\b)/g;

/** A text with every command in it for one stack. @param stack absent: the selected one is meant. */
export const forStack = (text: string, stack: string | undefined): string =>
  stack === undefined ? text : text.replaceAll(typed, (words) => `${words} --stack ${quoted(stack)}`);

/** What of a result for programs is text with commands in it. */
const commandKeys = new Set(["fix", "found", "next", "back", "notes", "errors", "warnings"]);

/** The same for a result: everything else in it is data, and stays as it is. */
export function resultForStack(value: unknown, stack: string | undefined, isText = false): unknown {
  if (typeof value === "string") return isText ? forStack(value, stack) : value;
  if (Array.isArray(value)) return value.map((one) => resultForStack(one, stack, isText));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, resultForStack(inner, stack, commandKeys.has(key))]),
  );
}
