import { defaultEngine, engines, idleSeconds } from "./catalogue";
import type { ModelServerEngine } from "./engine";

/* docs/engines.md, made from the catalogue itself: `npm run docs` writes it (docs/pages.ts). */

/** The page that documents every engine. */
export function engineTable(): string {
  return `# Model servers

Every engine that \`server.engine\` accepts. Default: \`${defaultEngine.name}\`. This page is generated from
components/engines (\`npm run docs\`).

${table(
  ["", ...engines.map(({ title, name }) => `${title} (\`${name}\`)`)],
  rows.map(([what, tell]) => [what, ...engines.map(tell)]),
)}

"-": not supported, because this project has not tested it. A config that needs it is refused, and the message names an
engine that supports it. The exception is how streams are finished on SIGTERM: that is left to the engine and your own
\`server.args\`.

## Paths that administer a server

The customers' route never leads to them, in any stack and whichever engine its pools run: a separate route,
\`closed-paths-of-<service>\`, redirects them to \`/v1/models\`. This is not authentication: the pods still answer everyone
who can reach them inside the cluster. Whether a percent-encoded spelling of such a path passes depends on the gateway;
this was not tested with GKE's load balancers.

## What you can set on the pods

The keys of \`server\` and \`pools.<name>.server\` besides engine, image and arguments ([config.md](config.md#pools)). A pool
inherits them from the pool that it is \`like\` and from the stack's \`server\`, unless it has another engine. \`env\`,
\`resources\`, \`labels\` and \`annotations\` are merged by name; for the others, the pool's own setting replaces the inherited one.

| key | what a change means |
|---|---|
| \`env\`, \`resources\`, \`shmGb\`, \`drainSeconds\`, \`volumes\`, \`podPatch\` | needs a new pool (\`edited-in-place\`): it can change the answers, or keep a pod from starting (\`drainSeconds\`: the picker too has to be made with it) |
| \`priorityClassName\`, \`labels\`, \`annotations\` | restarts the pods of the pool one by one; refused while its only replica gets traffic (\`restarts-only-replica\`) |

- **Secrets.** A secret variable of the config is stored in the Secret \`<pool>-arguments\`, and a digest of it in the pool's
  identity. \`{secret: NAME, key: KEY}\` refers to a Secret that you manage; pods read it when they start, so a new value in
  it restarts nothing. A secret in \`podPatch\` is refused. If Pulumi knows only that \`pools\` or \`server\` contains a
  secret (an object from Pulumi ESC), state, logs and annotations hide the whole patch. Whoever may read pods can still read it there.
- **Variables of the program.** Your value replaces a default (\`HF_HOME\`, what the engine sets for its caches and
  libraries). Variables that a rollout depends on are refused: those that load adapters, those that connect the nodes of a
  replica, \`SECRET_ARG_<n>\`, \`LWS_*\`, and \`HF_TOKEN\` if the stack has a \`huggingFaceToken\`.
- **The patch** is Kubernetes' strategic merge: containers, variables, volumes, ports (\`containerPort\`) and mounts
  (\`mountPath\`) merge by key; null and \`$patch: delete\` remove; \`$patch: replace\` and \`$retainKeys\` work. One thing
  differs from kubectl: tolerations are added, because without the pool's own no node accepts its pods. The server's
  container has the engine's name. Refused, with the path: what the InferencePool selects, the server's image, command,
  arguments, port, probes and lifecycle, accelerators in any container, node selection, \`terminationGracePeriodSeconds\`,
  readiness gates, the adapters' loader, and a ServiceAccount where the pods have one of the rollout's.
- **Replicas of several nodes**: the settings apply to the leader and the workers. **Copied pods** (\`like\` a pool created
  outside the stack) have their own: the settings are refused on such a pool, and the stack's do not apply to it.

## Another engine

Two files: \`components/engines/<name>.ts\` with a value of type \`ModelServerEngine\`, and its name in the list of
\`components/engines/catalogue.ts\`. The config's schema, messages, pod templates, probes, picker, copied pods and this page
follow from it; test/components/engines.test.ts shows this with a made-up engine.
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
  [
    "keeps idle connections by",
    ({ keepAlive }) => orNone(keepAlive?.(idleSeconds).map(({ name, value }) => `${name}=${value}`)),
  ],
  ["replicas of several nodes", ({ overNodes }) => orNone(overNodes?.flags)],
  ["streams weights", ({ stream }) => orNone(stream?.(1))],
  [
    "autoscaling by",
    ({ metrics }) => (metrics === undefined ? none : `${code([metrics.queue])}, ${code([metrics.cache])}`),
  ],
  ["LoRA adapters", ({ adapters }) => (adapters.supported ? code(adapters.flags) : `- (${adapters.reason})`)],
  ["closed to customers", ({ adminPaths }) => code(adminPaths)],
  ["source", ({ source }) => source],
];

const orNone = (words: readonly string[] = []): string => (words.length === 0 ? none : code(words));

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...body.map(line)].join("\n");
}
