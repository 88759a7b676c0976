import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { configFolder, isObject, withoutSecure } from "../../stacks/config/config-file";
import { pulumiHome } from "../../stacks/state/kept-outputs";
import { project, type Printed } from "../steps/values";

/*
 * What `pulumi stack --show-name` and `pulumi config --json` would say, from the files that they read. The CLI takes a
 * third of the time that a rollback may take; so the live route is written by the files, and the CLI is asked after it
 * (commands/session.ts). Where a file says more than is understood here, there is no quick reading.
 */

export interface QuickReading {
  /** Name of the stack without organisation and project. */
  stack: string;
  /** The same, as it was given or selected. */
  named: string;
  /** Its config, as the CLI prints it. */
  printed: string;
}

/** @param stack default: the selected one. @returns undefined where only the CLI can say it. */
export async function readQuickly(
  folder: string,
  stack?: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<QuickReading | undefined> {
  const named = stack ?? selectedByFiles(folder, env);
  const name = named?.split("/").at(-1);
  if (named === undefined || name === undefined) return undefined;
  const [projectFile, stackFile] = [
    textOf(path.join(folder, "Pulumi.yaml")),
    textOf(path.resolve(configFolder(folder), `Pulumi.${name}.yaml`)),
  ];
  if (projectFile === undefined || stackFile === undefined) return undefined;
  const printed = await printedByFiles(projectFile, stackFile);
  return printed === undefined ? undefined : { stack: name, named, printed: JSON.stringify(printed) };
}

/**
 * The selected stack, as the CLI keeps it for a project in its home (pkg/workspace: settings.go, workspace.go), in both
 * of its forms. @returns undefined where it is not there, or another one is selected for each of several backends.
 */
export function selectedByFiles(folder: string, env: NodeJS.ProcessEnv): string | undefined {
  const given = env["PULUMI_STACK"];
  if (given !== undefined && given !== "") return given;
  const file = path.join(folder, "Pulumi.yaml");
  // Through a link the CLI may know the project by another path, and have another stack selected there.
  if (isReachedByLink(file, env["PWD"])) return undefined;
  const hash = crypto.createHash("sha1").update(file).digest("hex");
  try {
    const settings = JSON.parse(
      fs.readFileSync(path.join(pulumiHome(env), "workspaces", `${project}-${hash}-workspace.json`), "utf8"),
    ) as { stack?: unknown; stacks?: unknown };
    const names = [...(isObject(settings.stacks) ? Object.values(settings.stacks) : []), settings.stack];
    const [only, ...more] = new Set(names.filter((name) => name !== undefined && name !== ""));
    return typeof only === "string" && more.length === 0 ? only : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a file, or the shell's own path to its folder, leads over a link. */
function isReachedByLink(file: string, shell: string | undefined): boolean {
  try {
    if (fs.realpathSync(file) !== file) return true;
    if (shell === undefined || !path.isAbsolute(shell)) return false;
    const [here, there] = [fs.statSync(path.dirname(file)), fs.statSync(shell)];
    // The shell's path counts where it leads to the same folder; else it is left over from somewhere else.
    return here.ino === there.ino && here.dev === there.dev && path.normalize(shell) !== path.dirname(file);
  } catch {
    // No such file; or no such path any more, and then nobody comes by it.
    return !fs.existsSync(file);
  }
}

/**
 * @param projectFile text of Pulumi.yaml, whose defaults the CLI prints too.
 * @param stackFile text of the stack's config file.
 * @returns undefined where the CLI knows more, or might read it in another way.
 */
export async function printedByFiles(
  projectFile: string,
  stackFile: string,
): Promise<Record<string, Printed> | undefined> {
  const [declaration, stack] = [await loaded(projectFile), await loaded(stackFile)];
  // An environment of Pulumi ESC brings values that no file has.
  if (!isObject(declaration) || !isObject(stack) || "environment" in stack) return undefined;
  const name = declaration["name"];
  const [defaults, config] = [declaration["config"] ?? {}, stack["config"] ?? {}];
  if (typeof name !== "string" || !isObject(defaults) || !isObject(config)) return undefined;
  const printed: Record<string, Printed | undefined> = {};
  for (const [key, declared] of Object.entries(defaults)) {
    // Typed, secret or another project's: the CLI knows what that means.
    const isPlain =
      isObject(declared) &&
      Object.keys(declared).every((field) => field === "default" || field === "description");
    if (!isPlain || key.includes(":")) return undefined;
    if (declared["default"] !== undefined) printed[`${name}:${key}`] = printedValue(declared["default"]);
  }
  for (const [key, value] of Object.entries(config)) {
    if (key.split(":").length !== 2) return undefined;
    printed[key] = printedValue(value);
  }
  return Object.values(printed).includes(undefined) ? undefined : (printed as Record<string, Printed>);
}

function printedValue(value: unknown): Printed | undefined {
  if (typeof value === "string") return { value, secret: false };
  if (typeof value === "boolean" || Number.isSafeInteger(value))
    return { value: String(value), secret: false };
  if (typeof value !== "object" || value === null || !isWhole(value)) return undefined;
  const secret = withoutSecure("", value, "").secrets.length > 0;
  return secret ? { secret } : { objectValue: value, secret };
}

/** Without null: what the CLI makes of it depends on where it stands. */
function isWhole(value: unknown): boolean {
  if (typeof value !== "object") return true;
  return value !== null && Object.values(value).every(isWhole);
}

/** A YAML text that every reader reads in the same way; undefined: it is not. */
async function loaded(text: string): Promise<unknown> {
  const { CORE_SCHEMA, FAILSAFE_SCHEMA, load } = await import("js-yaml");
  try {
    const value = load(text, { schema: CORE_SCHEMA });
    // A time without quotes is one to the CLI, and text here.
    const isPlain =
      isDeepStrictEqual(value, load(text)) && isCanonical(value, load(text, { schema: FAILSAFE_SCHEMA }));
    return isPlain ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether every number and truth is written as it is read: 0777 and 1_000 are other numbers to other readers. */
function isCanonical(value: unknown, written: unknown): boolean {
  if (typeof value === "number" || typeof value === "boolean") return String(value) === written;
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, one]) =>
    isCanonical(one, (written as Record<string, unknown>)[key]),
  );
}

function textOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
