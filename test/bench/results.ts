import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Compared, Delays, Growth, Sized, Spread } from "./measure";

/*
 * What a benchmark found: JSON below out/bench, and a table in docs/performance.md.
 */

export interface Result {
  benchmark: string;
  /** Day of the measurement. */
  day: string;
  machine: string;
  compared?: readonly Compared[];
  delays?: readonly Delays[];
  sized?: readonly Sized[];
  growth?: Growth;
}

const root = path.join(__dirname, "..", "..");
const page = path.join(root, "docs", "performance.md");

/** The machine in a few words, with how busy it was. */
export function machine(load = os.loadavg()[0] ?? 0): string {
  const [cpu] = os.cpus();
  return `${os.cpus().length} x ${cpu?.model.trim() ?? "?"}, Node ${process.versions.node}, load ${load.toFixed(1)} before`;
}

/** Keeps a result, and writes it into the page. @returns the lines to print. */
export function keep(result: Result): string[] {
  const folder = path.join(root, "out", "bench");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    path.join(folder, `${result.benchmark}.json`),
    `${JSON.stringify(result, undefined, 2)}\n`,
  );
  fs.writeFileSync(page, withResult(fs.readFileSync(page, "utf8"), result));
  return table(result);
}

/** @throws Error where the page has no place for this benchmark. */
export function withResult(text: string, result: Result): string {
  const [begin, end] = [`<!-- ${result.benchmark}: written by npm run bench -->`, "<!-- end -->"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${page} has no place for ${result.benchmark}`);
  return `${text.slice(0, from)}${begin}\n\n${table(result).join("\n")}\n\n${text.slice(to)}`;
}

/** As the formatter leaves a table. */
function table({ compared, delays, sized, growth, day, machine: where }: Result): string[] {
  const rows = [...comparedRows(compared ?? []), ...delayRows(delays ?? []), ...sizedRows(sized ?? [])];
  const [head = [], ...body] = rows;
  const widths = head.map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [
    ...[line(head), rule, ...body.map(line), ""],
    ...(growth === undefined ? [] : [growthText(growth, sized?.[0]), ""]),
    `${day}, ${where}.`,
  ];
}

type Rows = readonly (readonly string[])[];

function comparedRows(compared: readonly Compared[]): Rows {
  if (compared.length === 0) return [];
  const inMemory = (cell: string): string[] =>
    compared.some(({ memory }) => memory !== undefined) ? [cell] : [];
  return [
    ["", "wall time", "processor time", ...inMemory("memory"), "wall, as a ratio", "processor, as a ratio"],
    ...compared.map(({ name, wall, processor, memory, ratio }) => [
      name,
      `${text(wall)} s`,
      `${text(processor)} s`,
      ...inMemory(`${memory?.median.toFixed(0) ?? "?"} MB`),
      ratio === undefined ? "1" : `**${text(ratio.wall)}**`,
      ratio === undefined ? "1" : `**${text(ratio.processor)}**`,
    ]),
  ];
}

function delayRows(delays: readonly Delays[]): Rows {
  if (delays.length === 0) return [];
  return [
    ["", "median", "best", "worst", "measured"],
    ...delays.map(({ name, seconds, samples }) => [
      name,
      `**${number(seconds.median)} s**`,
      `${number(seconds.min)} s`,
      `${number(seconds.max)} s`,
      `${samples} times`,
    ]),
  ];
}

function sizedRows(sized: readonly Sized[]): Rows {
  if (sized.length === 0) return [];
  return [
    ["", "resources", "a move up", "a move back", "the latter's processor time", "and memory"],
    ...sized.map(({ name, resources, up, back, processor, memory }) => [
      ...[name, String(resources)],
      ...[up, back, processor].map((seconds) => `${text(seconds)} s`),
      `${memory.median.toFixed(0)} MB`,
    ]),
  ];
}

/** What each resource adds, and the size at which a move takes twice as long as that of the first stack. */
function growthText({ from, to, wall, processor, memory }: Growth, first: Sized | undefined): string {
  const inMs = ({ median, min, max }: Spread): string =>
    `${text({ median: median * 1000, min: min * 1000, max: max * 1000 })} ms`;
  const each = `Between ${from} and ${to} resources, each one adds ${inMs(wall)} of wall time to a move back, ${inMs(processor)} of processor time and ${memory.median.toFixed(2)} MB.`;
  if (first === undefined || wall.median <= 0) return each;
  const twice = Math.round(first.resources + first.back.median / wall.median);
  return `${each} **At ${twice} resources, a move takes twice as long as that of the first stack.**`;
}

const number = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const text = ({ median, min, max }: Spread): string => `${number(median)} (${number(min)} to ${number(max)})`;
