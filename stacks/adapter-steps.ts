import type { ServiceConfig } from "./plan/model";
import { removeCommand, setCommand } from "./messages/mistakes";
import { namesLostByPromotion, targetsOf } from "./plan/model-names";

/** Commands for the next step of the first adapter that is rolled out, and for going back; empty: none is. */
export function nextAdapterSteps({ adapters, ladder }: ServiceConfig): { next?: string; back?: string } {
  const adapter = adapters.find(({ candidate }) => candidate !== undefined);
  if (adapter?.candidate === undefined) return {};
  const { index, weight, candidate } = adapter;
  const at = `adapters[${index}]`;
  const toWeight = (value: number): string => `${setCommand(`${at}.weight`, value)} && pulumi up`;
  const higher = [...ladder].sort((a, b) => a - b).find((step) => step > weight) ?? 100;
  const without = `${removeCommand(`${at}.candidate`)} && ${removeCommand(`${at}.weight`)} && pulumi up`;
  const finish = `${setCommand(`${at}.version`, candidate.version)} && ${setCommand(`${at}.source`, candidate.source)} && ${without}`;
  return {
    next: weight === 100 ? finish : toWeight(higher),
    back: weight === 0 ? without : toWeight(0),
  };
}

/** The old model's names go on being answered after a promotion only where the config says so. */
export function keepNames(config: ServiceConfig): string {
  return namesLostByPromotion(config)
    .map((name, i) => `${setCommand(`aliases[${config.aliases.length + i}]`, name)} && `)
    .join("");
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
