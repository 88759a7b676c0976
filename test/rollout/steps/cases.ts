import type { ServiceConfig } from "../../../stacks/plan/service-config";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import { deployedOf, type Deployed, observedAfter } from "../../../rollout/steps/deployed";
import { resolveValues } from "../../../rollout/steps/resolve-values";
import { own, type StackValues, type Value } from "../../../rollout/steps/values";
import { sourceCase, planFor } from "../../stacks/cases";

/** A stack's config from the program's keys without prefix. */
export function values(keys: Readonly<Record<string, unknown>> = sourceCase): StackValues {
  const text = (value: unknown): unknown => (typeof value === "number" ? String(value) : value);
  const entries = Object.entries(keys).map(([key, value]): [string, Value] => [
    own(key),
    { secret: false, value: text(value) },
  ]);
  return {
    "gcp:project": { secret: false, value: "acme-ml" },
    "gcp:region": { secret: false, value: "us-central1" },
    ...Object.fromEntries(entries),
  };
}

/** The same config with other values of the program's keys; undefined: without the key. */
export function withValues(config: StackValues, changes: Readonly<Record<string, unknown>>): StackValues {
  const kept = Object.entries(config).filter(([key]) => !Object.keys(changes).map(own).includes(key));
  const set = Object.entries(changes).flatMap(([key, value]): [string, Value][] =>
    value === undefined ? [] : [[own(key), { secret: false, value }]],
  );
  return Object.fromEntries([...kept, ...set]);
}

export const at = (weight: number): Record<string, unknown> => ({ ...sourceCase, weight });

export function serviceOf(config: StackValues): ServiceConfig {
  const resolved = resolveValues(config);
  if (resolved.outcome !== "resolved") throw new Error(resolved.mistakes.join("\n"));
  return resolved.config.service;
}

/** A stack and its world, updated as the program does it. */
export class Simulated {
  observed: Observed = { ...nothingDeployed, now: new Date("2026-11-22T12:00:00Z") };
  deployed: Deployed | undefined;
  readonly history: StackValues[] = [];

  constructor(public values: StackValues) {}

  /** One successful `pulumi up`. @throws Error with the program's refusals. */
  up(next: StackValues = this.values): this {
    this.values = next;
    const config = serviceOf(next);
    const planned = planFor(config, this.observed);
    if (planned.refusals.length > 0) throw new Error(planned.refusals.map(({ found }) => found).join("\n"));
    this.observed = observedAfter(config, planned, this.observed);
    this.deployed = deployedOf({ state: planned.state, deployed: this.observed.record });
    this.history.push(next);
    return this;
  }

  /** Percent of the traffic by pool. */
  get shares(): Record<string, number> {
    return Object.fromEntries(
      (this.observed.route?.backends ?? []).map(({ pool, weight }) => [pool, weight]),
    );
  }
}
