import * as fs from "node:fs";
import * as path from "node:path";
import { endpointNames, requestFor, streams, type EndpointName } from "../../stacks/answers/endpoints";
import type { Weights } from "../../components/model-server/model-weights";
import { hardwareOf, type HardwareArgs } from "../../components/accelerators/accelerators";
import { isMisfit, placementOf } from "../../components/accelerators/placement";
import { runningServer } from "../../components/engines/catalogue";
import type { ModelServerEngine, ProbeTimes } from "../../components/engines/engine";
import type { PodTemplate } from "../../components/model-server/pod-template";
import { groupTemplates, serverTemplate } from "../../components/model-server/server-template";

/*
 * What this program says of a model server, asked from the program: pods are rendered in every variant, and the engine's
 * value is read. Nothing here knows a flag, a path or a variable by its name.
 */

type Family = "gpu" | "tpu";

export interface Claims {
  /** Engine and family, for messages. */
  of: string;
  /** Modules that `python3 -m` starts. */
  modules: readonly string[];
  /** Flags as they are given, with the word after them where there is one. */
  flags: readonly { flag: string; word?: string }[];
  servedName: ModelServerEngine["flags"]["servedName"];
  environment: readonly string[];
  /** Paths that are asked, with the fields of their body. */
  asked: readonly { method: "GET" | "POST"; path: string; fields: readonly string[]; by: string }[];
  health: { path: string; probes: readonly ({ name: string } & ProbeTimes)[] };
  /** Paths that customers' requests never reach, and what is below them. */
  closed: readonly string[];
  metrics: readonly string[];
  errors: readonly RegExp[];
}

const components = path.join(__dirname, "..", "..", "components");

const hardware: Readonly<Record<Family, readonly HardwareArgs[]>> = {
  gpu: [{ accelerator: "nvidia-l4" }, { accelerator: "nvidia-l4", acceleratorsPerReplica: 4 }],
  tpu: [
    { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 4 },
    { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16 },
  ],
};

const weights: readonly Weights[] = [
  { from: "hugging-face" },
  { from: "disk", claim: "models", path: "model" },
  { from: "gcs", bucket: "models", path: "model", loader: "mount" },
  { from: "gcs", bucket: "models", path: "model", loader: "stream" },
];

/** Every pod that a pool of this engine can have. */
function templatesOf(engine: ModelServerEngine, family: Family): PodTemplate[] {
  const server = runningServer({ engine }, family);
  return hardware[family].flatMap((args) => {
    const placement = placementOf(hardwareOf(args));
    if (isMisfit(placement)) throw new Error(placement.reason);
    const hosts = placement.hosts > 1;
    if (hosts && engine.overNodes === undefined) return [];
    return weights.flatMap((from) => {
      // Refused by the config's own rules, so never rendered.
      if (
        from.from === "gcs" &&
        from.loader === "stream" &&
        (engine.stream === undefined || family === "tpu")
      )
        return [];
      return [false, ...(engine.adapters.supported ? [true] : [])].flatMap((adapters) => {
        const given = {
          ...{ service: "llm", pool: "llm", model: "acme/model", server, placement, adapters },
          ...{ weights: from, acceleratorsPerReplica: hardwareOf(args).acceleratorsPerReplica },
        };
        if (!hosts) return [serverTemplate(given)];
        const { leader, worker } = groupTemplates(given);
        return [leader, worker];
      });
    });
  });
}

interface Rendered {
  name?: string;
  command?: readonly string[];
  args?: readonly string[];
  env?: readonly { name: string }[];
}

/** Words of the server's command line; the leader of a group has them after a script of the shell. */
function wordsOf({ command = [], args = [] }: Rendered, engine: ModelServerEngine): string[] {
  const added = command
    .filter((word) => word.includes('"$@"'))
    .flatMap((script) => script.split('"$@"')[1] ?? "");
  const words = [...command.filter((word) => !word.includes("\n") && !word.includes(" ")), ...args];
  const begin = words.findIndex((_, i) => engine.command.every((word, j) => words[i + j] === word));
  if (begin < 0) return [];
  return [
    ...words.slice(begin + engine.command.length),
    ...added
      .join(" ")
      .split(" ")
      .filter((word) => word !== ""),
  ];
}

/** Flags with the word after them. */
function pairsIn(words: readonly string[]): { flag: string; word?: string }[] {
  return words.flatMap((word, i) => {
    if (!/^--?[a-z]/.test(word)) return [];
    const next = words[i + 1];
    return [{ flag: word, ...(next === undefined || next.startsWith("-") ? {} : { word: next }) }];
  });
}

/** Variables that are read by others than the server's own packages. */
const others: ReadonlySet<string> = new Set(["HF_HOME", "HF_TOKEN", "LD_LIBRARY_PATH"]);

export function claimsOf(engine: ModelServerEngine, family: Family): Claims {
  const containers = templatesOf(engine, family).flatMap(
    ({ spec }) => spec.containers as readonly Rendered[],
  );
  const { flags, adapters, metrics = {}, probes, healthPath } = engine;
  const { loadBalancer, ...kubernetes } = probes;
  const pairs = [
    ...containers.flatMap((container) => pairsIn(wordsOf(container, engine))),
    ...[flags.model, flags.port, flags.servedName.flag, ...flags.tls, ...flags.parallel.flat()].map(
      (flag) => ({
        flag,
      }),
    ),
  ];
  return {
    of: `${engine.name} on ${family === "gpu" ? "GPUs" : "TPUs"}`,
    modules: engine.command.filter((_, i) => engine.command[i - 1] === "-m"),
    flags: unique(pairs),
    servedName: flags.servedName,
    environment: unique(containers.flatMap(({ env = [] }) => env.map(({ name }) => name))).filter(
      (name) => !others.has(name),
    ),
    asked: [
      { method: "GET", path: "/v1/models", fields: [], by: "the gate" },
      { method: "GET", path: "/metrics", fields: [], by: "the picker" },
      ...endpointNames.map(askedBy),
      ...(adapters.supported ? loaderAsks(adapters.loader) : []),
    ],
    health: {
      path: healthPath,
      probes: [
        ...Object.entries(kubernetes).map(([name, times]) => ({ name: `${name}Probe`, ...times })),
        ...(loadBalancer === undefined
          ? []
          : [
              {
                name: "the load balancer's check",
                periodSeconds: loadBalancer.periodSeconds,
                timeoutSeconds: loadBalancer.timeoutSeconds * loadBalancer.failureThreshold,
              },
            ]),
      ],
    },
    closed: engine.adminPaths,
    metrics: Object.values(metrics),
    errors: Object.values(engine.errors),
  };
}

function askedBy(endpoint: EndpointName): Claims["asked"][number] {
  const question = { model: "m", prompt: "p", maxTokens: 1, ...(streams(endpoint) ? { stream: true } : {}) };
  const { path: asked, body } = requestFor(endpoint, question);
  // What only the picker reads; engines ignore it.
  const fields = Object.keys(body).filter((field) => field !== "prompt" || endpoint === "completions");
  return { method: "POST", path: asked, fields, by: `gate.endpoint ${endpoint}` };
}

/** What the sidecar asks the server, by its own text. */
function loaderAsks(file: string): Claims["asked"][number][] {
  const text = fs.readFileSync(path.join(components, "adapters", file), "utf8");
  return [...text.matchAll(/_ask\("(\/[^"]+)", "POST", (\w+|\{[^}]*\})/g)].map((match) => {
    const [, asked = "", body = ""] = match;
    const fields = body.startsWith("{")
      ? body
      : (new RegExp(`${body} = (\\{[^}]*\\})`).exec(text)?.[1] ?? "");
    const names = [...fields.matchAll(/"(\w+)":/g)].map(([, name = ""]) => name);
    return { method: "POST", path: asked, fields: names, by: "the adapter loader" };
  });
}

function unique<T>(list: readonly T[]): T[] {
  const seen = new Map(list.map((one) => [JSON.stringify(one), one]));
  return [...seen.values()];
}
