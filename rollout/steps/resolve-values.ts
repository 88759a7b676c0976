import { resolveConfig, type StackConfig } from "../../stacks/config/resolve";
import { topLevelKeys } from "../../stacks/config/schema";
import { hiddenText } from "../../stacks/plan/secret-args";
import { keepsSecrets, secretFieldOf } from "../../stacks/config/secrets";
import { own, project, short, type StackValues } from "./values";

export type ServiceStack = Exclude<StackConfig, { role: "platform" }>;

export type Resolved =
  { outcome: "resolved"; config: ServiceStack } | { outcome: "mistakes"; mistakes: readonly string[] };

const mistaken = (mistakes: readonly string[]): Resolved => ({ outcome: "mistakes", mistakes });

/**
 * What the program makes of a config. Secrets are not known here, so something of the right shape stands for them:
 * no decision of the plan depends on one.
 * @returns why the program would refuse it, where it would.
 */
export function resolveValues(values: StackValues): Resolved {
  const secrets = new Set<string>();
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    if (!key.startsWith(`${project}:`)) continue;
    if (!value.secret) raw[short(key)] = value.value;
    else if (value.around !== undefined) {
      raw[short(key)] = value.around.value;
      for (const inner of value.around.secrets) secrets.add(inner);
    } else {
      secrets.add(short(key));
      raw[short(key)] = placeholderOf(short(key));
    }
  }
  const hidden = [...secrets].filter((key) => raw[key] === undefined && !/[.[]/.test(key));
  if (hidden.length > 0) {
    return mistaken(hidden.map((key) => `${key} is a secret, so its value cannot be compared`));
  }
  const { config, mistakes } = resolveConfig(raw, cloudOf(values), secrets);
  if (config === undefined) {
    return mistaken(mistakes.map(({ key, found, allowed }) => `${key} is ${found}; expected: ${allowed}`));
  }
  return config.role === "platform"
    ? mistaken(["role is platform: this stack has no service and no rollout"])
    : { outcome: "resolved", config };
}

/** Keys that may be secret; others would hide what a decision needs. */
function placeholderOf(key: string): unknown {
  if (keepsSecrets(key)) return hiddenText;
  // With a secret field the whole object is one: no decision depends on the rest of it.
  const field = secretFieldOf(key);
  return field === undefined ? undefined : { [field]: hiddenText };
}

function cloudOf(values: StackValues): { project?: string; region?: string } {
  const text = (key: string): string | undefined => {
    const value = values[key];
    return value === undefined || value.secret ? undefined : String(value.value);
  };
  const [cloudProject, region] = [text("gcp:project"), text("gcp:region")];
  return {
    ...(cloudProject === undefined ? {} : { project: cloudProject }),
    ...(region === undefined ? {} : { region }),
  };
}

/** Keys that make a stack the service that it is: with others, it is another one somewhere else. */
export const places: readonly string[] = [
  "gcp:project",
  "gcp:region",
  ...topLevelKeys(({ change }) => change === "new-service").map(own),
];
