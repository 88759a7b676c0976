import { ReferenceMissing, type ReferenceKind, type References } from "./references";
import { type Pod, identify, type Container, type EnvVar } from "./objects";

/** Environment and command line of a container, with every reference resolved. */
export interface Invocation {
  env: Readonly<Record<string, string>>;
  command: readonly string[];
  args: readonly string[];
}

/** @throws ReferenceMissing where a ConfigMap, a Secret or a key of it is not there. */
export async function resolveInvocation(
  pod: Pod,
  container: Container,
  references: Pick<References, "read" | "readKey">,
): Promise<Invocation> {
  const { namespace } = identify(pod);
  const env: Record<string, string> = {};
  for (const { prefix, configMapRef, secretRef } of container.envFrom ?? []) {
    const ref: { name?: string; optional?: boolean } | undefined = configMapRef ?? secretRef;
    const kind: ReferenceKind = configMapRef !== undefined ? "configmap" : "secret";
    const content = await references.read(kind, namespace, ref?.name ?? "", ref?.optional);
    for (const [key, value] of Object.entries(content ?? {})) env[`${prefix ?? ""}${key}`] = value.toString();
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(pod, variable, env, references);
    if (value !== undefined) env[variable.name] = value;
  }
  const expanded = (words: readonly string[] | undefined): string[] =>
    (words ?? []).map((word) => expand(word, env));
  return { env, command: expanded(container.command), args: expanded(container.args) };
}

async function valueOf(
  pod: Pod,
  { name, value, valueFrom }: EnvVar,
  env: Readonly<Record<string, string>>,
  references: Pick<References, "readKey">,
): Promise<string | undefined> {
  const { namespace } = identify(pod);
  if (valueFrom === undefined) return expand(value ?? "", env);
  if (valueFrom.fieldRef !== undefined) return fieldValue(pod, valueFrom.fieldRef);
  if (valueFrom.configMapKeyRef !== undefined) {
    return references.readKey("configmap", namespace, valueFrom.configMapKeyRef);
  }
  if (valueFrom.secretKeyRef !== undefined) {
    return references.readKey("secret", namespace, valueFrom.secretKeyRef);
  }
  throw new ReferenceMissing(`the lab cannot resolve env ${name}: ${Object.keys(valueFrom).join(", ")}`);
}

/**
 * Kubernetes' own expansion: $(NAME) becomes the variable's value where there is one, $$ becomes $, and anything
 * else stays as it is.
 */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (all, rest: string, name?: string) =>
    rest === "$" ? "$" : (env[name ?? ""] ?? all),
  );
}

/**
 * The value of a downward-API field.
 * @throws Error naming a field that there is not.
 */
export function fieldValue(pod: Pod, { fieldPath }: { fieldPath: string }): string {
  const { metadata, spec, status } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const map = subscript[1] === "labels" ? metadata?.labels : metadata?.annotations;
    return map?.[subscript[2] ?? ""] ?? "";
  }
  switch (fieldPath) {
    case "metadata.name":
      return identify(pod).name;
    case "metadata.namespace":
      return identify(pod).namespace;
    case "metadata.uid":
      return identify(pod).uid;
    case "metadata.labels":
      return keyValues(metadata?.labels);
    case "metadata.annotations":
      return keyValues(metadata?.annotations);
    case "spec.nodeName":
      return spec?.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec?.serviceAccountName ?? "default";
    case "status.podIP":
      return status?.podIP ?? "";
    case "status.podIPs":
      return (status?.podIPs ?? []).map(({ ip }) => ip).join(",");
    case "status.hostIP":
      return status?.hostIP ?? "";
    case "status.hostIPs":
      return (status?.hostIPs ?? []).map(({ ip }) => ip).join(",");
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** Lines of key="value", sorted, as a downwardAPI volume has them. */
function keyValues(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}
