import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { adapterSchema } from "./adapter-schema";
import { freezeWindowSchema } from "./safety-schema";
import { configSchema, objectiveSchema, poolSchema } from "./schema";

/*
 * docs/config.md, made from the schema itself: `npm run docs` writes it, and a test holds the two together.
 */

const file = path.join(__dirname, "..", "..", "docs", "config.md");

interface Entry {
  key: string;
  allowed: string;
  description: string;
}

/** The page that documents every key. */
export function configReference(): string {
  const schemas: [string, z.ZodType][] = Object.entries(configSchema);
  const sections = [
    ...schemas.flatMap(([key, schema]) => entriesOf(key, schema)),
    ...entriesOf("pools.<name>", poolSchema).slice(1),
    ...entriesOf("objectives[]", objectiveSchema).slice(1),
    ...entriesOf("freeze[]", freezeWindowSchema).slice(1),
    ...entriesOf("adapters[]", adapterSchema).slice(1),
  ];
  const rows = sections.map(
    ({ key, allowed, description }) => `| \`${key}\` | ${cell(allowed)} | ${cell(description)} |`,
  );
  return `# Config

Every key of a stack's config (\`Pulumi.<stack>.yaml\`). Set one with \`pulumi config set KEY VALUE\`; one inside an
object with \`pulumi config set --path 'pools.llm.replicas' 8\`. All mistakes of a config are told at once, each with
what was found, what is allowed and the command that fixes it, before anything is changed.

This page is made from the schema the program validates with (\`npm run docs\`).

| key | allowed | meaning |
|---|---|---|
${rows.join("\n")}

\`gcp:project\` and \`gcp:region\` are the provider's own keys; they are needed unless \`cluster.kubeconfig\` is given.
`;
}

function entriesOf(key: string, schema: z.ZodType): Entry[] {
  const inner = unwrap(schema);
  const own = { key, allowed: allowedBy(schema), description: schema.description ?? inner.description ?? "" };
  if (!(inner instanceof z.ZodObject)) return [own];
  const fields = Object.entries<z.ZodType>(inner.shape);
  return [own, ...fields.flatMap(([name, field]) => entriesOf(`${key}.${name}`, field))];
}

function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap()) : schema;
}

/** What the schema itself says when it is given something that cannot be right. */
function allowedBy(schema: z.ZodType): string {
  const wrong = unwrap(schema).safeParse(Symbol("nothing that a config can hold"));
  return wrong.success ? "anything" : (wrong.error.issues[0]?.message ?? "");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (require.main === module) fs.writeFileSync(file, configReference());
