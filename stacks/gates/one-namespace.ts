import { commandsText } from "../messages/edits";
import { set } from "../plan/config-edits";
import type { RoutedPool } from "../plan/model";
import type { ServiceConfig } from "../plan/service-config";

/**
 * What to do if a gateway does not accept InferencePools of other namespaces. Nobody has seen that on GKE, and what it
 * would report is not known: so this is printed whatever is wrong with a route that has such a pool.
 * @returns undefined where all pools are in the route's namespace.
 */
export function otherModeFor(
  { namespace, stable, candidate }: Pick<ServiceConfig, "namespace" | "stable" | "candidate">,
  pools: readonly RoutedPool[],
): string | undefined {
  const elsewhere = pools.filter((pool) => pool.namespace !== namespace);
  if (elsewhere.length === 0) return undefined;
  const where = elsewhere.map((pool) => `${pool.name} is in ${pool.namespace}`).join(", ");
  const begin = `The route is in namespace ${namespace}, and ${where}. If the gateway does not accept InferencePools of other namespaces, keep all pools in the route's namespace (a candidate then has no objectives until its promotion):`;
  if (candidate === undefined || elsewhere.some(({ name }) => name === stable)) {
    const mode = commandsText([set("objectivesIn", "one-namespace")]);
    return `${begin}\n  ${mode}, and declare a pool with another name ({like: ${stable}}): ${stable} stays where it is`;
  }
  // A pool does not move: the candidate, which has no traffic, is removed and created again.
  const away = commandsText([set("weight", 0), set("candidate", "")]);
  const back = commandsText([set("objectivesIn", "one-namespace"), set("candidate", candidate)]);
  return `${begin}\n  ${away} && pulumi up && ${back} && pulumi up\n  (${stable} does not change; ${candidate} is created again)`;
}
