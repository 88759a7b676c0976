import { containersOf, type Asked, type Container } from "./pod-specs";

/** Names whose values are secrets; MAX_TOKENS and TOKENIZERS_PARALLELISM are not among them. */
const secretName =
  /(^|[_-])(token|secret|password|passwd|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$/i;

/** Formats of well-known secrets: Hugging Face, GitHub, Google, AWS, Slack, OpenAI, a private key. */
const secretValue =
  /\b(hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|AIza[\w-]{30,}|AKIA[A-Z0-9]{12,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,})|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/**
 * Secrets in clear text in a pod spec: everyone who may read pods or the stack's state can read them. The messages
 * never contain the values.
 */
export function plainSecrets(asked: Asked): string[] {
  return containersOf(asked).flatMap((container) => [
    ...inEnvironment(container),
    ...inArguments(container, "command"),
    ...inArguments(container, "args"),
  ]);
}

const fix = "move it to a Secret and refer to it (env.valueFrom.secretKeyRef)";

function inEnvironment({ name: container, env }: Container): string[] {
  return (env ?? [])
    .filter(({ name = "", value }) => {
      if (typeof value !== "string") return false;
      return (secretName.test(name) && isGiven(value)) || secretValue.test(value);
    })
    .map(
      ({ name }) => `container ${container ?? "(unnamed)"}: ${name ?? ""} is a secret in clear text; ${fix}`,
    );
}

function inArguments({ name: container, ...lists }: Container, list: "command" | "args"): string[] {
  const words = (lists[list] ?? []).map(String);
  return words.flatMap((word, i) => {
    const [flag = "", ...rest] = word.split("=");
    const value = rest.length > 0 ? rest.join("=") : words[i + 1];
    const named = flag.startsWith("-") && secretName.test(flag) && value !== undefined && isGiven(value);
    if (!named && !secretValue.test(word)) return [];
    const what = named ? flag : `word ${i + 1}`;
    return [`container ${container ?? "(unnamed)"}: ${list} has a secret in clear text (${what}); ${fix}`];
  });
}

/** File paths, variables of the pod, other flags and empty values are not secrets. */
const isGiven = (value: string): boolean => value !== "" && !/^(\/|\$\(|-)/.test(value);
