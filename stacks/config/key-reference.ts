import { z } from "zod";
import { choicesOf, infoOf, unwrapped, type KeyInfo } from "./fields";
import { keyGroups, keysBelow } from "./schema";

/* docs/config.md, made from the schema. */

interface Row {
  key: string;
  type: z.ZodType;
  info: KeyInfo;
}

/** The page that documents every key. */
export function keyReference(): string {
  const shown = new Set<z.ZodType>();
  const sections = keyGroups.map(({ title, keys }) => {
    const rows = Object.entries(keys).flatMap(([key, schema]) => rowsOf(key, schema, shown));
    return `## ${title}\n\n${tableOf(rows)}`;
  });
  return `# Config

Every key of a stack's config (\`Pulumi.<stack>.yaml\`), without the prefix \`inference-rollout:\`.

Set a key with \`pulumi config set weight 30\`, and a key inside an object with
\`pulumi config set --path 'pools.llm.replicas' 8\`. The program checks the whole config before it changes anything. It
reports every mistake at once, each with the value that was found, what is expected, and the command that fixes it.

The next \`pulumi up\` applies a change. The column **change** says what else it means:

- **new pool**: a pool is created with this value and keeps it. To change it, declare another pool and roll that out.
  The program refuses the change on an existing pool ([refusals.md](refusals.md)).
- **later pools**: existing pools keep what they have; pools that are created later get the new value.
- **restart**: the pool stays, and its pods restart one at a time. The program refuses the change on a pool that gets
  traffic and has one replica.
- **new service**: another value means another service. A rollback to an earlier update never changes it.

\`gcp:project\` and \`gcp:region\` are keys of the Google Cloud provider. They are required unless
\`cluster.kubeconfig\` is set.

This page is generated from the schema that the program validates with (\`npm run docs\`).

${sections.join("\n\n")}
`;
}

/** @param shown types that the page documents already: what two keys share is listed once. */
function rowsOf(key: string, schema: z.ZodType, shown: Set<z.ZodType>): Row[] {
  const hidden: string[] = [];
  return [...keysBelow(key, schema)].flatMap(({ key: at, type, info }) => {
    if (hidden.some((outer) => at.startsWith(outer))) return [];
    const { inner } = unwrapped(type);
    if (inner instanceof z.ZodObject && shown.has(inner)) hidden.push(`${at}.`);
    shown.add(inner);
    return info === undefined ? [] : [{ key: at.replaceAll("*", "<name>"), type, info }];
  });
}

function tableOf(rows: readonly Row[]): string {
  const hasChanges = rows.some(({ info }) => info.change !== undefined);
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const head = ["key", "meaning", "value", "default", "example", ...(hasChanges ? ["change"] : [])];
  return [
    line(head),
    `|${"---|".repeat(head.length)}`,
    ...rows.map(({ key, type, info }) =>
      line([
        `\`${key}\``,
        info.description,
        expected(type),
        defaultOf(type),
        code(info.example),
        ...(hasChanges ? [info.change?.replace("-", " ") ?? ""] : []),
      ]),
    ),
  ].join("\n");
}

/** What the schema itself says of a value that cannot be right. */
function expected(type: z.ZodType): string {
  const { inner } = unwrapped(type);
  const result = inner.safeParse(Symbol("nothing"));
  const text = result.success ? "anything" : (result.error.issues[0]?.message ?? "");
  const options = (inner instanceof z.ZodArray ? choicesOf(inner) : undefined) ?? [];
  return options.length === 0 ? text : `${text}: ${options.join(", ")}`;
}

/** The default of a key, as the page shows it. */
export function defaultOf(type: z.ZodType): string {
  const words = infoOf(type)?.default;
  if (words !== undefined) return words;
  if (!(type instanceof z.ZodDefault)) return "required";
  const value: unknown = type.def.defaultValue;
  return Array.isArray(value) && value.length === 0 ? "none" : code(value);
}

function code(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one === "number")) return `\`${value.join(", ")}\``;
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
