import { recordOfAdapter } from "./adapter-versions";
import { clientNames } from "./client-names";
import type { Plan } from "./model";
import type { DeploymentRecord } from "./observed";
import type { ServiceConfig } from "./service-config";

/** What an update leaves behind for the next one, once it is done: an output of the stack. */
export function recordOf(config: ServiceConfig, plan: Plan): DeploymentRecord {
  return {
    stable: plan.stable.name,
    service: config.service,
    route: `${config.namespace}/${config.route}`,
    ...(plan.candidate === undefined ? {} : { candidate: plan.candidate.name }),
    ...(plan.shape === undefined ? {} : { keptShape: true }),
    weights: plan.shares,
    pools: Object.fromEntries(plan.pools.map(({ pool, namespace }) => [pool.name, namespace])),
    objectives: Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority])),
    adapters: Object.fromEntries(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)])),
    names: clientNames(config),
    waived: plan.spent,
    move: plan.move,
    sizes: Object.fromEntries(plan.pools.map(({ pool, replicas }) => [pool.name, replicas])),
    latches: plan.latches,
    carried: plan.carried,
  };
}
