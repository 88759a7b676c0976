import { engineIn, engines, isEngine } from "../../engines/catalogue";
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
export function engineOf(pod: PodSpec, labels: Readonly<Record<string, string>>): string | undefined {
  const label = engineLabels.map((key) => labels[key]).find((value) => value !== undefined);
  if (label !== undefined) return isEngine(label) ? label : undefined;
  const images = speaking(pod).map(({ image }) => image);
  return engineIn([speaking(pod).map(words).join(" "), images.join(" ")]);
}

/** Values of a flag, in both forms (`--flag value`, `--flag=value`), in the order in which they stand. */
function valuesOf(text: string, flags: readonly string[]): string[] {
  const any = [...new Set(flags)].join("|");
  return [...text.matchAll(new RegExp(`(?:^|\\s)(?:${any})[=\\s]+["']?([^\\s"']+)`, "g"))].map(
    (found) => found[1] ?? "",
  );
}

/** The port that a server listens on, where its arguments say it. The last one counts, as argparse has it. */
export function portFlagOf(pod: PodSpec): number | undefined {
  const last = valuesOf(
    speaking(pod).map(words).join(" "),
    engines.map(({ flags }) => flags.port),
  ).at(-1);
  return last === undefined || !/^\d+$/.test(last) ? undefined : Number(last);
}

/** Accelerators that the server's arguments use; undefined where they do not say, or say it in a variable. */
export function usedBy(pod: PodSpec): number | undefined {
  const text = speaking(pod).map(words).join(" ");
  // Any engine's spelling counts: which one it is may not be known.
  const kinds = Math.max(...engines.map(({ flags }) => flags.parallel.length));
  const sizes = Array.from({ length: kinds }, (_, kind) =>
    valuesOf(
      text,
      engines.flatMap(({ flags }) => flags.parallel[kind] ?? []),
    ).at(-1),
  );
  if (sizes.every((size) => size === undefined)) return undefined;
  const product = sizes.reduce((all, size) => all * Number(size ?? 1), 1);
  return Number.isInteger(product) ? product : undefined;
}

/** Whether the server answers in TLS only. */
export function speaksTls(pod: PodSpec): boolean {
  const flags = engines.flatMap(({ flags }) => flags.tls);
  return new RegExp(`(${[...new Set(flags)].join("|")})\\b`).test(containersOf(pod).map(words).join(" "));
}

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
