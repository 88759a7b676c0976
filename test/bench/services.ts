import type { StackLab, StackUnderTest } from "../end-to-end/stack-lab";
import { measured, type Sample } from "./measure";

/*
 * Services of a benchmark: two small pools each, between which it moves the weight.
 */

/** A stack and the lab that it is deployed in. */
export interface InLab {
  lab: StackLab;
  stack: StackUnderTest;
}

type Changes = Readonly<Record<string, unknown>>;

/** Config of a service with two pools, whose names begin with the service's. */
export const twoPools = (service: string): { pools: Record<string, object> } & Changes => {
  // Small pickers: the lab's nodes without accelerators hold those of many services.
  const picker = { resources: { cpu: "1", memory: "1Gi" } };
  const pool = { accelerator: "nvidia-l4", replicas: 1, picker };
  const [stable, candidate] = [`${service}-a`, `${service}-b`];
  return { service, stable, candidate, weight: 10, pools: { [stable]: pool, [candidate]: pool } };
};

export const adaptersFor = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ name: `adapter-${i}`, source: `acme/adapter-${i}` }));

/** Deploys a service on the lab's platform, in a namespace of the service's name. */
export async function deployService(lab: StackLab, name: string, changes: Changes): Promise<InLab> {
  const stack = await lab.stack(name, {
    ...{ role: "service", platform: "organization/inference-rollout/platform" },
    ...{ hostname: `${name}.example.com`, namespace: name },
    ...twoPools(name),
    ...changes,
  });
  await stack.up();
  return { lab, stack };
}

/**
 * `pulumi config set weight N`, and what `pulumi up` takes then.
 * @param memory whether its memory is measured too, which takes some time of its own.
 */
export async function moveWeight({ lab, stack }: InLab, weight: number, memory = true): Promise<Sample> {
  await stack.set("weight", String(weight));
  const { environment } = stack.pulumi;
  const env = { ...process.env, ...environment, KUBECONFIG: lab.lab.controlPlane.kubeconfig };
  return measured("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
    ...{ cwd: stack.workspace.folder, env, memory },
  });
}
