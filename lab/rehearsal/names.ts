import type { Outcome } from "../traffic/outcome";
import type { NameReport } from "./report";
import { versionOf, wrongAnswer, type Expectation } from "./series";
import { countsOf } from "./stage";

/** By model name: what it was answered by, and whether that was right. */
export function namesOf(outcomes: readonly Outcome[], expectation: Expectation): NameReport[] {
  return expectation.names.map(({ name }) => {
    const own = outcomes.filter(({ model }) => model === name);
    const answeredBy: Record<string, number> = {};
    for (const outcome of own) {
      if (outcome.pool === undefined || outcome.failure !== undefined) continue;
      const { pool, servedModel = "unknown" } = outcome;
      const by = [pool, servedModel, versionOf(outcome) ?? "no adapter"].join(", ");
      answeredBy[by] = (answeredBy[by] ?? 0) + 1;
    }
    const wrong = own.filter((outcome) => wrongAnswer(outcome, expectation) !== undefined).length;
    return { name, ...countsOf(own), answeredBy, wrong };
  });
}

/** Answers of another model or adapter than the name stands for, over the whole run. */
export function wrongAnswers(outcomes: readonly Outcome[], expectation: Expectation): string[] {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) {
    const wrong = wrongAnswer(outcome, expectation);
    if (wrong !== undefined) counts.set(wrong, (counts.get(wrong) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} x ${text}`);
}
