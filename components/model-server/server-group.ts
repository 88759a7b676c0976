import type * as k8s from "@pulumi/kubernetes";
import { draining } from "./draining";
import type { PodTemplate } from "./pod-template";
import type { Word } from "./server-secrets";
import { serverTemplate, type ServerTemplateArgs } from "./server-template";

type Container = k8s.types.input.core.v1.Container;

export const groupApi = {
  group: "leaderworkerset.x-k8s.io",
  version: "v1",
  kind: "LeaderWorkerSet",
} as const;

/** Label that LeaderWorkerSet gives all pods of a set. */
export const groupNameLabel = "leaderworkerset.sigs.k8s.io/name";

const rayPort = 6379;

/**
 * Pod templates of a replica that is a group: the leader answers requests, the workers lend it their chips. Ray ties
 * them together; vLLM waits until all of them are there. Shape: LeaderWorkerSet's own example of vLLM on TPUs.
 *
 * Not verified on GKE; Google's tutorial of vLLM on TPUs covers single machines only.
 */
export function groupTemplates(args: ServerTemplateArgs): { leader: PodTemplate; worker: PodTemplate } {
  const leader = serverTemplate(args);
  return {
    leader: { ...leader, spec: { ...leader.spec, containers: containersOf(leader).map(asLeader) } },
    worker: { ...leader, spec: { ...leader.spec, containers: containersOf(leader).map(asWorker) } },
  };
}

function containersOf(template: PodTemplate): Container[] {
  return template.spec.containers as Container[];
}

/** `exec` hands SIGTERM to the server itself, which finishes its streams; "$@" are its words, unharmed. */
function asLeader(container: Container): Container {
  const words = [...(container.command as string[]), ...(container.args as Word[])];
  const script = `ray start --head --port=${rayPort} && exec "$@" --distributed-executor-backend ray`;
  return { ...container, command: ["bash", "-c", script, "leader"], args: words };
}

/** A worker serves nobody, so nobody asks it; it stays as long as its leader may need to finish. */
function asWorker({ name, image, env, resources, securityContext, volumeMounts }: Container): Container {
  const script = `until ray start --address="$LWS_LEADER_ADDRESS:${rayPort}" --block; do sleep 2; done`;
  const stays = draining.preStopSeconds + draining.finishSeconds;
  return {
    name,
    ...defined({ image, env, resources, securityContext, volumeMounts }),
    command: ["bash", "-c", script],
    lifecycle: { preStop: { sleep: { seconds: stays } } },
  };
}

function defined(fields: Partial<Container>): Partial<Container> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
