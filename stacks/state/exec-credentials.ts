import { execFile } from "node:child_process";
import * as fs from "node:fs";
import type { Cluster } from "@kubernetes/client-node";

/*
 * Credentials that a program hands out, as kubeconfigs of GKE name one (`users[].user.exec`). The library that reads
 * kubeconfigs would wait for it for ever; whoever goes back has to hear of it.
 */

/** `users[].user.exec` of a kubeconfig, as far as it counts here. */
export interface CredentialsProgram {
  apiVersion?: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string | null;
  provideClusterInfo?: boolean;
}

/** What it hands out, as a kubeconfig's user has it: certificate and key in base64. */
export interface HandedOut {
  token?: string;
  certData?: string;
  keyData?: string;
}

/**
 * @param seconds after which it is ended.
 * @throws Error that names the program and says what is wrong; never with what it handed out.
 */
export async function handedOut(
  program: CredentialsProgram,
  cluster: Cluster | null,
  seconds: number,
): Promise<HandedOut> {
  const env = Object.fromEntries((program.env ?? []).map(({ name, value }) => [name, value]));
  const { token, clientCertificateData, clientKeyData } = statusIn(
    program.command,
    await outputOf(program, seconds, {
      ...process.env,
      KUBERNETES_EXEC_INFO: JSON.stringify(infoFor(program, cluster)),
      ...env,
    }),
  );
  const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
  return {
    ...(isText(token) ? { token } : {}),
    ...(isText(clientCertificateData) ? { certData: base64(clientCertificateData) } : {}),
    ...(isText(clientKeyData) ? { keyData: base64(clientKeyData) } : {}),
  };
}

const isText = (value: unknown): value is string => typeof value === "string";

function outputOf(
  { command, args, installHint }: CredentialsProgram,
  seconds: number,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args ?? [],
      { env, timeout: seconds * 1000, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve(stdout);
          return;
        }
        const why =
          error.code === "ENOENT"
            ? `it is not installed${isText(installHint) ? `: ${installHint.trim()}` : ""}`
            : error.killed === true
              ? `it did not end within ${seconds} s (does it wait for somebody to log in?)`
              : stderr.trim() || `it ended with ${error.code ?? error.signal ?? "an error"}`;
        reject(new Error(`${command}: ${why}`));
      },
    );
    // It cannot ask anybody anything.
    child.stdin?.on("error", () => undefined).end();
  });
}

/** What counts of an ExecCredential's status. */
interface Status {
  token?: unknown;
  clientCertificateData?: unknown;
  clientKeyData?: unknown;
}

function statusIn(command: string, text: string): Status {
  let credential = {} as { status?: Status | null } | null;
  try {
    credential = JSON.parse(text) as typeof credential;
  } catch {
    // A parser's message quotes what it read.
  }
  const status = credential?.status ?? undefined;
  if (typeof status === "object") return status;
  throw new Error(`${command}: it printed no ExecCredential with a status`);
}

/** What the program is told, as by kubectl (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/). */
function infoFor(
  { apiVersion = "client.authentication.k8s.io/v1", provideClusterInfo }: CredentialsProgram,
  cluster: Cluster | null,
): object {
  const spec = { interactive: false, ...(provideClusterInfo === true ? { cluster: specOf(cluster) } : {}) };
  return { apiVersion, kind: "ExecCredential", spec };
}

function specOf(cluster: Cluster | null): object {
  if (cluster === null) return {};
  const { server, caData, caFile, tlsServerName, skipTLSVerify, proxyUrl } = cluster;
  const ca = caData ?? (caFile === undefined ? undefined : fs.readFileSync(caFile).toString("base64"));
  return {
    server,
    ...(ca === undefined ? {} : { "certificate-authority-data": ca }),
    ...(tlsServerName === undefined ? {} : { "tls-server-name": tlsServerName }),
    ...(skipTLSVerify ? { "insecure-skip-tls-verify": true } : {}),
    ...(proxyUrl === undefined ? {} : { "proxy-url": proxyUrl }),
  };
}
