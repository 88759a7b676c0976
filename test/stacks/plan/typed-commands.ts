import assert from "node:assert/strict";
import type { RawConfig } from "../../../stacks/config/parse";
import type { LiveObject } from "../../../stacks/state/cluster-reader";

/** What commands that the program prints act on. */
export interface TypedWorld {
  config: RawConfig;
  route: LiveObject;
}

/**
 * Carries printed commands out on a config, as the CLI would. What it does not know fails the test.
 * @returns the config keys that were set, with their values.
 */
export function typed(world: TypedWorld, printed: string): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const command of printed.split(" && ")) {
    if (command === "pulumi up") continue;
    const config = /^pulumi config set (?:--path '([^']+)'|([a-zA-Z]+)) (\S+)$/.exec(command);
    if (config !== null) {
      const key = config[1] ?? config[2] ?? "";
      const value = /^\d+$/.test(config[3] ?? "") ? Number(config[3]) : config[3];
      put(world.config, key, value);
      set[key] = value;
    } else {
      assert.fail(`nobody can type this: ${command}`);
    }
  }
  return set;
}

function put(config: RawConfig, key: string, value: unknown): void {
  const parts = key.split(/[.[\]]+/).filter((part) => part !== "");
  const last = parts.pop() ?? "";
  let inner = config as Record<string, unknown>;
  for (const part of parts) {
    inner[part] ??= part === "allow" ? [] : {};
    inner = inner[part] as Record<string, unknown>;
  }
  inner[last] = value;
}
