import { annotations } from "../../../components/names";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { knownOf, observedRoute } from "../../../stacks/state/observe";
import { adapterCase } from "../adapter-cases";
import { serviceConfig, sourceCase } from "../cases";
import { liveRoute, poolRef, prefix } from "./route-fixtures";
import { type Scenario, deployed } from "./worlds";

/* The situations of docs/refusals.md in which the owner's shape of the customers' route is in the way. */

/** A world whose customers' route was created outside the stack and taken over. */
export function shaped(config: RawConfig, rules: readonly object[]): Observed {
  const world = deployed(config);
  const notes = { [annotations.weights]: '{"llm":100}', [annotations.moves]: "1" };
  const bare = liveRoute("routes-to-llm", rules, { annotations: notes });
  const known = { ...knownOf(serviceConfig(config), world.record), kept: true };
  return { ...world, route: observedRoute(bare, undefined, known) };
}

const beside = (weights: readonly [docs: number, llm: number]): object[] => [
  {
    matches: [prefix("/v1")],
    backendRefs: [{ name: "docs", port: 80, weight: weights[0] }, poolRef("llm", { weight: weights[1] })],
  },
];

const staged = { ...sourceCase, weight: 0 };
export const roomy = (): Observed => shaped(staged, beside([100, 400]));

const loading = adapterCase({});
const rewrite = { type: "URLRewrite", urlRewrite: { path: { type: "ReplacePrefixMatch" } } };
const rewriting = (filters: readonly object[]): object[] => [
  { matches: [prefix("/chat")], filters, backendRefs: [poolRef("llm")] },
];
export const closed = (): Observed => shaped(loading, rewriting([]));

export const shapeScenarios: readonly Scenario[] = [
  { rule: "route-shape", config: { ...sourceCase, weight: 10 }, world: () => shaped(staged, beside([1, 4])) },
  { rule: "open-adapter-paths", config: loading, world: () => shaped(loading, rewriting([rewrite])) },
];
