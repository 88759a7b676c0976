import type { StackValues } from "./values";

/** Why a command does nothing, and what to do instead. */
export interface Reason {
  found: string;
  fix: string;
}

/** A config to be deployed, or why there is none. */
export type Decision =
  { wanted: StackValues; title: string; notes: readonly string[] } | { refused: readonly Reason[] };

export const command = (words: string): string => `npm run rollout -- ${words}`;

export const refuse = (found: string, fix: string): Decision => ({ refused: [{ found, fix }] });
