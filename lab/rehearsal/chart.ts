import type { Outcome } from "../traffic/outcome";
import type { Series } from "./series";

/** One moment at which the route was changed. */
export interface Mark {
  at: number;
  label: string;
}

export interface SplitSeries {
  from: number;
  to: number;
  /** For each second: requests that began in it, and how many of them the candidate answered. */
  seconds: readonly { requests: number; candidate: number }[];
}

/** @param counts the requests that the split is among; what did not answer says nothing. */
export function splitSeries(
  outcomes: readonly Outcome[],
  { counts, isCandidates }: Pick<Series, "counts" | "isCandidates">,
): SplitSeries | undefined {
  const answered = outcomes.filter((outcome) => outcome.pool !== undefined && counts(outcome));
  if (answered.length === 0) return undefined;
  const from = answered.reduce((least, { startedAt }) => Math.min(least, startedAt), Infinity);
  const to = answered.reduce((most, { startedAt }) => Math.max(most, startedAt), 0);
  const seconds = Array.from({ length: Math.floor((to - from) / 1000) + 1 }, () => ({
    requests: 0,
    candidate: 0,
  }));
  for (const outcome of answered) {
    const second = seconds[Math.floor((outcome.startedAt - from) / 1000)];
    if (second === undefined) continue;
    second.requests++;
    if (isCandidates(outcome)) second.candidate++;
  }
  return { from, to, seconds };
}

const size = { width: 860, height: 240, left: 46, right: 12, top: 26, bottom: 28 };

/** The split over time as SVG: each second's share, and the moments at which the weight was changed. */
export function splitChart(
  series: SplitSeries,
  marks: readonly Mark[],
  names: { stable: string; candidate: string },
): string {
  const width = size.width - size.left - size.right;
  const height = size.height - size.top - size.bottom;
  const x = (at: number): number =>
    size.left + (width * (at - series.from)) / Math.max(1, series.to - series.from);
  const y = (share: number): number => size.top + height * (1 - share);
  const points = series.seconds
    .map(({ requests, candidate }, i) =>
      requests === 0
        ? undefined
        : `${x(series.from + i * 1000).toFixed(1)},${y(candidate / requests).toFixed(1)}`,
    )
    .filter((point) => point !== undefined);
  const first = points[0]?.split(",")[0] ?? String(size.left);
  const last = points.at(-1)?.split(",")[0] ?? String(size.left);
  const area = `${first},${y(0)} ${points.join(" ")} ${last},${y(0)}`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${size.left}" x2="${size.width - size.right}" y1="${y(share)}" y2="${y(share)}" stroke="#d0d7de"/>` +
      `<text x="${size.left - 6}" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
  );
  const ticks = marks.map(
    ({ at, label }, i) =>
      `<line x1="${x(at).toFixed(1)}" x2="${x(at).toFixed(1)}" y1="${size.top}" y2="${y(0)}" stroke="#57606a" stroke-dasharray="2 3"/>` +
      `<text x="${(x(at) + 3).toFixed(1)}" y="${size.top - (i % 2 === 0 ? 14 : 4)}">${escape(label)}</text>`,
  );
  const title = `Share of ${names.candidate} among the requests of each second, while it replaces ${names.stable}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="system-ui, sans-serif" font-size="11" fill="#24292f" role="img" aria-label="${escape(title)}">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...grid,
    `<polygon points="${area}" fill="#1f6feb" fill-opacity="0.15"/>`,
    `<polyline points="${points.join(" ")}" fill="none" stroke="#1f6feb" stroke-width="1.5"/>`,
    ...ticks,
    `<text x="${size.left}" y="${size.height - 8}">0 s</text>`,
    `<text x="${size.width - size.right}" y="${size.height - 8}" text-anchor="end">${Math.round((series.to - series.from) / 1000)} s</text>`,
    `<text x="${size.width / 2}" y="${size.height - 8}" text-anchor="middle">${escape(title)}</text>`,
    "</svg>",
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
