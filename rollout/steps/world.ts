import type { ServiceConfig, DeploymentRecord, Observed, Plan } from "../../stacks/plan/model";
import { identityOf } from "../../stacks/plan/identity";
import { recordOf } from "../../stacks/state/record";

/**
 * What is deployed by the last update's own word, where the cluster cannot be asked.
 * @param config the config as it is now: what the pools are made as is taken from it.
 */
export function recordedWorld(config: ServiceConfig, record: DeploymentRecord): Observed {
  const names = Object.entries(record.pools);
  const namespaceOf = (pool: string): string =>
    record.pools[pool] ?? config.pools[pool]?.namespace ?? config.namespace;
  const existing = Object.values(config.pools).filter(({ existing }) => existing);
  return {
    route: {
      backends: Object.entries(record.weights).map(([pool, weight]) => ({
        pool,
        namespace: namespaceOf(pool),
        weight,
      })),
    },
    pools: [
      ...names.map(([name, namespace]) => {
        const pool = config.pools[name];
        return {
          name,
          namespace,
          owned: true,
          ...(pool === undefined || pool.existing
            ? {}
            : { identity: identityOf(pool), replicas: pool.replicas, readyReplicas: pool.replicas }),
        };
      }),
      ...existing.map(({ name, namespace }) => ({ name, namespace, owned: false })),
    ],
    namespaces: {},
    record,
  };
}

/** What is deployed once an update has carried a plan out. */
export function worldAfter(config: ServiceConfig, plan: Plan, before: Observed): Observed {
  const owned = plan.pools.map(({ pool, namespace, replicas, identity }) => ({
    name: pool.name,
    namespace,
    owned: true,
    identity,
    replicas,
    readyReplicas: replicas,
  }));
  return {
    ...before,
    route: { backends: plan.backends },
    pools: [...owned, ...before.pools.filter((pool) => !pool.owned)],
    namespaces: {
      ...before.namespaces,
      ...Object.fromEntries(plan.namespaces.map(({ name, create }) => [name, create ? "owned" : "foreign"])),
    },
    record: recordOf(config, plan),
  };
}
