import * as fs from "node:fs";
import {
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  type KubernetesObject,
} from "@kubernetes/client-node";

const fieldManager = "lab";

/** Applies objects one after the other; what exists already is brought to what is asked for. */
export async function apply(kubeconfig: string, objects: readonly KubernetesObject[]): Promise<void> {
  const client = objectClient(kubeconfig);
  for (const object of objects) {
    await client.patch(object, undefined, undefined, fieldManager, true, PatchStrategy.ServerSideApply);
  }
}

function objectClient(kubeconfig: string): KubernetesObjectApi {
  return KubernetesObjectApi.makeApiClient(loadKubeconfig(kubeconfig));
}

export function loadKubeconfig(file: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(file);
  return config;
}

export interface Credentials {
  server: string;
  caFile: string;
  token: string;
}

/** Writes a kubeconfig that only its owner can read. JSON is YAML, so no library is needed. */
export function writeKubeconfig(file: string, credentials: Credentials, namespace = "default"): string {
  const name = "lab";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: { server: credentials.server, "certificate-authority-data": base64(credentials.caFile) },
      },
    ],
    users: [{ name, user: { token: credentials.token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  };
  fs.writeFileSync(file, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  return file;
}

function base64(file: string): string {
  return fs.readFileSync(file).toString("base64");
}
