import { boundOfZero } from "../../rollout/traffic/split-odds";
import type { NameReport, Report, StageReport } from "./report";

/** The result as a person reads it: one line per stage. */
export function table(report: Report): string {
  const header = [
    "stage",
    "weight",
    "requests",
    "failed",
    "streams",
    "broken",
    "share",
    "expected",
    "update",
    "settled",
  ];
  const rows = report.stages.map(rowOf);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ");
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function rowOf(stage: StageReport): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const range = stage.sigma === 0 ? "" : ` ±${(300 * stage.sigma).toFixed(1)}`;
  return [
    stage.name,
    `${stage.weight}`,
    `${stage.requests}`,
    `${stage.failed}`,
    `${stage.streams}`,
    `${stage.brokenStreams}`,
    `${percent(stage.candidateShare)}${stage.shareOk ? "" : " !"}`,
    `${percent(stage.expectedShare)}${range}`,
    `${stage.updateSeconds.toFixed(1)} s`,
    stage.settleSeconds === undefined ? "-" : `${stage.settleSeconds.toFixed(2)} s`,
  ];
}

/** What the run says as a whole. A zero is told with what it excludes. */
export function summary(report: Report): string[] {
  const { totals, rollback, accelerators } = report;
  const lines = [
    `${count(totals.failed, totals.requests, "requests", "failed")}, ${count(totals.brokenStreams, totals.streams, "streams", "broke")}`,
  ];
  if (rollback !== undefined) {
    lines.push(
      `going back took ${rollback.seconds.toFixed(1)} s; the last request to the candidate started ${rollback.lastCandidateResponseAfterSeconds.toFixed(2)} s after the route changed`,
    );
  }
  if (accelerators !== undefined && accelerators.fullHours > 0) {
    const { hours, fullHours, seconds } = accelerators;
    lines.push(
      `accelerators: ${hours.toFixed(2)} accelerator-hours in ${seconds.toFixed(0)} s from the first update to the last, ${((100 * hours) / fullHours).toFixed(0)} % of all pools at full size (the simulator's times)`,
    );
  }
  lines.push(...report.names.flatMap(nameLine));
  return [...lines, ...report.problems.map((problem) => `problem: ${problem}`)];
}

/** Which answers a model name got; for a service with one name, the table has said it all. */
function nameLine(
  { name, requests, streams, failed, brokenStreams, wrong, answeredBy }: NameReport,
  _: number,
  all: readonly NameReport[],
): string[] {
  if (all.length < 2) return [];
  const by = Object.entries(answeredBy).map(([what, times]) => `${times} x ${what}`);
  return [
    `${name}: ${requests + streams} requests, ${failed + brokenStreams} failed, ${wrong} wrong (${by.join("; ")})`,
  ];
}

function count(bad: number, all: number, what: string, verb: string): string {
  const bound =
    bad === 0 && all > 0 ? ` (below ${(100 * boundOfZero(all)).toFixed(2)} % with 95 % confidence)` : "";
  return `${bad} of ${all} ${what} ${verb}${bound}`;
}
