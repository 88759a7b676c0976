import { containersOf, type Container, type PodSpec } from "./pod";

/*
 * What a model server's container says of itself: which engine it is, where it listens, how many accelerators its
 * arguments make it use. Read from words, so what is not understood is undefined, and never a default.
 */

/** Labels by which a picker tells which engine's metrics a pod has: the extension's, and llm-d's successor. */
export const engineLabels = ["inference.networking.k8s.io/engine-type", "llm-d.ai/engine-type"] as const;

const accelerators = /^(nvidia\.com\/|google\.com\/tpu$|amd\.com\/gpu$|gpu\.intel\.com\/|habana\.ai\/)/;

export const isAccelerator = (resource: string): boolean => accelerators.test(resource);

/** Accelerators that a container asks for. */
export function acceleratorsOf({ resources = {} }: Container): number {
  const counts = [resources.limits, resources.requests].map((list) =>
    Object.entries(list ?? {})
      .filter(([name]) => isAccelerator(name))
      .reduce((sum, [, count]) => sum + Number(count), 0),
  );
  return Math.max(...counts);
}

/** Containers that ask for accelerators: as a rule one, the model server. */
export const serversOf = (pod: PodSpec): Container[] =>
  containersOf(pod).filter((container) => acceleratorsOf(container) > 0);

/** Whose words say how the model is served: the server's, or where none asks for an accelerator all containers'. */
function speaking(pod: PodSpec): Container[] {
  const servers = serversOf(pod);
  return servers.length > 0 ? servers : pod.containers;
}

/** The words of a container's command, with variables in `$(NAME)` and `$NAME` that it sets itself filled in. */
function words({ command = [], args = [], env = [] }: Container): string {
  return [...command, ...args]
    .join(" ")
    .replace(
      /\$\(?\{?(\w+)\}?\)?/g,
      (text, name: string) => env.find((one) => one.name === name)?.value ?? text,
    );
}

/** The engine; undefined where neither label, command nor image says. */
export function engineOf(
  pod: PodSpec,
  labels: Readonly<Record<string, string>>,
): "vllm" | "sglang" | undefined {
  const label = engineLabels.map((key) => labels[key]).find((value) => value !== undefined);
  if (label !== undefined) return label === "vllm" || label === "sglang" ? label : undefined;
  for (const text of [
    speaking(pod).map(words).join(" "),
    speaking(pod)
      .map(({ image }) => image)
      .join(" "),
  ]) {
    if (/\bsglang\b/.test(text)) return "sglang";
    if (/\bvllm\b|\/llm-d/.test(text)) return "vllm";
  }
  return undefined;
}

/** Values of a flag, in both forms (`--flag value`, `--flag=value`), in the order in which they stand. */
function valuesOf(text: string, flags: string): string[] {
  return [...text.matchAll(new RegExp(`(?:^|\\s)(?:${flags})[=\\s]+["']?([^\\s"']+)`, "g"))].map(
    (found) => found[1] ?? "",
  );
}

/** The port that a server is told to listen on, where its words say it. The last one counts, as argparse has it. */
export function portFlagOf(pod: PodSpec): number | undefined {
  const last = valuesOf(speaking(pod).map(words).join(" "), "--port").at(-1);
  return last === undefined || !/^\d+$/.test(last) ? undefined : Number(last);
}

/** Flags that multiply to the accelerators that one pod uses (vLLM's and SGLang's). */
const parallel = ["-tp|--tp|--tp-size|--tensor-parallel-size", "-pp|--pp-size|--pipeline-parallel-size"];

/** Accelerators that the server's arguments use; undefined where they do not say, or say it in a variable. */
export function usedBy(pod: PodSpec): number | undefined {
  const text = speaking(pod).map(words).join(" ");
  const sizes = parallel.map((flags) => valuesOf(text, flags).at(-1));
  if (sizes.every((size) => size === undefined)) return undefined;
  const product = sizes.reduce((all, size) => all * Number(size ?? 1), 1);
  return Number.isInteger(product) ? product : undefined;
}

/** Whether the server answers in TLS only. */
export const speaksTls = (pod: PodSpec): boolean =>
  /--ssl-(certfile|keyfile)\b/.test(containersOf(pod).map(words).join(" "));

/** All of a pod's words: commands, arguments and the values and sources of its environment. */
export function textOf(pod: PodSpec): string {
  return containersOf(pod)
    .flatMap(({ command = [], args = [], env = [] }) => [
      ...command,
      ...args,
      ...env.flatMap(({ value = "", valueFrom }) => [value, valueFrom?.fieldRef?.fieldPath ?? ""]),
    ])
    .join("\n");
}
