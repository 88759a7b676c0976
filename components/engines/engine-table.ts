import { defaultEngine, engines } from "./catalogue";
import type { ModelServerEngine } from "./engine";

/* docs/engines.md, made from the catalogue itself: `npm run docs` writes it (docs/pages.ts). */

/** The page that documents every engine. */
export function engineTable(): string {
  return `# Model servers

Every engine that \`server.engine\` accepts. Default: \`${defaultEngine.name}\`. This page is generated from components/engines
(\`node --require ts-node/register components/engines/engine-table.ts\`).

${table(
  ["", ...engines.map(({ title, name }) => `${title} (\`${name}\`)`)],
  rows.map(([what, tell]) => [what, ...engines.map(tell)]),
)}

"-": not supported, because this project has not tested it. A config that needs it is refused, and the message names an
engine that has it; only how streams are finished on SIGTERM is then left to the engine and your own \`server.args\`.

## Another engine

Two files: \`components/engines/<name>.ts\` with a value of type \`ModelServerEngine\`, and its name in the list of
\`components/engines/catalogue.ts\`. The config's schema, messages, pod templates, probes, picker, copied pods and this page
follow from it; test/components/engines.test.ts shows it with one that does not exist.
`;
}

const code = (words: readonly string[]): string => `\`${words.join(" ")}\``;
const image = ({ repository, version }: { repository: string; version: string }): string =>
  code([`${repository}:${version}`]);
const none = "-";

const rows: readonly (readonly [string, (engine: ModelServerEngine) => string])[] = [
  ["image on GPUs", ({ images }) => image(images.gpu)],
  ["image on TPUs", ({ images }) => (images.tpu === undefined ? none : image(images.tpu))],
  ["port, health", ({ port, healthPath }) => code([`${port}${healthPath}`])],
  ["command", ({ command }) => code(command)],
  [
    "model, names",
    ({ flags }) => `\`${flags.model}\`, \`${flags.servedName.flag}\` (${flags.servedName.takes})`,
  ],
  ["other arguments", ({ serve, port }) => code(serve({ port, accelerators: 1 }))],
  ["finishes streams by", ({ drain, images }) => orNone(drain(image(images.gpu).replaceAll("`", ""), 90))],
  ["replicas of several nodes", ({ overNodes }) => orNone(overNodes?.flags)],
  ["streams weights", ({ stream }) => orNone(stream?.(1))],
  [
    "autoscaling by",
    ({ metrics }) => (metrics === undefined ? none : `${code([metrics.queue])}, ${code([metrics.cache])}`),
  ],
  ["LoRA adapters", ({ adapters }) => (adapters.supported ? code(adapters.flags) : `- (${adapters.reason})`)],
  ["source", ({ source }) => source],
];

const orNone = (words: readonly string[] = []): string => (words.length === 0 ? none : code(words));

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...body.map(line)].join("\n");
}
