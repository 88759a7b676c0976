import type { PodSpec } from "./objects";

/** What stands for a container in a lab. */
export type ProgramKind =
  /** The real endpoint picker. */
  | "picker"
  /** A simulated model server. */
  | "model-server"
  /** Describes every request in its answer: what conformance suites of gateways send requests to. */
  | "echo"
  /** Runs and does nothing. */
  | "idle"
  /** An init container that fetches files: ends at once, and leaves what it names. */
  | "download"
  /** A Python program from a volume of the pod, run by this machine's Python. */
  | "script";

const programs: readonly { kind: ProgramKind; shown: string; pattern: RegExp }[] = [
  { kind: "picker", shown: "*/epp:*", pattern: /(^|\/)epp([:@]|$)/ },
  { kind: "picker", shown: "*llm-d-router-endpoint-picker*", pattern: /llm-d-router-endpoint-picker/ },
  { kind: "model-server", shown: "vllm/vllm-openai*", pattern: /(^|\/)vllm\/vllm-openai/ },
  { kind: "model-server", shown: "*vllm-tpu*", pattern: /vllm-tpu/ },
  { kind: "model-server", shown: "*sglang*", pattern: /sglang/ },
  { kind: "model-server", shown: "*llm-d-inference-sim*", pattern: /llm-d-inference-sim/ },
  { kind: "echo", shown: "*/echo-basic*", pattern: /(^|\/)echo-basic([:@]|$)/ },
  { kind: "idle", shown: "*/pause*", pattern: /(^|\/)pause([:@]|$)/ },
  { kind: "idle", shown: "*lora-syncer*", pattern: /lora-syncer/ },
];

/** Images whose only use as an init container is to put files into a volume. */
const downloads: readonly { shown: string; pattern: RegExp }[] = [
  { shown: "alpine/git", pattern: /(^|\/)alpine\/git([:@]|$)/ },
  {
    shown: "google/cloud-sdk",
    pattern: /(^|\/)(google\/cloud-sdk|google\.com\/cloudsdktool\/[\w-]+)([:@]|$)/,
  },
  { shown: "curlimages/curl", pattern: /(^|\/)curlimages\/curl([:@]|$)/ },
  { shown: "amazon/aws-cli", pattern: /(^|\/)amazon\/aws-cli([:@]|$)/ },
  { shown: "python", pattern: /^(docker\.io\/)?(library\/)?python([:@]|$)/ },
  { shown: "busybox", pattern: /^(docker\.io\/)?(library\/)?busybox([:@]|$)/ },
];

/** `python3 FILE.py ...`: what an image brings of its own is started as a module or by its entry point. */
function isScript(command: readonly string[] = []): boolean {
  return /(^|\/)python3?$/.test(command[0] ?? "") && (command[1] ?? "").endsWith(".py");
}

/** The program for an image, or why there is none, in the words of the container's waiting message. */
export function programFor(
  image: string,
  init: boolean,
  command: readonly string[] = [],
): { kind: ProgramKind } | { missing: string } {
  if (isScript(command)) return { kind: "script" };
  const found = programs.find(({ pattern }) => pattern.test(image));
  if (found !== undefined) return { kind: found.kind };
  if (init && downloads.some(({ pattern }) => pattern.test(image))) return { kind: "download" };
  const known = [...programs, ...(init ? downloads : [])].map(({ shown }) => shown);
  return { missing: `the lab has no program for image ${image} (known images: ${known.join(", ")})` };
}

/** Whether the pod has a container of one of these kinds. */
export function runs(spec: PodSpec | undefined, ...kinds: readonly ProgramKind[]): boolean {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some(({ image, command }) => {
    const program = programFor(image ?? "", false, command);
    return "kind" in program && kinds.includes(program.kind);
  });
}
