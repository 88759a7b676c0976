import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { Mistake } from "../../../stacks/messages/mistakes";
import type { RawConfig } from "../../../stacks/config/parse";
import { cloud } from "../cases";
import { chainsIn } from "./cli-model";

/** One way out of one mistake: commands that are typed as printed. */
export interface MistakeFix {
  config: RawConfig;
  mistake: Mistake;
  /** Commands of the CLI's `config`, one after the other. */
  commands: readonly string[];
}

/** A config may hold keys of the cloud too, or say with `gcp:none` that there are none. */
export function mistakesOf(config: RawConfig): readonly Mistake[] {
  const own = Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith("gcp:")));
  if (!("gcp:none" in config)) return resolveConfig(own, cloud).mistakes;
  const [project, region] = [config["gcp:project"], config["gcp:region"]];
  return resolveConfig(own, {
    ...(typeof project === "string" ? { project } : {}),
    ...(typeof region === "string" ? { region } : {}),
  }).mistakes;
}

export const isTold = (mistakes: readonly Mistake[], { key, allowed }: Mistake): boolean =>
  mistakes.some((one) => one.key === key && one.allowed === allowed);

/** What is prose or another program's command: those are tried where they do something. */
const isConfig = (command: string): boolean => command.startsWith("pulumi config ");

/** Every way out of every mistake of some configs; the same command for the same mistake once. */
export function fixesOf(configs: Iterable<RawConfig>): { fixes: MistakeFix[]; without: Mistake[] } {
  const seen = new Set<string>();
  const fixes: MistakeFix[] = [];
  const without: Mistake[] = [];
  for (const config of configs) {
    for (const mistake of mistakesOf(config)) {
      const id = `${mistake.key} ${mistake.allowed} ${fixText(mistake.fix)}`;
      if (seen.has(id)) continue;
      seen.add(id);
      const chains = chainsIn(fixText(mistake.fix)).filter((chain) => chain.every(isConfig));
      if (chains.length === 0) without.push(mistake);
      for (const commands of chains) fixes.push({ config, mistake, commands });
    }
  }
  return { fixes, without };
}
