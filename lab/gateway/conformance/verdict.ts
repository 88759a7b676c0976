import assert from "node:assert/strict";
import type { Report, Results } from "./run";
import type { Suite } from "./suites";

/** The skipped tests that a suite's own report may name, and no others; nothing failed; as many passed as claimed. */
export function verify(suite: Suite, { kind, profiles }: Report): void {
  assert.equal(kind, "ConformanceReport");
  assert.deepEqual(
    profiles.map(({ name }) => name),
    [suite.profile],
  );
  const [{ core, extended } = { core: undefined, extended: undefined }] = profiles;
  assert.ok(core !== undefined);
  const parts: Results[] = extended === undefined ? [core] : [core, extended];
  assert.deepEqual(
    {
      failed: parts.flatMap(({ failedTests }) => failedTests ?? []),
      skipped: parts.flatMap(({ skippedTests }) => skippedTests ?? []).sort(),
      core: core.statistics.Passed,
      extended: extended?.statistics.Passed,
      claimed: [...(extended?.supportedFeatures ?? [])].sort(),
      unclaimed: [...(extended?.unsupportedFeatures ?? [])].sort(),
    },
    {
      failed: [],
      skipped: Object.keys(suite.skipped).sort(),
      core: suite.passed.core,
      extended: suite.passed.extended,
      claimed: [...suite.claimed].sort(),
      unclaimed: Object.keys(suite.unclaimed).sort(),
    },
  );
}
