import * as fs from "node:fs";
import * as path from "node:path";
import { dump, load } from "js-yaml";

/** The checkout: where Pulumi.yaml is. */
export const projectFolder = path.join(__dirname, "..");

/** What of the checkout a program needs to run; linked, so that it is the very same. */
const linked = [
  "index.ts",
  "components",
  "stacks",
  "policy",
  "rollout",
  "start",
  "node_modules",
  "package.json",
  "tsconfig.json",
];

/** A folder in which the unchanged program runs, with stack config files of its own. */
export interface Workspace {
  folder: string;
  /** The stack that the config was copied for. */
  stack: string;
  configFile: string;
}

/**
 * Lays out a folder that `pulumi` takes for the project: links to the checkout's program, and a copy of one stack's
 * config, so that `pulumi config set` in a rehearsal never edits the checkout. Secrets of the copy are dummies: a
 * rehearsal needs none, and cannot decrypt the user's.
 * @param from the stack whose config is copied, or a path to a config file.
 * @param changes keys with other values (`gate`, of which the lab sets a part, is merged); undefined: without them.
 * @param stack name of the stack in the workspace. Default: the one that the file is named for.
 * @throws Error where the stack has no config file.
 */
export function layOutWorkspace(
  folder: string,
  from: string,
  changes: Readonly<Record<string, unknown>> = {},
  stack = stackNameOf(from),
): Workspace {
  const source = configFileOf(from);
  fs.mkdirSync(folder, { recursive: true });
  for (const name of linked) {
    const target = path.join(projectFolder, name);
    const link = path.join(folder, name);
    fs.rmSync(link, { force: true });
    if (fs.existsSync(target)) fs.symlinkSync(target, link);
  }
  // No link: the engine remembers the selected stack by the project file, links resolved, and the checkout is not this.
  const project = path.join(folder, "Pulumi.yaml");
  fs.rmSync(project, { force: true });
  fs.copyFileSync(path.join(projectFolder, "Pulumi.yaml"), project);
  const file = load(fs.readFileSync(source, "utf8")) as { config?: Record<string, unknown> } | undefined;
  const config: Record<string, unknown> = { ...(withoutSecrets(file?.config ?? {}) as object) };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) Reflect.deleteProperty(config, key);
    else config[key] = key.endsWith(":gate") ? { ...(config[key] as object), ...(value as object) } : value;
  }
  const configFile = path.join(folder, `Pulumi.${stack}.yaml`);
  fs.writeFileSync(configFile, dump({ config }));
  return { folder, stack, configFile };
}

const isPath = (from: string): boolean => /\.ya?ml$/.test(from);

/** "prod" for both "prod" and "examples/Pulumi.prod.yaml". */
function stackNameOf(from: string): string {
  return isPath(from) ? path.basename(from).replace(/^Pulumi\.|\.ya?ml$/g, "") : from;
}

/** @throws Error where there is no such file, with the stacks that there are. */
export function configFileOf(from: string): string {
  const file = isPath(from) ? path.resolve(from) : path.join(projectFolder, `Pulumi.${from}.yaml`);
  if (fs.existsSync(file)) return file;
  const known = fs.readdirSync(projectFolder).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
  throw new Error(
    `${isPath(from) ? from : `Pulumi.${from}.yaml`} does not exist here; known stacks: ${known.join(", ")}`,
  );
}

/** `secure: v1:...` can be decrypted only by who encrypted it; the program needs a value, not this one. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") return "dummy-secret-of-a-rehearsal";
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutSecrets(inner)]));
}
