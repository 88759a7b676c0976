import * as fs from "node:fs";
import * as path from "node:path";
import { loadAllYaml, type KubernetesObject, type V1CustomResourceDefinition } from "@kubernetes/client-node";
import { ApiextensionsV1Api } from "@kubernetes/client-node";
import { Patience } from "../processes/patience";
import { goModuleFolder } from "../tools/sources";
import { apply, loadKubeconfig } from "./objects";

/** Gateway API's standard channel and the inference extension's CRDs, as their modules ship them. */
export async function moduleDefinitions(): Promise<KubernetesObject[]> {
  const folders = [
    path.join(await goModuleFolder("definitions", "sigs.k8s.io/gateway-api"), "config/crd/standard"),
    path.join(await goModuleFolder("epp", "sigs.k8s.io/gateway-api-inference-extension"), "config/crd/bases"),
  ];
  return [...folders.flatMap(definitionsIn), ...definitionsOf(path.join(__dirname, "gke-definitions.yaml"))];
}

/** LeaderWorkerSet's CRD: GKE does not bring it, so a lab has it only where a test asks. */
export async function groupDefinitions(): Promise<KubernetesObject[]> {
  return definitionsIn(path.join(await goModuleFolder("definitions", "sigs.k8s.io/lws"), "config/crd/bases"));
}

function definitionsIn(folder: string): KubernetesObject[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .flatMap((name) => definitionsOf(path.join(folder, name)));
}

function definitionsOf(file: string): KubernetesObject[] {
  const objects = loadAllYaml(fs.readFileSync(file, "utf8")) as (KubernetesObject | null)[];
  return objects.filter((object): object is KubernetesObject => object?.kind !== undefined);
}

/** Applies CRDs (and what comes with them) and waits until the API server serves them. */
export async function installDefinitions(
  kubeconfig: string,
  definitions: readonly KubernetesObject[],
): Promise<void> {
  await apply(kubeconfig, definitions);
  const api = loadKubeconfig(kubeconfig).makeApiClient(ApiextensionsV1Api);
  const names = definitions
    .filter((object) => object.kind === "CustomResourceDefinition")
    .map((object) => object.metadata?.name ?? "");
  const patience = new Patience(30);
  for (;;) {
    const { items } = await api.listCustomResourceDefinition();
    const waiting = names.filter(
      (name) => !items.some((crd) => crd.metadata?.name === name && isServed(crd)),
    );
    if (waiting.length === 0) return;
    if (!(await patience.pause(100)))
      throw new Error(`the API server does not serve ${waiting.join(", ")} after 30 s`);
  }
}

function isServed(crd: V1CustomResourceDefinition): boolean {
  return (
    crd.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false
  );
}
