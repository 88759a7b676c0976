import { sameShares, shareIn, type Shares } from "../../stacks/plan/shares";

/*
 * What an update would do, on one screen: what moves from where to where, what is made, replaced and removed, and what
 * was refused. Pure; as text for a terminal, or as Markdown for a comment on a pull request.
 */

export interface PreviewFacts {
  stack: string;
  /** Percent by pool: what customers get now; absent: nobody knows. */
  now?: Shares;
  /** What the config says; absent where it has mistakes. */
  then?: Shares;
  /** Operations of the engine, as `create Deployment llm-new`. */
  begun: readonly string[];
  warnings: readonly string[];
  errors: readonly string[];
  ok: boolean;
}

export interface PreviewReport {
  stack: string;
  ok: boolean;
  /** One line a pool whose share changes, or that has one; empty: there is no traffic. */
  traffic: readonly { pool: string; from: number; to: number }[];
  moves: boolean;
  /** Names of resources by what happens to them. */
  resources: Readonly<Record<Effect, readonly string[]>>;
  notes: readonly string[];
  refused: readonly string[];
}

type Effect = "created" | "taken over" | "updated" | "replaced" | "removed";

const effects: readonly Effect[] = ["created", "taken over", "updated", "replaced", "removed"];

/** Steps of a replacement are one effect; a resource that is replaced is neither created nor removed. */
const effectOf: Readonly<Record<string, Effect>> = {
  create: "created",
  import: "taken over",
  update: "updated",
  replace: "replaced",
  "create-replacement": "replaced",
  "delete-replaced": "replaced",
  "import-replacement": "replaced",
  delete: "removed",
};

export function previewReport({
  stack,
  now,
  then,
  begun,
  warnings,
  errors,
  ok,
}: PreviewFacts): PreviewReport {
  const pools = [...new Set([...Object.keys(now ?? {}), ...Object.keys(then ?? {})])];
  const known = now !== undefined && then !== undefined;
  const resources = Object.fromEntries(effects.map((effect) => [effect, [] as string[]])) as Record<
    Effect,
    string[]
  >;
  for (const text of begun) {
    const [op = "", ...name] = text.split(" ");
    const effect = effectOf[op];
    const list = effect === undefined ? undefined : resources[effect];
    if (list !== undefined && !list.includes(name.join(" "))) list.push(name.join(" "));
  }
  return {
    stack,
    ok,
    traffic: known
      ? pools.map((pool) => ({ pool, from: rounded(shareIn(now, pool)), to: rounded(shareIn(then, pool)) }))
      : [],
    moves: known && !sameShares(now, then),
    resources,
    notes: warnings,
    refused: ok ? [] : errors,
  };
}

const rounded = (share: number): number => Math.round(share * 100) / 100;

/** @returns lines. @param markdown for a comment; else for a terminal. */
export function describePreview(report: PreviewReport, markdown: boolean): string[] {
  const { stack, traffic, moves, resources, notes, refused, ok } = report;
  const bold = (text: string): string => (markdown ? `**${text}**` : text);
  const shown = effects.filter((effect) => resources[effect].length > 0);
  const line = (effect: Effect): string =>
    markdown
      ? `| ${effect} | ${resources[effect].length} | ${shortened(resources[effect])} |`
      : `${effect.padEnd(12)}${shortened(resources[effect])}`;
  return [
    markdown ? `### Preview of ${stack}` : `Preview of ${stack}`,
    ...gap(markdown),
    `${bold(ok ? "Would succeed." : "Refused.")} ${trafficText(traffic, moves)}`,
    ...gap(markdown),
    ...(shown.length === 0
      ? ["No resources change."]
      : [
          ...(markdown ? ["| effect | number | resources |", "| --- | --- | --- |"] : []),
          ...shown.map(line),
        ]),
    ...(refused.length === 0
      ? []
      : [...gap(markdown), ...(markdown ? ["```", ...refused.flatMap(fenced), "```"] : refused)]),
    ...(notes.length === 0 ? [] : [...gap(markdown), ...notes.map((note) => `- ${note}`)]),
  ];
}

const gap = (markdown: boolean): string[] => (markdown ? [""] : []);

/** Nothing ends the block early. */
const fenced = (text: string): string[] => text.split("\n").map((line) => line.replaceAll("```", "'''"));

function trafficText(traffic: PreviewReport["traffic"], moves: boolean): string {
  if (traffic.length === 0) return "The traffic is not known.";
  const parts = traffic.map(({ pool, from, to }) =>
    from === to ? `${pool} ${to} %` : `${pool} ${from} % -> ${to} %`,
  );
  return `${moves ? "Traffic moves" : "Traffic stays"}: ${parts.join(", ")}.`;
}

/** So many names are read. */
const most = 12;

function shortened(names: readonly string[]): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
