import { z } from "zod";
import { adapterKeys } from "./adapter-keys";
import { clusterKeys } from "./cluster-keys";
import { infoOf, longFormOf, unwrapped, type KeyInfo } from "./fields";
import { gateKeys } from "./gate-keys";
import { gatewayKeys } from "./gateway-keys";
import { poolKeys } from "./pool-keys";
import { safetyKeys } from "./safety-keys";
import { rolloutKeys, serviceKeys } from "./service-keys";

/*
 * Every key of a stack's config, without the project's prefix. A group of keys is one file: its types, descriptions,
 * defaults, examples and checks.
 */

export const keyGroups: readonly { title: string; keys: Readonly<Record<string, z.ZodType>> }[] = [
  { title: "Service", keys: serviceKeys },
  { title: "Rollout", keys: rolloutKeys },
  { title: "Pools", keys: poolKeys },
  { title: "Adapters", keys: adapterKeys },
  { title: "Gate", keys: gateKeys },
  { title: "Capacity, freezes and rollbacks", keys: safetyKeys },
  { title: "Gateway", keys: gatewayKeys },
  { title: "Cluster", keys: clusterKeys },
];

export const configSchema = {
  ...serviceKeys,
  ...rolloutKeys,
  ...poolKeys,
  ...adapterKeys,
  ...gateKeys,
  ...safetyKeys,
  ...gatewayKeys,
  ...clusterKeys,
};

export type ConfigKey = keyof typeof configSchema;

/** One key of the schema, at any depth. */
export interface SchemaKey {
  /** With `*` for a name that the user chooses and `[]` for an entry of a list: `pools.*.server.args[]`. */
  key: string;
  type: z.ZodType;
  /** Absent for entries: what is known of them stands at their list. */
  info?: KeyInfo;
}

/** A key and every key inside it. */
export function* keysBelow(key: string, schema: z.ZodType): Generator<SchemaKey> {
  const info = infoOf(schema);
  yield { key, type: schema, ...(info === undefined ? {} : { info }) };
  const inner = longFormOf(unwrapped(schema).inner);
  if (inner instanceof z.ZodObject) {
    for (const [name, field] of Object.entries<z.ZodType>(inner.shape))
      yield* keysBelow(`${key}.${name}`, field);
  }
  if (inner instanceof z.ZodArray) yield* keysBelow(`${key}[]`, inner.element as z.ZodType);
  if (inner instanceof z.ZodRecord) yield* keysBelow(`${key}.*`, inner.valueType as z.ZodType);
}

export function allKeys(): SchemaKey[] {
  return Object.entries<z.ZodType>(configSchema).flatMap(([key, schema]) => [...keysBelow(key, schema)]);
}

/** Keys of the top level of which something is known. */
export function topLevelKeys(matches: (info: KeyInfo) => boolean): string[] {
  return Object.entries<z.ZodType>(configSchema).flatMap(([key, schema]) => {
    const info = infoOf(schema);
    return info !== undefined && matches(info) ? [key] : [];
  });
}

/** What a place in a value has to be; undefined if the schema has no such place. */
export function typeAt(
  schema: z.ZodType,
  path: readonly (string | number)[],
): { type: z.ZodType; inner: z.ZodType; optional: boolean } | undefined {
  let type = schema;
  for (const part of path) {
    const inner = longFormOf(unwrapped(type).inner);
    const next: unknown =
      inner instanceof z.ZodObject
        ? (inner.shape as Record<string | number, unknown>)[part]
        : inner instanceof z.ZodArray
          ? inner.element
          : inner instanceof z.ZodRecord
            ? inner.valueType
            : undefined;
    if (!(next instanceof z.ZodType)) return undefined;
    type = next;
  }
  return { type, ...unwrapped(type) };
}
