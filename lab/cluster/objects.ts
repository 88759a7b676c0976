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

export function objectClient(kubeconfig: string): KubernetesObjectApi {
  return KubernetesObjectApi.makeApiClient(loadKubeconfig(kubeconfig));
}

export function loadKubeconfig(file: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(file);
  return config;
}
