import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ownerOutput } from "../plan/claims";
import type { DeploymentRecord, ObservedRoute } from "../plan/observed";
import { sameShares } from "../plan/shares";

/*
 * What an update leaves on this machine beside the stack's outputs, for a rollback: to ask the backend for them takes
 * longer than all else that it does before it writes the live route. They say what was deployed when somebody updated
 * or asked here last; whoever reads them checks that the live route says the same, and asks the backend afterwards.
 */

/** Outputs by name. None of them is a secret: see {@link withoutCredentials}. */
export type KeptOutputs = Readonly<Record<string, unknown>>;

/** What a service's stack takes from its platform's; kept under the name `platform`. */
export interface KeptPlatform {
  /** As the service's config names it. */
  stack: string;
  kubeconfig: unknown;
  /** A GatewayConfig: what an older platform does not say is there too. */
  gateway: unknown;
}

const names = ["deployed", ownerOutput, "kubeconfig", "address", "state", "pools", "rollout", "notes"];

/**
 * Those of a stack's outputs that may be kept; undefined where a rollback could not be decided by them alone.
 * @param platform of a service that stands on another stack's platform.
 */
export function keepable(
  outputs: Readonly<Record<string, unknown>>,
  platform?: KeptPlatform,
): KeptOutputs | undefined {
  const { kubeconfig, ...own } = Object.fromEntries(
    names.filter((name) => name in outputs).map((name) => [name, outputs[name]]),
  );
  const isEnough = isObject(own["deployed"]) && typeof own[ownerOutput] === "string";
  if (!isEnough || !withoutCredentials(platform === undefined ? kubeconfig : platform.kubeconfig))
    return undefined;
  // One of its own would be of a cluster that it had before, and nobody has looked into it.
  const kept = { ...own, ...(platform === undefined ? { kubeconfig } : { platform }) };
  // As it is after the file: what JSON does not know is not there.
  return JSON.parse(JSON.stringify(kept)) as KeptOutputs;
}

/** The platform's part of what was kept; undefined where the stack has its own. */
export function keptPlatform({ platform }: KeptOutputs): KeptPlatform | undefined {
  if (!isObject(platform) || !isObject(platform["gateway"])) return undefined;
  const { stack, kubeconfig, gateway } = platform;
  return typeof stack === "string" ? { stack, kubeconfig, gateway } : undefined;
}

/**
 * Whether a kubeconfig only says where the cluster is, and to ask Google's own plugin for a token: then it opens nothing
 * to anybody who may not come in anyway.
 */
export function withoutCredentials(kubeconfig: unknown): boolean {
  if (typeof kubeconfig !== "string") return false;
  try {
    const { clusters, users, ...more } = JSON.parse(kubeconfig) as Record<string, unknown>;
    const entries = (list: unknown): unknown[] => (Array.isArray(list) ? (list as unknown[]) : [undefined]);
    return (
      hasOnly(more, ["apiVersion", "kind", "contexts", "current-context"]) &&
      entries(clusters).every(
        (entry) =>
          hasOnly(entry, ["name", "cluster"]) &&
          hasOnly(entry["cluster"], ["server", "certificate-authority-data", "tls-server-name"]) &&
          !/[@?]/.test(String(entry["cluster"]["server"])),
      ) &&
      entries(users).every(
        (entry) =>
          hasOnly(entry, ["name", "user"]) &&
          hasOnly(entry["user"], ["exec"]) &&
          hasOnly(entry["user"]["exec"], execKeys) &&
          entry["user"]["exec"]["command"] === "gke-gcloud-auth-plugin",
      )
    );
  } catch {
    return false;
  }
}

const execKeys = ["apiVersion", "command", "installHint", "provideClusterInfo", "interactiveMode"];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasOnly = (value: unknown, keys: readonly string[]): value is Record<string, unknown> =>
  isObject(value) && Object.keys(value).every((key) => keys.includes(key));

/**
 * Whether the live route says the split and the latches that were kept. Roles can have changed since, which writes
 * neither: whoever sends traffic asks the preview route for them.
 */
export function isAsKept(kept: KeptOutputs, route: ObservedRoute | undefined): boolean {
  const { weights, latches = [] } = kept["deployed"] as Partial<DeploymentRecord>;
  const written = route?.written;
  return (
    written !== undefined &&
    weights !== undefined &&
    sameShares(written, weights) &&
    isDeepStrictEqual(route?.latches ?? [], latches)
  );
}

/**
 * Never fails: a rollback that finds nothing asks the backend.
 * @param stack without organisation and project.
 * @param outputs if they are not to be kept (see {@link keepable}), what was kept before goes.
 */
export function keepOutputs(
  folder: string,
  stack: string,
  outputs: Readonly<Record<string, unknown>>,
  { platform, env = process.env }: { platform?: KeptPlatform; env?: NodeJS.ProcessEnv } = {},
): void {
  try {
    const kept = keepable(outputs, platform);
    const file = fileOf(folder, stack, env);
    if (file === undefined) return;
    if (kept === undefined) {
      fs.rmSync(file, { force: true });
      return;
    }
    // Others keep their own things beside it.
    fs.mkdirSync(path.dirname(path.dirname(file)), { recursive: true });
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${file}.${process.pid}`, JSON.stringify(kept), { mode: 0o600 });
    fs.renameSync(`${file}.${process.pid}`, file);
  } catch {
    // A checkout that cannot be written, a full disk: the next rollback takes longer.
  }
}

/** What was kept of a stack of the project in a folder. */
export function keptOutputs(folder: string, stack: string, env = process.env): KeptOutputs | undefined {
  try {
    const file = fileOf(folder, stack, env);
    if (file === undefined) return undefined;
    const kept: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
    // Written by hand, or by another version of this program.
    return isObject(kept) ? keepable(kept, keptPlatform(kept)) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether anything is kept of the project in a folder, whichever stack's. */
export function hasKept(folder: string, env = process.env): boolean {
  try {
    const { dir, base } = path.parse(fileOf(folder, "", env) ?? "");
    const place = base.slice(0, base.indexOf("-") + 1);
    return fs.readdirSync(dir).some((name) => name.startsWith(place) && name.endsWith(".json"));
  } catch {
    return false;
  }
}

/**
 * In node_modules, where nothing is committed. Checkouts can share one, and a stack of the same name can be in another
 * backend: both are in the file's name. @returns undefined where it is not known which backend the CLI uses.
 */
function fileOf(folder: string, stack: string, env: NodeJS.ProcessEnv): string | undefined {
  const backend = backendOf(folder, env);
  if (backend === undefined) return undefined;
  const of = JSON.stringify([fs.realpathSync(folder), backend]);
  const place = crypto.createHash("sha256").update(of).digest("hex").slice(0, 16);
  return path.join(folder, "node_modules", ".cache", "rollout", `${place}-${path.basename(stack)}.json`);
}

/** Where the CLI keeps what it knows between its runs. */
export const pulumiHome = (env: NodeJS.ProcessEnv): string =>
  env["PULUMI_HOME"] ?? path.join(os.homedir(), ".pulumi");

/** Where the CLI keeps stacks: by its environment, by the project, else where it is logged in. */
function backendOf(folder: string, env: NodeJS.ProcessEnv): string | undefined {
  const { PULUMI_BACKEND_URL: given = "" } = env;
  if (given !== "") return given;
  // What the project says is part of the folder, once it says anything.
  if (/^backend:/m.test(fs.readFileSync(path.join(folder, "Pulumi.yaml"), "utf8"))) return "the project's";
  const { current } = JSON.parse(fs.readFileSync(path.join(pulumiHome(env), "credentials.json"), "utf8")) as {
    current?: unknown;
  };
  return typeof current === "string" && current !== "" ? current : undefined;
}
