import assert from "node:assert/strict";
import type { RawConfig } from "../../../stacks/config/parse";

/*
 * What `pulumi config set` and `rm` make of a stack's config, as pulumi 3.250.0 does it (sdk/go/common/resource:
 * properties_path.go and config/object.go). cli.long.test.ts holds it to the real CLI, command by command.
 */

/** Words of a command line, as a POSIX shell splits it. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? "";
    if (char === "'" || char === '"') {
      const end = line.indexOf(char, i + 1);
      assert.ok(end > 0, `an open quote in: ${line}`);
      word = (word ?? "") + line.slice(i + 1, end);
      i = end;
    } else if (char === "\\") {
      i++;
      word = (word ?? "") + (line[i] ?? "");
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  return word === undefined ? words : [...words, word];
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** @throws Error with the CLI's own words where it would end with another status than 0. */
export function parsePath(path: string): (string | number)[] {
  const parts: (string | number)[] = [];
  let rest = path;
  if (rest.startsWith(".")) throw new Error("expected property path to start with a name or index");
  while (rest !== "") {
    if (rest.startsWith(".")) {
      rest = rest.slice(1);
      if (rest === "") throw new Error("expected property path to end with a name or index");
      if (rest.startsWith("[")) throw new Error("expected property name after '.'");
    } else if (rest.startsWith('["')) {
      const found = /^\["((?:\\"|[^"])*)"\]/.exec(rest);
      if (found === null) throw new Error("missing closing quote in property name");
      parts.push((found[1] ?? "").replaceAll('\\"', '"'));
      rest = rest.slice(found[0].length);
    } else if (rest.startsWith("[")) {
      const found = /^\[(-?\d+)\]/.exec(rest);
      if (found === null) throw new Error("invalid array index");
      parts.push(Number(found[1]));
      rest = rest.slice(found[0].length);
    } else {
      const found = /^[^.[]*/.exec(rest)?.[0] ?? "";
      parts.push(found);
      rest = rest.slice(found.length);
    }
  }
  return parts;
}

interface Parsed {
  verb: string;
  flags: Map<string, string>;
  key: string;
  value?: string;
}

function parseCommand(words: readonly string[]): Parsed {
  const [pulumi, config, verb = "", ...rest] = words;
  assert.deepEqual([pulumi, config], ["pulumi", "config"], words.join(" "));
  const flags = new Map<string, string>();
  const positional: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? "";
    if (word === "--") {
      positional.push(...rest.slice(i + 1));
      break;
    }
    if (word === "--type") flags.set("type", rest[++i] ?? "");
    else if (["--path", "--secret", "--plaintext"].includes(word)) flags.set(word.slice(2), "true");
    else if (word.startsWith("-")) throw new Error(`unknown flag: ${word}`);
    else positional.push(word);
  }
  const exclusive = ["secret", "plaintext", "type"].filter((flag) => flags.has(flag));
  if (exclusive.length > 1) throw new Error(`none of the others can be: ${exclusive.join(" ")}`);
  const most = verb === "rm" ? 1 : 2;
  if (positional.length > most || positional.length === 0)
    throw new Error(`accepts ${most} arg(s), received ${positional.length}: ${words.join(" ")}`);
  const [key = "", value] = positional;
  return { verb, flags, key, ...(value === undefined ? {} : { value }) };
}

/** The CLI takes a secret without a value from its standard input. */
export interface Asked {
  secret: string;
}

/**
 * The config after a command.
 * @param config keys of this project without their prefix.
 * @throws Error where the CLI would end with another status than 0.
 */
export function runConfig(config: RawConfig, command: string, asked?: Asked): RawConfig {
  const { verb, flags, key, value } = parseCommand(shellWords(command));
  // As a file would have it: what stands in two places of a test's config is two things.
  const root = JSON.parse(JSON.stringify(config)) as Record<string, Json>;
  const path = flags.has("path") ? parsePath(key) : [key];
  const first = String(path[0]);
  if (verb === "rm") {
    if (path.length === 1) Reflect.deleteProperty(root, first);
    else remove(root[first], path.slice(1));
    return root;
  }
  assert.equal(verb, "set", command);
  const text = value ?? asked?.secret;
  if (text === undefined) throw new Error("config value must be specified in non-interactive mode");
  if (path.length === 1) {
    root[first] = text;
    return root;
  }
  const typed = flags.has("secret") || flags.get("type") === "string" ? text : coerced(text);
  const before = root[first];
  // A scalar at the first level gives way; deeper ones do not.
  const base = typeof before === "object" && before !== null ? before : container(path[1]);
  root[first] = base;
  assign(base, path.slice(1), typed);
  return root;
}

function coerced(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  // A number with zeros in front would not come back as it was.
  return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : text;
}

const container = (part: string | number | undefined): Json[] | { [key: string]: Json } =>
  typeof part === "number" ? [] : {};

function assign(at: Json[] | { [key: string]: Json }, path: readonly (string | number)[], value: Json): void {
  const [part = "", ...rest] = path;
  if (Array.isArray(at)) {
    if (typeof part !== "number") throw new Error("key for an array must be an int");
    if (part < 0 || part > at.length) throw new Error("array index out of range");
  } else if (typeof part === "number") throw new Error("key for a map must be a string");
  const inner = (at as Record<string | number, Json>)[part];
  if (rest.length === 0) {
    (at as Record<string | number, Json>)[part] = value;
    return;
  }
  const next = inner ?? container(rest[0]);
  if (typeof next !== "object") throw new Error("expected an array or a map");
  (at as Record<string | number, Json>)[part] = next;
  assign(next, rest, value);
}

/** What is not there is not removed, and that is no error. */
function remove(at: Json | undefined, path: readonly (string | number)[]): void {
  const [part = "", ...rest] = path;
  if (typeof at !== "object" || at === null) return;
  if (Array.isArray(at)) {
    if (typeof part !== "number" || part < 0 || part >= at.length) return;
    if (rest.length === 0) at.splice(part, 1);
    else remove(at[part], rest);
  } else if (typeof part === "string") {
    if (rest.length === 0) Reflect.deleteProperty(at, part);
    else remove(at[part], rest);
  }
}

/**
 * Commands in a text for people, in chains: what stands between && is one chain. A chain ends where prose begins.
 * `npm run rollout` and `kubectl` are commands too.
 */
export function chainsIn(text: string): string[][] {
  const chains: string[][] = [];
  const start = /\b(pulumi (?:config (?:set|rm)|up|stack|destroy)|kubectl \w+|npm run rollout --)/g;
  let at = 0;
  while (at < text.length) {
    start.lastIndex = at;
    const found = start.exec(text);
    if (found === null) break;
    const chain: string[] = [];
    let i = found.index;
    for (;;) {
      const end = endOfCommand(text, i);
      chain.push(text.slice(i, end).trim());
      const and = /^\s*&& /.exec(text.slice(end));
      i = end + (and?.[0].length ?? 0);
      if (and === null) break;
    }
    chains.push(chain);
    at = i;
  }
  return chains;
}

/** Prose goes on after a quote, a comma, a semicolon, a closing bracket or a word that no command has. */
function endOfCommand(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "\\") i++;
    else if (char === "'" || char === '"') {
      const close = text.indexOf(char, i + 1);
      if (close < 0) return i;
      i = close;
    } else if (char === "(") depth++;
    else if (char === ")" && depth-- === 0) return i;
    else if (/[;,]/.test(char) && /^\s|^$/.test(text.slice(i + 1, i + 2))) return i;
    else if (
      /^( && | (\(|or |and |keeps |gives |lets |says |shrinks |puts |with |instead|for ))/.test(text.slice(i))
    )
      return i;
    else if (char === ":" && text[i + 1] === " ") return i;
  }
  return text.length;
}
