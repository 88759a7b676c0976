import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A kubeconfig, as far as the lab reads it. */
export interface Kubeconfig {
  "current-context"?: string;
  clusters?: readonly { name: string; cluster?: ClusterEntry }[];
  contexts?: readonly { name: string; context?: ContextEntry }[];
  users?: readonly { name: string; user?: UserEntry }[];
}

export interface ClusterEntry {
  server?: string;
  "certificate-authority"?: string;
  "certificate-authority-data"?: string;
  "insecure-skip-tls-verify"?: boolean;
  "tls-server-name"?: string;
}

interface ContextEntry {
  cluster?: string;
  user?: string;
  namespace?: string;
}

export interface UserEntry {
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  "client-certificate"?: string;
  "client-certificate-data"?: string;
  "client-key"?: string;
  "client-key-data"?: string;
  exec?: ExecEntry;
}

/** Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
export interface ExecEntry {
  apiVersion?: string;
  command: string;
  args?: readonly string[] | null;
  env?: readonly { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
}

/** What of a kubeconfig is in force. */
export interface ActiveConfig {
  server: string;
  namespace: string;
  cluster: ClusterEntry;
  user: UserEntry;
}

export interface Overrides {
  context?: string;
  cluster?: string;
  namespace?: string;
}

/** Reads a kubeconfig given as content or as the path of a file. @throws Error where it is neither. */
export function parseKubeconfig(pathOrContent: string): Kubeconfig {
  const file = pathOrContent.replace(/^~(?=$|\/)/, os.homedir());
  const isFile = !file.includes("\n") && file.length < 4096 && fs.existsSync(file);
  const config = parse(isFile ? fs.readFileSync(file, "utf8") : pathOrContent);
  return isFile ? withAbsolutePaths(config, path.dirname(path.resolve(file))) : config;
}

/** The kubeconfig that a program without one of its own gets: KUBECONFIG, else ~/.kube/config. */
export function ambientKubeconfig(): Kubeconfig {
  const list = process.env["KUBECONFIG"] ?? path.join(os.homedir(), ".kube", "config");
  const configs = list
    .split(path.delimiter)
    .filter((file) => file !== "" && fs.existsSync(file))
    .map((file) => parseKubeconfig(file));
  const current = configs.map((config) => config["current-context"]).find((name) => (name ?? "") !== "");
  return {
    clusters: configs.flatMap(({ clusters }) => clusters ?? []),
    contexts: configs.flatMap(({ contexts }) => contexts ?? []),
    users: configs.flatMap(({ users }) => users ?? []),
    ...(current === undefined ? {} : { "current-context": current }),
  };
}

/** @throws Error, as client-go words it, where the context or its cluster is missing. */
export function activeConfig(config: Kubeconfig, overrides: Overrides): ActiveConfig {
  const contextName = overrides.context ?? config["current-context"] ?? "";
  const context = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (context === undefined && overrides.context !== undefined)
    throw new Error(`context "${contextName}" does not exist`);
  const clusterName = overrides.cluster ?? context?.cluster ?? "";
  const cluster = config.clusters?.find(({ name }) => name === clusterName)?.cluster;
  if (cluster?.server === undefined || cluster.server === "") {
    if (clusterName !== "") throw new Error(`cluster "${clusterName}" does not exist`);
    throw new Error(
      "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable",
    );
  }
  return {
    server: cluster.server.replace(/\/+$/, ""),
    namespace: overrides.namespace ?? nonEmpty(context?.namespace) ?? "default",
    cluster,
    user: config.users?.find(({ name }) => name === context?.user)?.user ?? {},
  };
}

/** The cluster that is in force, to compare two configurations; undefined where there is none. */
export function activeCluster(config: Kubeconfig, overrides: Overrides): ClusterEntry | undefined {
  try {
    return activeConfig(config, overrides).cluster;
  } catch {
    return undefined;
  }
}

function parse(text: string): Kubeconfig {
  let value: unknown;
  if (/^\s*\{/.test(text)) value = JSON.parse(text);
  else {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- most kubeconfigs here are JSON
    const yaml = require("js-yaml") as typeof import("js-yaml");
    value = yaml.load(text);
  }
  if (typeof value !== "object" || value === null)
    throw new Error("it is neither the path of a file nor a kubeconfig");
  return value;
}

function withAbsolutePaths(config: Kubeconfig, folder: string): Kubeconfig {
  const absolute = <Entry extends object>(
    entry: Entry | undefined,
    keys: readonly (keyof Entry)[],
  ): Entry => {
    const changed = keys.flatMap((key) => {
      const value = entry?.[key];
      return typeof value === "string" ? [[key, path.resolve(folder, value)]] : [];
    });
    return { ...entry, ...Object.fromEntries(changed) } as Entry;
  };
  return {
    ...config,
    clusters: (config.clusters ?? []).map(({ name, cluster }) => ({
      name,
      cluster: absolute(cluster, ["certificate-authority"]),
    })),
    users: (config.users ?? []).map(({ name, user }) => ({
      name,
      user: absolute(user, ["tokenFile", "client-certificate", "client-key"]),
    })),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
