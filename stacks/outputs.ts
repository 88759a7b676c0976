import type { GatewayConfig } from "../components/gateways/gateway";
import type { ServiceConfig } from "./plan/service-config";
import type { Plan, RoutedPool } from "./plan/model";
import type { ObservedWorkload } from "./plan/observed";
import { previewHeader } from "../components/route/inference-route";
import { nodesFor } from "../components/accelerators/placement";
import { endpointOf, urlOf } from "../components/gateways/endpoint";
import { requestFor } from "./answers/endpoints";
import { commandsText } from "./messages/edits";
import { targetsOf } from "./plan/adapter-versions";
import { baseNameOf } from "./plan/client-names";
import { holds } from "./plan/latch";
import { commandsFor, stepsAfter } from "./plan/next-steps";
import { overriddenState } from "./plan/rival-routes";
import { shareIn } from "./plan/shares";
import { acceleratorsOf, capacityStages } from "./plan/sizing";
import type { Platform } from "./platform";
import { recordOf } from "./plan/record";
import { recordOutput } from "./state/last-update";
import * as pulumi from "@pulumi/pulumi";

/** Commands for the next step up, and for going back. */
export function nextSteps(config: ServiceConfig, plan: Plan): { next?: string; back?: string } {
  const steps = stepsAfter(config, plan);
  if (steps === undefined) return {};
  return {
    next: commandsText(commandsFor(steps.next)),
    back: commandsText(commandsFor(steps.back)),
  };
}

/** How the requests for each adapter are split, in percent by version. */
export function adapterStates({ adapters }: ServiceConfig): Record<string, Record<string, number>> {
  return Object.fromEntries(
    adapters.map((adapter) => [
      adapter.name,
      Object.fromEntries(targetsOf(adapter).map(({ model, weight }) => [model, weight])),
    ]),
  );
}

/** What each pool is and carries, for a person or a script. */
export function poolStates(plan: Plan): Record<string, object> {
  const weight = (name: string): { weight?: number } =>
    plan.overridden.length === 0 ? { weight: shareIn(plan.shares, name) } : {};
  const owned = plan.pools.map(({ pool, namespace, replicas, scaledBy, copied }) => {
    const nodes = nodesFor(replicas, pool.placement);
    const state = {
      namespace,
      role: roleOf(pool.name, plan),
      ...weight(pool.name),
      replicas,
      ...(scaledBy === undefined ? {} : { scaledBy }),
      accelerators: `${replicas * pool.hardware.acceleratorsPerReplica} x ${pool.hardware.accelerator}`,
      nodes,
      ...(copied === undefined
        ? {}
        : { copied: { from: copied.from, taken: copied.taken, left: copied.left } }),
    };
    return [pool.name, state] as const;
  });
  const others = [plan.stable, plan.candidate]
    .filter((routed): routed is RoutedPool => routed !== undefined)
    .filter(({ name }) => !plan.pools.some(({ pool }) => pool.name === name))
    .map(({ name, namespace }) => {
      const role = roleOf(name, plan);
      const live = plan.others.find((pool) => pool.name === name);
      const state = {
        namespace,
        role,
        ...weight(name),
        existing: true,
        ...(live?.replicas === undefined ? {} : { replicas: live.replicas, ready: live.readyReplicas ?? 0 }),
        ...(plan.carried[name] === undefined ? {} : { carriedWith: plan.carried[name] }),
        ...(live?.workloads === undefined ? {} : { workloads: live.workloads.map(workloadText) }),
      };
      return [name, state] as const;
    });
  return Object.fromEntries([...owned, ...others]) as Record<string, object>;
}

/** leaving: it has no role any more, and stays because an update that goes back must not wait for its removal. */
function roleOf(name: string, { stable, candidate }: Plan): "stable" | "candidate" | "leaving" {
  if (name === stable.name) return "stable";
  return name === candidate?.name ? "candidate" : "leaving";
}

function workloadText({ kind, name, autoscaler }: ObservedWorkload): string {
  return `${kind} ${name}${autoscaler === undefined ? "" : ` (scaled by ${autoscaler.kind} ${autoscaler.name})`}`;
}

/** Accelerators by type: now, and at every stage of the ladder. */
export function capacityOf(config: ServiceConfig, plan: Plan): object {
  const now = Object.fromEntries(plan.pools.map(({ pool, replicas }) => [pool.name, replicas]));
  return { now: acceleratorsOf(plan, now), ladder: capacityStages(config, plan) };
}

/** A command that asks the service something, for people; the candidate's needs the secret header. */
export function howToTry(
  config: ServiceConfig,
  gateway: GatewayConfig,
  address: string,
): { customers: string; candidate?: string } {
  // For a pool created outside this stack, or with such a template, the config need not say what it serves.
  const model = baseNameOf(config.pools[config.stable]) ?? "MODEL";
  const { path, body: fields } = requestFor(config.gate.endpoint, { model, prompt: "Hello", maxTokens: 16 });
  // The key itself stands in no output.
  const key = config.gate.apiKey === undefined ? "" : `-H "authorization: Bearer $API_KEY" `;
  const body = `${key}-H 'content-type: application/json' -d '${JSON.stringify(fields)}'`;
  const url = `${urlOf(endpointOf(gateway), address)}${path}`;
  return {
    customers: `curl ${url} ${body}`,
    ...(config.candidate === undefined
      ? {}
      : {
          candidate: `curl ${url} -H "${previewHeader}: $(pulumi stack output previewSecret --show-secrets)" ${body}`,
        }),
  };
}

/**
 * Outputs of a service's stack.
 * @param address where the gateway answers; known only once it has confirmed the route.
 */
export function outputsOf(
  service: ServiceConfig,
  plan: Plan,
  platform: Platform,
  address: pulumi.Output<string>,
  previewSecret: pulumi.Output<string> | undefined,
  showKubeconfig: boolean,
): Record<string, unknown> {
  const record = recordOf(service, plan);
  const { gateway } = platform;
  return {
    address,
    // The customers' route says what it sends; where another route comes first, that is not what customers get.
    ...(plan.overridden.length === 0
      ? { state: plan.state, weights: address.apply(() => record.weights) }
      : { state: overriddenState, overridden: plan.overridden }),
    ...(plan.kind === undefined ? {} : { rollout: plan.kind }),
    pools: poolStates(plan),
    ...(service.capacity.mode === "full" ? {} : { capacity: capacityOf(service, plan) }),
    ...(plan.latches.some(holds) ? { latched: plan.latches.filter(holds) } : {}),
    ...(service.adapters.length === 0 ? {} : { adapters: address.apply(() => adapterStates(service)) }),
    tryIt: address.apply((at) => howToTry(service, gateway, at)),
    ...(plan.overridden.length === 0 ? nextSteps(service, plan) : {}),
    ...(previewSecret === undefined ? {} : { previewSecret: pulumi.secret(previewSecret) }),
    ...(plan.notes.length === 0 ? {} : { notes: plan.notes }),
    // Only once the gateway has confirmed: what is recorded has happened.
    [recordOutput]: address.apply(() => record),
    ...(showKubeconfig ? { kubeconfig: pulumi.secret(platform.kubeconfig) } : {}),
  };
}
