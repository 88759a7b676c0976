import * as fs from "node:fs";
import * as path from "node:path";
import { maxNodes, type AddressRange } from "../processes/addresses";
import type { ControlPlane } from "../cluster/control-plane";
import type { ToolCache } from "../tools/cache";
import { buildPrograms, launched, type Program } from "./launch/build";
import { labVariables } from "./protocol/guard";
import { installedLanguageHost, installedPlugin } from "../tools/plugin";
import { originOfProgram } from "../tools/resolve";

export interface PluginOptions {
  /** The lab's folder; everything goes below `pulumi` and `cloud` in it. */
  folder: string;
  /** The engine, its Kubernetes provider and the guard before that, as resolveTool found them. */
  tools: Readonly<Record<"pulumi" | "pulumi-resource-kubernetes" | "pulumi-kubernetes-guard", string>>;
  controlPlane: Pick<ControlPlane, "server" | "caFile" | "adminToken" | "kubeconfig">;
  /** For the pod addresses of the nodes that node pools get. */
  range: Pick<AddressRange, "nodeCidr">;
  /**
   * Whether a real random plugin and a real language host are used where this machine has them in the desired
   * version. Default true. kubernetes is always the real one; gcp never: a rehearsal has no cloud.
   */
  useReal?: boolean;
  /** Passphrase of the stacks' secrets. Default: one that is the same in every lab, worth nothing elsewhere. */
  passphrase?: string;
  cache?: ToolCache;
}

export interface InstalledPlugins {
  /** PULUMI_HOME. */
  home: string;
  /** To be first on PATH: pulumi, its language host, gke-gcloud-auth-plugin. */
  bin: string;
  /** File with the token of the lab's administrator. */
  tokenFile: string;
  /** Where the state of the stacks lies. */
  backend: string;
  /** What each part is: "stand-in", or the version of a real one and where it comes from. */
  parts: Readonly<Record<"language" | "kubernetes" | "random" | "gcp", string>>;
  /** What a lab adds to the environment. */
  variables: Readonly<Record<string, string>>;
  /**
   * A whole environment for `pulumi` and the rollout command: `base` (default: this process') without its own
   * Pulumi settings, so that no rehearsal reaches the user's backend, and with the lab's.
   */
  environment(base?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
}

/** Lays out the engine and its plugins for one lab. Building the stand-ins takes some seconds, once per source. */
export async function installPlugins(options: PluginOptions): Promise<InstalledPlugins> {
  const root = path.join(options.folder, "pulumi");
  const [home, bin, backend] = ["home", "bin", "backend"].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [home, bin, backend]) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const programs = await buildPrograms(options.cache);
  const useReal = options.useReal ?? true;
  const { pulumi, ...kubernetes } = options.tools;
  const host = useReal ? installedLanguageHost(pulumi) : undefined;
  place(pulumi, path.join(bin, "pulumi"));
  placeProgram(programs, "language", path.join(bin, "pulumi-language-nodejs"), host);
  placeProgram(programs, "gcloud-auth", path.join(bin, "gke-gcloud-auth-plugin"));
  const target = (name: string): string => {
    const folder = path.join(home, "plugins", `resource-${name}-v${packageVersion(name)}`);
    fs.mkdirSync(folder, { recursive: true });
    return path.join(folder, `pulumi-resource-${name}`);
  };
  const random = useReal ? installedPlugin("random", packageVersion("random")) : undefined;
  placeProgram(programs, "random", target("random"), random);
  placeProgram(programs, "gcp", target("gcp"));
  const provider = kubernetes["pulumi-resource-kubernetes"];
  writeLauncher(target("kubernetes"), [kubernetes["pulumi-kubernetes-guard"], provider]);
  const parts = {
    language: host === undefined ? "stand-in" : "installed",
    kubernetes: originOfProgram(provider, packageVersion("kubernetes")),
    random: random === undefined ? "stand-in" : `${packageVersion("random")} (installed)`,
    gcp: "stand-in",
  };

  const tokenFile = secretFile(root, "token", options.controlPlane.adminToken);
  const variables = {
    PULUMI_HOME: home,
    // Attributes beside each file are written in place: after a SIGKILL one can be empty, and the stack is unreadable.
    PULUMI_BACKEND_URL: `file://${backend}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE_FILE: secretFile(root, "passphrase", options.passphrase ?? "rehearsal"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // Else a real gcp plugin on PATH would win over the stand-in.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DIY_BACKEND_NO_LEGACY_WARNING: "true",
    // What takes no kubeconfig of its own finds the lab's cluster and no other.
    KUBECONFIG: options.controlPlane.kubeconfig,
    [labVariables.folder]: options.folder,
    [labVariables.server]: options.controlPlane.server,
    [labVariables.caFile]: options.controlPlane.caFile,
    [labVariables.tokenFile]: tokenFile,
  };
  writeNodeCidrs(options);
  return {
    home,
    bin,
    backend,
    tokenFile,
    parts,
    variables,
    environment: (base = process.env) => labEnvironment(variables, bin, base),
  };
}

/** A lab's variables in an environment that is otherwise the user's; see {@link InstalledPlugins.environment}. */
export function labEnvironment(
  variables: Readonly<Record<string, string>>,
  bin: string,
  base: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return {
    ...withoutPulumi(base),
    ...variables,
    PATH: [bin, base["PATH"] ?? ""].join(path.delimiter),
  };
}

/** Variables of the user's own Pulumi, and of clouds, that must not reach into a rehearsal. */
const foreign = /^(PULUMI_|GOOGLE_|GCLOUD_|CLOUDSDK_)/;

function withoutPulumi(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
}

/** The version that the program's package wants; it is in the name of the plugin's folder. */
function packageVersion(name: string): string {
  const file = require.resolve(`@pulumi/${name}/package.json`);
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}

function placeProgram(programs: string, program: Program, target: string, real?: string): void {
  if (real !== undefined) {
    place(real, target);
    return;
  }
  writeLauncher(target, launched(programs, program));
}

/** A shell script that starts a program; `exec`, so that signals and standard input reach it directly. */
function writeLauncher(target: string, command: readonly string[]): void {
  const words = command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`);
  fs.rmSync(target, { force: true });
  fs.writeFileSync(target, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
}

/** A hard link where possible: the engine looks for its language host beside its own file, links resolved. */
function place(file: string, target: string): void {
  const source = fs.realpathSync(file);
  fs.rmSync(target, { force: true });
  try {
    fs.linkSync(source, target);
  } catch {
    fs.copyFileSync(source, target);
    fs.chmodSync(target, 0o755);
  }
}

function secretFile(folder: string, name: string, content: string): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content, { mode: 0o600 });
  return file;
}

/** Pod CIDRs of all nodes that the lab has room for: the gcp plugin deals them out. */
function writeNodeCidrs({ folder, range }: PluginOptions): void {
  const cloud = path.join(folder, "cloud");
  fs.mkdirSync(cloud, { recursive: true });
  const cidrs = Array.from({ length: maxNodes }, (_, i) => range.nodeCidr(i));
  fs.writeFileSync(path.join(cloud, "node-cidrs.json"), JSON.stringify(cidrs));
}
