import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { describeRefusals } from "../../../stacks/messages/refusals";
import { after, serviceConfig, planFor, type Planned } from "../cases";
import assert from "node:assert/strict";

export const planned = (raw: RawConfig, observed: Observed = nothingDeployed): Planned =>
  planFor(serviceConfig(raw), observed);

export const rulesOf = (raw: RawConfig, observed?: Observed): string[] =>
  planned(raw, observed).refusals.map(({ rule }) => rule);

/** The world after one config after the other was carried out; every plan has to be allowed. */
export function deployed(...raws: RawConfig[]): Observed {
  return raws.reduce<Observed>((observed, raw) => {
    const result = planned(raw, observed);
    assert.deepEqual(result.refusals, [], describeRefusals(result.refusals));
    return after(serviceConfig(raw), result, observed);
  }, nothingDeployed);
}

export interface Scenario {
  rule: string;
  config: RawConfig;
  world: () => Observed;
}
