import assert from "node:assert/strict";
import type { RawConfig } from "../../../stacks/config/parse";
import type { LiveObject } from "../../../stacks/state/cluster-reader";

/** What commands that the program prints act on. */
export interface TypedWorld {
  config: RawConfig;
  route: LiveObject;
}

/**
 * Carries printed commands out on a config and a route, as the CLIs would. What it does not know fails the test.
 * @returns the config keys that were set, with their values.
 */
export function typed(world: TypedWorld, printed: string): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const command of printed.split(" && ")) {
    if (command === "pulumi up") continue;
    const config = /^pulumi config set (?:--path '([^']+)'|([a-zA-Z]+)) (\S+)$/.exec(command);
    const patch = /^kubectl patch httproute -n (\S+) (\S+) --type json -p '([^']+)'$/.exec(command);
    if (config !== null) {
      const key = config[1] ?? config[2] ?? "";
      const value = /^\d+$/.test(config[3] ?? "") ? Number(config[3]) : config[3];
      put(world.config, key, value);
      set[key] = value;
    } else if (patch !== null) {
      const { name, namespace } = world.route.metadata;
      assert.deepEqual([patch[1], patch[2]], [namespace, name]);
      for (const { op, path } of JSON.parse(patch[3] ?? "") as { op: string; path: string }[]) {
        assert.equal(op, "remove");
        remove(world.route, path.split("/").slice(1));
      }
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

function remove(object: object, parts: readonly string[]): void {
  const inner = parts
    .slice(0, -1)
    .reduce<Record<string, unknown>>(
      (found, part) => found[part] as Record<string, unknown>,
      object as Record<string, unknown>,
    );
  const last = parts.at(-1) ?? "";
  assert.ok(last in inner, `${parts.join("/")} is not there`);
  Reflect.deleteProperty(inner, last);
}
