import type { FileResult } from "./file";

const indented = (text: string, by: number): string => text.trimEnd().replace(/^/gm, " ".repeat(by));
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

/** What a file showed: one line, each failure, and what it printed. @param tellsAll as in a group of main.ts. */
export function lines(result: FileResult, tellsAll = true): string {
  const { file, passed, tests, left, failures, problem, output, notes, seconds } = result;
  const counts = [
    count(tests, "test"),
    ...(left > 0 ? [`${left} skipped`] : []),
    ...(failures.length > 0 ? [`${failures.length} FAILED`] : []),
    `${seconds} s`,
  ];
  return [
    `${passed ? "✔" : "✖"} ${file} (${counts.join(", ")})`,
    ...(problem === undefined ? [] : [indented(`✖ ${problem}`, 2)]),
    ...notes.map((note) => indented(`(${note})`, 2)),
    ...failures.map(({ test, error }) => `  ✖ ${test}\n${indented(error, 6)}`),
    ...(output.trim() === "" || (passed && !tellsAll) ? [] : [indented(output, 4)]),
  ].join("\n");
}

/** The last words about a group of files, with what failed and how to repeat it. */
export function summary(
  title: string,
  files: number,
  results: readonly FileResult[],
  seconds: number,
): string {
  const failed = results.filter(({ passed }) => !passed);
  const tests = results.reduce((sum, one) => sum + one.tests, 0);
  const how = failed.length > 0 ? "FAILED" : results.length < files ? "interrupted" : "passed";
  return [
    `${title}: ${how}, ${count(tests, "test")} in ${count(results.length, "file")}, ${Math.round(seconds)} s`,
    ...failed.map(({ file, problem, failures }) =>
      [
        `  ✖ ${file}`,
        ...[problem ?? [], failures.map(({ test }) => test)].flat().map((text) => `      ${text}`),
        `      to repeat it: npm test -- ${file}`,
      ].join("\n"),
    ),
  ].join("\n");
}
