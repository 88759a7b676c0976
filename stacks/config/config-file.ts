import * as fs from "node:fs";
import * as path from "node:path";

/*
 * Where inside an object of the config a secret is: the engine says only which keys hold one, the config file says it
 * exactly. The file may be another than the engine read (--config-file, an environment of Pulumi ESC): it counts only
 * where it says the same.
 */

/** Where the config files of a project's stacks are. */
export function configFolder(root: string): string {
  const file = path.join(root, "Pulumi.yaml");
  const project = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  const named = /^stackConfigDir:\s*["']?([^"'#\n]+?)["']?\s*(#.*)?$/m.exec(project)?.[1];
  return path.resolve(root, named ?? ".");
}

/** Keys of a project in a config file, without its prefix. @returns undefined where the text is no config file. */
export async function keysInFile(
  text: string,
  project: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  // Loaded only here: most updates need no file.
  const { CORE_SCHEMA, load } = await import("js-yaml");
  let file: unknown;
  try {
    // A schema without times: one that is written without quotes is not read as another value.
    file = load(text, { schema: CORE_SCHEMA });
  } catch {
    return undefined;
  }
  const { config } = (file ?? {}) as { config?: unknown };
  if (typeof config !== "object" || config === null) return undefined;
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${project}:`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(project.length + 1), value]));
}

/**
 * Keys inside a value that are secret, as `pools.llm.server.args[1]`.
 * @returns undefined where the file says something else.
 */
export function secretsInside(key: string, value: unknown, written: unknown): string[] | undefined {
  if (isSecure(written)) return [key];
  if (Array.isArray(value) && Array.isArray(written)) {
    if (value.length !== written.length) return undefined;
    return all(value.map((inner, i) => secretsInside(`${key}[${i}]`, inner, written[i])));
  }
  if (isObject(value) && isObject(written)) {
    const names = Object.keys(value);
    if (names.length !== Object.keys(written).length) return undefined;
    return all(names.map((name) => secretsInside(`${key}.${name}`, value[name], written[name])));
  }
  const isScalar = (one: unknown): boolean => typeof one !== "object" || one === null;
  return isScalar(value) && isScalar(written) && String(value) === String(written) ? [] : undefined;
}

function all(parts: readonly (string[] | undefined)[]): string[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

/** A value as the file has it, with something in the place of each secret. */
export function withoutSecure(
  key: string,
  written: unknown,
  instead: string,
): { value: unknown; secrets: string[] } {
  const secrets: string[] = [];
  const visit = (at: string, value: unknown): unknown => {
    if (isSecure(value)) {
      secrets.push(at);
      return instead;
    }
    if (Array.isArray(value)) return value.map((inner, i) => visit(`${at}[${i}]`, inner));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, visit(`${at}.${name}`, inner)]),
    );
  };
  return { value: visit(key, written), secrets };
}

function isSecure(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 1 && typeof value["secure"] === "string";
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
