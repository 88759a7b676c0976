import { settingReferences } from "../../components/model-server/setting-references";
import type { MissingReferences, Observed } from "../plan/observed";
import { namespaceOf } from "../plan/plan";
import type { OwnedPool, ServiceConfig } from "../plan/service-config";
import type { ClusterReader } from "./cluster-reader";
import { missingReferences } from "./missing-references";

/**
 * What settings of model servers' pods name and the cluster lacks, by pool: of pools that are about to be made, and of
 * those whose pods are about to restart. Pods that run have found what they need.
 */
export async function missingOfSettings(
  reader: ClusterReader,
  config: ServiceConfig,
  observed: Observed,
): Promise<Readonly<Record<string, MissingReferences>>> {
  const pools = [config.stable, config.candidate]
    .map((name) => (name === undefined ? undefined : config.pools[name]))
    .filter((pool): pool is OwnedPool => pool?.existing === false && pool.templateOf === undefined)
    .filter((pool) => startsPods(pool, observed));
  const found = await Promise.all(
    pools.map(async (pool) => {
      const namespace = namespaceOf(pool, observed);
      const references = settingReferences(pool.server);
      const looked = await missingReferences(reader, references, namespace, namespace);
      return [pool.name, { namespace, ...looked }] as const;
    }),
  );
  return Object.fromEntries(
    found.filter(([, { missing, unchecked }]) => missing.length + unchecked.length > 0),
  );
}

function startsPods({ name, server }: OwnedPool, { pools }: Observed): boolean {
  const identity = pools.find((live) => live.owned && live.name === name)?.identity;
  return identity === undefined || identity["server.priorityClassName"] !== server.priorityClassName;
}
