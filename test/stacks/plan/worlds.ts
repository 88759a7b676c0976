import type { RawConfig } from "../../../stacks/config/validate";
import { nothingDeployed, type Observed } from "../../../stacks/plan/observed";
import { plan } from "../../../stacks/plan/plan";
import { after, serviceConfig } from "../cases";

/** The world after each config was carried out; with the record of the last. */
export function deployed(...raws: RawConfig[]): Observed {
  return raws.reduce<Observed>((world, raw) => {
    const config = serviceConfig(raw);
    return after(config, plan(config, world), world);
  }, nothingDeployed);
}
