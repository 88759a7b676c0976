import type { KubernetesObject } from "@kubernetes/client-node";
import type { Pod } from "../../lab/pods/objects";
import type { StackLab } from "./stack-lab";

/* Model servers and pickers of a lab, as somebody with kubectl and a hand on the machines sees them. */

export async function podsOf(lab: StackLab, app: string, namespace = "default"): Promise<Pod[]> {
  const { items } = await lab.objects.list<KubernetesObject>("v1", "Pod", namespace);
  // The client turns times into Dates, which nobody here looks at.
  return (items as unknown as Pod[]).filter(({ metadata }) => metadata?.labels?.["app"] === app);
}

/** What a pool rewrites a name to, by target; empty: nothing. */
export async function targetsOf(
  lab: StackLab,
  pool: string,
  model: string,
  namespace = "default",
): Promise<Record<string, number>> {
  const found = await lab.get<{
    spec: {
      rules: {
        matches: { model: { value: string } }[];
        targets: { modelRewrite: string; weight: number }[];
      }[];
    };
  }>("inference.networking.x-k8s.io/v1alpha2", "InferenceModelRewrite", namespace, `${pool}-names`);
  const rule = found?.spec.rules.find(({ matches }) => matches[0]?.model.value === model);
  return Object.fromEntries((rule?.targets ?? []).map((target) => [target.modelRewrite, target.weight]));
}

/** From now on these adapters are nowhere to be had; what is loaded stays. */
export async function lose({ lab }: StackLab, ...lost: string[]): Promise<void> {
  await fetch(`${lab.simulator.url}/registry`, { method: "POST", body: JSON.stringify({ lost }) });
}

/** SIGKILL for the model server of a pod. */
export async function killServer({ lab }: StackLab, pod: string): Promise<void> {
  const servers = (await (await fetch(`${lab.simulator.url}/servers`)).json()) as {
    id: string;
    pod: string;
  }[];
  const server = servers.find((found) => found.pod === pod);
  if (server === undefined) throw new Error(`no model server runs in pod ${pod}`);
  await fetch(`${lab.simulator.url}/servers/${server.id}/kill`, { method: "POST" });
}
