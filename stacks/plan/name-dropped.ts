import type { ServiceConfig, Observed, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";
import { clientNames } from "./model-names";
import { servedNames } from "./served-names";

/** Clients keep their model names: one that was answered is not dropped by the way. */
export function nameDropped(config: ServiceConfig, observed: Observed): Refusal[] {
  const kept = new Set(clientNames(config));
  // The names of a pool with traffic are not edited at all; that is told by another rule, and once is enough.
  const fixed = (observed.record?.weights[config.stable] ?? 0) > 0 ? namesAsMade(config, observed) : [];
  // Also what an update brought that broke off before it left a record.
  const answered = new Set([
    ...(observed.record?.names ?? []),
    ...(observed.rewrites ?? []).map(({ model }) => model),
  ]);
  return [...answered]
    .filter((name) => !kept.has(name) && !fixed.includes(name))
    .map((name, i) => ({
      rule: "name-dropped",
      found: `clients were answered for the model name ${name}, and with this config nobody would`,
      // Typed one after the other, each keeps its name.
      fix: `${setCommand(`aliases[${config.aliases.length + i}]`, name)} keeps it as a name of the base model`,
      waiver: "drop-names" as const,
    }));
}

/** Names that the stable pool's servers were started with. */
function namesAsMade({ stable, pools }: ServiceConfig, observed: Observed): string[] {
  const pool = pools[stable];
  const identity = observed.pools.find(({ name, owned }) => owned && name === stable)?.identity;
  if (pool === undefined || pool.existing || pool.templateOf !== undefined) return [];
  if (identity === undefined) return [];
  return servedNames(pool.server.engine, argumentsIn(identity["server.args"]), identity["model"]);
}

function argumentsIn(text: string | undefined): string[] {
  try {
    const parsed: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(parsed) ? parsed.filter((word): word is string => typeof word === "string") : [];
  } catch {
    return [];
  }
}
