import type { Pool, RolloutKind, ServiceConfig } from "./model";

/**
 * What kind of rollout two pools make up: another model is a base-model rollout, else another server a
 * model-server rollout, else (same model, same server) a node update. Undefined where an existing pool does not
 * say what it serves and the new one is not made after its template.
 */
export function kindOf(stable: Pool, candidate: Pool): RolloutKind | undefined {
  if (!candidate.existing && candidate.templateOf?.name === stable.name) return "node-update";
  if (stable.model === undefined || candidate.model === undefined) return undefined;
  if (stable.model !== candidate.model) return "base-model";
  if (stable.existing || candidate.existing) return undefined;
  const [a, b] = [stable.server, candidate.server];
  const sameServer = a.image === b.image && JSON.stringify(a.args) === JSON.stringify(b.args);
  return sameServer ? "node-update" : "model-server";
}

/** Without a candidate pool, only a version of an adapter can be under way. */
export function adapterKind({ adapters }: ServiceConfig): RolloutKind | undefined {
  return adapters.some(({ candidate }) => candidate !== undefined) ? "adapter" : undefined;
}
