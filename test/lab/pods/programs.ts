import type { PodSpec } from "./objects";

/** What stands for a container in a lab. */
export type ProgramKind =
  /** The real endpoint picker. */
  | "picker"
  /** A simulated model server. */
  | "model-server"
  /** Runs and does nothing. */
  | "idle"
  /** An init container that fetches files: ends at once, and leaves what it names. */
  | "download";

const programs: readonly { kind: ProgramKind; shown: string; pattern: RegExp }[] = [
  { kind: "picker", shown: "*/epp:*", pattern: /(^|\/)epp([:@]|$)/ },
  { kind: "picker", shown: "*llm-d-router-endpoint-picker*", pattern: /llm-d-router-endpoint-picker/ },
  { kind: "model-server", shown: "vllm/vllm-openai*", pattern: /(^|\/)vllm\/vllm-openai/ },
  { kind: "model-server", shown: "*vllm-tpu*", pattern: /vllm-tpu/ },
  { kind: "model-server", shown: "*sglang*", pattern: /sglang/ },
  { kind: "model-server", shown: "*llm-d-inference-sim*", pattern: /llm-d-inference-sim/ },
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

/** The program for an image, or why there is none, in the words of the container's waiting message. */
export function programFor(image: string, init: boolean): { kind: ProgramKind } | { missing: string } {
  const found = programs.find(({ pattern }) => pattern.test(image));
  if (found !== undefined) return { kind: found.kind };
  if (init && downloads.some(({ pattern }) => pattern.test(image))) return { kind: "download" };
  const known = [...programs, ...(init ? downloads : [])].map(({ shown }) => shown);
  return { missing: `the lab has no program for image ${image} (known: ${known.join(", ")})` };
}

/** Whether a container of the pod is a picker: only those talk to the API server. */
export function usesPicker(spec: PodSpec | undefined): boolean {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some(({ image }) => {
    const program = programFor(image ?? "", false);
    return "kind" in program && program.kind === "picker";
  });
}
