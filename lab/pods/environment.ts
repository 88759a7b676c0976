import { fieldValue } from "./fields";
import { ReferenceMissing, type ReferenceKind, type References } from "./references";
import { identify, type Container, type EnvVar, type Pod } from "./objects";

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
