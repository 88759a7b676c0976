import type { Properties } from "../protocol/values";

/** `runtime.options` of Pulumi.yaml, as far as they matter in a lab. */
export interface RuntimeOptions {
  typescript: boolean;
  tsconfig?: string;
  /** Arguments for the Node process, split as a shell would. */
  nodeArgs: readonly string[];
}

/** @throws Error naming an option of the wrong type. */
export function runtimeOptions(options: Properties): RuntimeOptions {
  const { typescript = true, tsconfig, nodeargs = "" } = options;
  if (typeof typescript !== "boolean") throw new Error("typescript option must be a boolean");
  if (tsconfig !== undefined && typeof tsconfig !== "string")
    throw new Error("tsconfigpath option must be a string");
  if (typeof nodeargs !== "string") throw new Error("nodeargs option must be a string");
  return { typescript, nodeArgs: splitWords(nodeargs), ...(tsconfig === undefined ? {} : { tsconfig }) };
}

/** What the SDK reads of the options, through the environment. */
export function optionsEnvironment(options: RuntimeOptions): Record<string, string> {
  return {
    ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
  };
}

/** Splits at white space, except inside quotes; a backslash takes the next character as it is. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === "\\" && quote !== "'" && i + 1 < text.length) word = (word ?? "") + text.charAt(++i);
    else if (quote !== "") {
      if (c === quote) quote = "";
      else word = (word ?? "") + c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + c;
  }
  if (quote !== "") throw new Error(`unclosed quote in nodeargs: ${text}`);
  if (word !== undefined) words.push(word);
  return words;
}
