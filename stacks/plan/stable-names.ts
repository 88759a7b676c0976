import type { ServiceConfig, Observed, Draft, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";

/** Whether this config has the gate ask the stable pool which model names it serves. */
export function asksStable({ gate, candidate }: ServiceConfig): boolean {
  return candidate !== undefined && gate.via === "gateway" && gate.names === "listed";
}

/**
 * A candidate gets more traffic only where it answers for every name that the stable pool lists. The plan does not
 * refuse this: the gate asks. Only where the stable pool cannot be asked, or a name is to be given up, the user decides.
 * Going back asks nobody.
 */
export function stableNames(config: ServiceConfig, _observed: Observed, draft: Draft): Refusal[] {
  const { candidate, candidateRises, stable } = draft;
  if (candidate === undefined || !candidateRises || !asksStable(config)) return [];
  return [
    {
      rule: "stable-names",
      found: `${candidate.name} would get ${config.weight} % of the traffic, and whether it answers for every model name that ${stable.name} lists would not be asked`,
      fix: "wait until the gate has asked",
      waiver: "stable-names",
      heldBy: "gate",
    },
  ];
}

/** The commands that let a raise pass without the stable pool's list. @param allow of the config. */
export function withoutTheList({ allow }: Pick<ServiceConfig, "allow">): string {
  const declared = `${setCommand("gate.names", "declared")} (for good: only the names in the config count)`;
  // A waiver that is in the config still has been used: it counts for one update.
  if (allow.includes("stable-names")) return declared;
  return `${setCommand(`allow[${allow.length}]`, "stable-names")} (for one update), or ${declared}`;
}
