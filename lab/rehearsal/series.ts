import type { Outcome } from "../traffic/outcome";

/** Requests whose split is measured: which count, and which of them the candidate answered. */
export interface Series {
  /** As the table and report.json show it. */
  name: string;
  /** Share that the candidate has to answer. */
  expected: number;
  counts: (outcome: Outcome) => boolean;
  isCandidates: (outcome: Outcome) => boolean;
}

/** A model name that customers ask for, and what has to answer it. */
export interface AskedName {
  name: string;
  /** Adapter versions that may answer, as they are loaded; empty: the base model itself. */
  versions: readonly string[];
}

/** What an answer has to prove of itself. */
export interface Expectation {
  names: readonly AskedName[];
  /** Base model of each pool. */
  bases: Readonly<Record<string, string>>;
}

/** The adapter version that answered, as it is loaded; undefined for the base model. */
export function versionOf({ adapter }: Outcome): string | undefined {
  return adapter?.split("=")[0];
}

/** Why an answer is not one that its name should have had; undefined: it is right. */
export function wrongAnswer(outcome: Outcome, { names, bases }: Expectation): string | undefined {
  if (outcome.failure !== undefined) return undefined;
  const { model, pool, servedModel } = outcome;
  const asked = names.find(({ name }) => name === model);
  if (asked === undefined || pool === undefined)
    return `${model}: the answer does not say which pool it came from`;
  const base = bases[pool];
  if (servedModel !== base)
    return `${model} was answered by ${servedModel ?? "an unknown model"} on ${pool}, not by ${base ?? "any of its pools"}`;
  const version = versionOf(outcome);
  if (asked.versions.length === 0) {
    return version === undefined ? undefined : `${model} was answered by adapter ${version} on ${pool}`;
  }
  return version !== undefined && asked.versions.includes(version)
    ? undefined
    : `${model} was answered by ${version ?? "the base model"} on ${pool}, not by ${asked.versions.join(" or ")}`;
}
