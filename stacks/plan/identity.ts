import type { OwnedPool } from "../config/resolved";

/**
 * What a pool is made as and keeps for life: to have another accelerator, model or server is to be another pool,
 * because the old one has to stay for rollback. The keys are config keys below `pools.<name>`.
 * Replicas, probes and labels are not part of it: they change in place.
 */
export type PoolIdentity = Readonly<Record<string, string>>;

export function identityOf(pool: OwnedPool): PoolIdentity {
  const { hardware, server } = pool;
  const fields: Record<string, string> = {
    accelerator: hardware.accelerator,
    acceleratorsPerReplica: String(hardware.acceleratorsPerReplica),
    provisioning: hardware.provisioning,
    driver: hardware.driver,
    model: pool.model,
    "server.image": server.image,
    "server.args": JSON.stringify(server.args),
    "server.port": String(server.port),
  };
  // Only where they are: a pool that was made before there were adapters has no such field.
  if (pool.adapters) fields["adapters"] = adaptersLoaded;
  if (hardware.machineType !== undefined) fields["machineType"] = hardware.machineType;
  if (hardware.zones !== undefined) fields["zones"] = hardware.zones.join(",");
  if (pool.templateOf !== undefined) fields["like"] = `${pool.templateOf.namespace}/${pool.templateOf.name}`;
  return fields;
}

/** A model server is started so that it can load adapters, or it never can. */
export const adaptersLoaded = "loaded";

export interface IdentityChange {
  field: string;
  deployed: string;
  wanted: string;
}

/** Fields that differ. A field only one side knows differs too: a default that was not there then is a change now. */
export function identityChanges(deployed: PoolIdentity, wanted: PoolIdentity): IdentityChange[] {
  const fields = [...new Set([...Object.keys(deployed), ...Object.keys(wanted)])].sort();
  return fields.flatMap((field) => {
    const [before, after] = [deployed[field] ?? "nothing", wanted[field] ?? "nothing"];
    return before === after ? [] : [{ field, deployed: before, wanted: after }];
  });
}
