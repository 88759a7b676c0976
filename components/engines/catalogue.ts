import { isSameImage } from "../cluster/mirrored-images";
import type { AdapterSupport, ModelServerEngine, RunningServer, ServerArgs } from "./engine";
import { sglang } from "./sglang";
import { vllm } from "./vllm";

/** The engines that a config can name. To add one: its file beside this one, and its name here. */
export const engines: readonly ModelServerEngine[] = [vllm, sglang];

/** The name that pickers have for an engine. */
export const pickerNameOf = ({
  name,
  pickerEngine,
}: Pick<ModelServerEngine, "name" | "pickerEngine">): string => pickerEngine ?? name;

/** The engine where none is named. */
export const defaultEngine: ModelServerEngine = vllm;

export const engineNames = (): readonly string[] => engines.map(({ name }) => name);

export const isEngine = (name: string | undefined): name is string =>
  engines.some((engine) => engine.name === name);

/** @throws Error for a name that validation should have refused. */
export function engineNamed(name: string): ModelServerEngine {
  const found = engines.find((engine) => engine.name === name);
  if (found === undefined)
    throw new Error(`unknown engine ${name}; known engines: ${engineNames().join(", ")}`);
  return found;
}

/** Engines that can do something, for messages: by name for configs, by title for people. */
export function enginesThat(can: (engine: ModelServerEngine) => boolean): {
  names: string;
  titles: string;
  first: string;
} {
  const able = engines.filter(can);
  return {
    names: able.map(({ name }) => name).join(" or "),
    titles: able.map(({ title }) => title).join(" or "),
    first: (able[0] ?? defaultEngine).name,
  };
}

/**
 * The engine whose label or words a pod has.
 * @param texts what the pod says of itself, the most reliable first. The default engine comes last: others
 * name it in their flags (a backend, a kernel library).
 */
export function engineIn(texts: readonly string[]): string | undefined {
  const defaultLast = [...engines].reverse();
  for (const text of texts) {
    const found = defaultLast.find(({ recognized }) => recognized.test(text));
    if (found !== undefined) return found.name;
  }
  return undefined;
}

/** @throws Error for an engine that loads none, which validation should have refused. */
export function adaptersOf({
  adapters,
  title,
}: ModelServerEngine): Extract<AdapterSupport, { supported: true }> {
  if (!adapters.supported) throw new Error(`${title} cannot load adapters: ${adapters.reason}`);
  return adapters;
}

/** Image of an engine at a version. */
export function imageOf(engine: ModelServerEngine, family: "gpu" | "tpu" = "gpu", version?: string): string {
  const { gpu, tpu } = engine.images;
  const own = family === "tpu" ? (tpu ?? gpu) : gpu;
  return `${own.repository}:${version ?? own.version}`;
}

/** Whether an image was an earlier version's own for what `image` is today's. */
export function isFormer(deployed: string, engine: ModelServerEngine, family: "gpu" | "tpu"): boolean {
  const { gpu, tpu } = engine.images;
  const { repository, formerVersions = [] } = family === "tpu" ? (tpu ?? gpu) : gpu;
  return formerVersions.some((version) => isSameImage(deployed, `${repository}:${version}`));
}

/**
 * How pod templates are rendered now. A pool keeps what it was made with, so that no upgrade of this program restarts its
 * pods: 2 has what replicas over several nodes, TPU 7x and vLLM's images v0.9 to v0.11 need; 3 requests processors and
 * memory; 4 has probes that leave busy servers in their pool; 5 keeps idle connections (idleSeconds).
 */
export const newestRendering = 5;

/**
 * For how long a model server keeps an idle connection. Google's load balancers keep theirs for 600 s, which cannot be
 * changed, and send the next request on it: a server that closes it at this moment makes that request fail with 502.
 * Source: Google's page on the load balancers' timeouts; vllm#18472; llm-d#1564.
 */
export const idleSeconds = 620;

/**
 * Minutes that a model server may take until it answers, its node and its image included: after that Kubernetes starts
 * the container again, and no update waits longer. Longer than any download that was seen.
 */
export const maxLoadingMinutes = 45;

/** Fills in the defaults of a model server. */
export function runningServer(args: ServerArgs, family: "gpu" | "tpu"): RunningServer {
  const { engine: named = defaultEngine } = args;
  const engine = typeof named === "string" ? engineNamed(named) : named;
  return {
    ...args,
    engine,
    image: args.image ?? imageOf(engine, family),
    args: args.args ?? [],
    port: args.port ?? engine.port,
    loadingMinutes: args.loadingMinutes ?? maxLoadingMinutes,
  };
}
