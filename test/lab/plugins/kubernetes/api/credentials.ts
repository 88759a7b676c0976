import { spawn } from "node:child_process";
import * as fs from "node:fs";
import type { ActiveConfig, ExecEntry } from "./kubeconfig";

interface ExecStatus {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
}

/** How requests to one API server prove who asks. */
export class Credentials {
  private fromPlugin: Promise<ExecStatus> | undefined;

  constructor(private readonly config: ActiveConfig) {}

  /** What a TLS connection needs. */
  async tls(): Promise<{
    ca?: Buffer;
    cert?: Buffer;
    key?: Buffer;
    rejectUnauthorized: boolean;
    servername?: string;
  }> {
    const { cluster, user } = this.config;
    const ca = content(cluster["certificate-authority-data"], cluster["certificate-authority"]);
    const plugin = user.exec === undefined ? undefined : await this.plugin(user.exec);
    const cert =
      content(user["client-certificate-data"], user["client-certificate"]) ??
      text(plugin?.clientCertificateData);
    const key = content(user["client-key-data"], user["client-key"]) ?? text(plugin?.clientKeyData);
    const servername = cluster["tls-server-name"];
    return {
      rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
    };
  }

  /** The Authorization header; undefined where a certificate or nothing speaks for us. */
  async authorization(): Promise<string | undefined> {
    const { user } = this.config;
    if (user.token !== undefined && user.token !== "") return `Bearer ${user.token}`;
    if (user.tokenFile !== undefined) return `Bearer ${fs.readFileSync(user.tokenFile, "utf8").trim()}`;
    if (user.username !== undefined)
      return `Basic ${Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")}`;
    if (user.exec === undefined) return undefined;
    const { token } = await this.plugin(user.exec);
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  /** Forgets what a credential plugin said. Returns whether asking again could help. */
  renew(): boolean {
    const renewable = this.config.user.exec !== undefined;
    this.fromPlugin = undefined;
    return renewable;
  }

  private async plugin(exec: ExecEntry): Promise<ExecStatus> {
    this.fromPlugin ??= runPlugin(exec, this.config);
    const status = await this.fromPlugin;
    const expires = Date.parse(status.expirationTimestamp ?? "");
    if (Number.isNaN(expires) || expires > Date.now()) return status;
    this.fromPlugin = runPlugin(exec, this.config);
    return this.fromPlugin;
  }
}

function text(value: string | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value);
}

function content(data: string | undefined, file: string | undefined): Buffer | undefined {
  if (data !== undefined && data !== "") return Buffer.from(data, "base64");
  return file === undefined || file === "" ? undefined : fs.readFileSync(file);
}

async function runPlugin(exec: ExecEntry, config: ActiveConfig): Promise<ExecStatus> {
  const apiVersion = exec.apiVersion ?? "client.authentication.k8s.io/v1beta1";
  const { server, cluster } = config;
  const info = {
    kind: "ExecCredential",
    apiVersion,
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo === true
        ? { cluster: { server, "certificate-authority-data": cluster["certificate-authority-data"] } }
        : {}),
    },
  };
  const child = spawn(exec.command, [...(exec.args ?? [])], {
    env: {
      ...process.env,
      ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (error) =>
      reject(new Error(`getting credentials: exec: executable ${exec.command} not found (${error.message})`)),
    );
    child.once("close", resolve);
  });
  if (status !== 0)
    throw new Error(
      `getting credentials: exec: executable ${exec.command} failed with exit code ${status ?? -1}: ${err.trim()}`,
    );
  try {
    return (JSON.parse(out) as { status?: ExecStatus }).status ?? {};
  } catch {
    throw new Error(`getting credentials: decoding stdout of ${exec.command}: it is no ExecCredential`);
  }
}
