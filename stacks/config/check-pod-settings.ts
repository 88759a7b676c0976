import type { Server } from "../../components/engines/engine";
import {
  ownedFields,
  ownedKey,
  ownedVariable,
  type OwnedContext,
} from "../../components/model-server/owned-fields";
import {
  ownVolumes,
  podSettings,
  volumeKinds,
  type PodPatch,
  type PodSettings,
  type ServerVolume,
} from "../../components/model-server/pod-settings";
import { overrideProblems } from "../../components/model-server/copied/overrides";
import { patchProblems } from "../../components/model-server/strategic-merge";
import { keyText } from "../messages/edits";
import { shown, type Mistake } from "../messages/mistakes";
import { edits, remove, type ConfigPath } from "../plan/config-edits";

/* Which settings of its pods a pool uses, of its own and of those that it takes over, and what is wrong with them. */

/** Objects with names add to each other; everything else is replaced. */
const sumFields = ["env", "resources", "labels", "annotations"] as const;
type SumField = (typeof sumFields)[number];

const isSum = (field: string): field is SumField => (sumFields as readonly string[]).includes(field);

interface WithSettings {
  settings?: PodSettings;
}

/** Nearer settings over those that are taken over: objects with names add to each other, everything else replaces. */
export function mergedSettings(base: PodSettings, own: PodSettings): PodSettings {
  const added = sumFields.flatMap((name) => {
    const both = { ...base[name], ...own[name] };
    return Object.keys(both).length === 0 ? [] : [[name, both] as const];
  });
  const { patchIsSecret } = own.podPatch === undefined ? base : own;
  return {
    ...{ ...onlySettings(base), ...onlySettings(own), ...Object.fromEntries(added) },
    ...(patchIsSecret === undefined ? {} : { patchIsSecret }),
  };
}

/** Of an object, only what this file knows. */
export function onlySettings(from: PodSettings): PodSettings {
  const entries = podSettings.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]));
  return Object.fromEntries(entries) as PodSettings;
}

/** What is wrong with the settings of a pool. @param at config key of the `server` that has them. */
export function checkSettings(at: ConfigPath, settings: PodSettings, context: OwnedContext): Mistake[] {
  const { env = {}, volumes = [], labels = {}, annotations = {}, podPatch = {} } = settings;
  const mistake = (path: ConfigPath, found: unknown, allowed: string): Mistake => ({
    key: keyText([...at, ...path]),
    found: shown(found),
    allowed,
    fix: edits(remove([...at, ...path])),
  });
  return [
    ...Object.keys(env).flatMap((name) => {
      const reason = ownedVariable(name, context);
      return reason === undefined ? [] : [mistake(["env", name], name, `another variable: ${reason}`)];
    }),
    ...volumes.flatMap((volume, i) =>
      volumeErrors(volume, volumes.slice(0, i)).map(({ field, found, allowed }) => ({
        ...mistake(["volumes", i, ...field], found, allowed),
        fix: edits(remove([...at, "volumes", i])),
      })),
    ),
    ...Object.entries({ label: labels, annotation: annotations } as const).flatMap(([kind, entries]) =>
      Object.entries(entries).flatMap(([key, value]) => {
        const reason = ownedKey(key, kind as "label" | "annotation");
        return reason === undefined ? [] : [mistake([`${kind}s`, key], value, `another key: ${reason}`)];
      }),
    ),
    ...patchProblems({ ...podPatch }).map(({ path, expected }) =>
      mistake(["podPatch", ...path], valueAt(podPatch, path), expected),
    ),
    ...ownedFields(podPatch, context).map(({ path, reason }) =>
      mistake(["podPatch", ...path], valueAt(podPatch, path), `nothing here: ${reason}`),
    ),
  ];
}

/** What is wrong with what a pool changes of copied pods. @param at config key of the overrides. */
export function checkOverrides(at: ConfigPath, overrides: PodPatch): Mistake[] {
  return overrideProblems(overrides).map(({ path, expected }) => ({
    key: keyText([...at, ...path]),
    found: shown(valueAt(overrides, path)),
    allowed: expected,
    fix: edits(remove([...at, ...path])),
  }));
}

const valueAt = (value: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  );

function volumeErrors(
  { name, mountPath, source }: ServerVolume,
  before: readonly ServerVolume[],
): { field: ConfigPath; found: unknown; allowed: string }[] {
  const kinds = Object.keys(source);
  const unknown = kinds.filter((kind) => !volumeKinds.includes(kind));
  const isOwn = (list: readonly string[], value: string): boolean => list.includes(value);
  return [
    ...(isOwn(ownVolumes.names, name)
      ? [{ field: ["name"], found: name, allowed: "another name: the program has such a volume" }]
      : []),
    ...(before.some((one) => one.name === name)
      ? [{ field: ["name"], found: name, allowed: "a name that no other volume has" }]
      : []),
    ...(isOwn(ownVolumes.mounts, mountPath) || before.some((one) => one.mountPath === mountPath)
      ? [{ field: ["mountPath"], found: mountPath, allowed: "a path where nothing else is mounted" }]
      : []),
    ...unknown.map((kind) => ({
      field: [kind],
      found: source[kind],
      allowed: `unknown key; known kinds of volumes: ${volumeKinds.join(", ")}`,
    })),
    ...(unknown.length === 0 && kinds.length !== 1
      ? [
          {
            field: [],
            found: kinds.length === 0 ? "no kind of volume" : kinds.join(" and "),
            allowed: `exactly one of ${volumeKinds.join(", ")}`,
          },
        ]
      : []),
  ];
}

/** A server without what is set of its pods. */
export function withoutSettings(server: Server): Server {
  const entries = Object.entries(server).filter(
    ([name]) => name !== "patchIsSecret" && !(podSettings as readonly string[]).includes(name),
  );
  return Object.fromEntries(entries) as unknown as Server;
}

/**
 * Where the settings that a pool uses are written: in its own `server`, that of a pool it is like, or the stack's. A
 * volume of one and a volume of another never meet: lists are replaced.
 */
export function settingPlaces(
  pool: string,
  used: PodSettings,
  chain: readonly { name: string; input: { server?: WithSettings | undefined } }[],
  stack: WithSettings | undefined,
): { at: ConfigPath; settings: PodSettings }[] {
  const places = [
    ...chain.map(({ name, input }) => ({ at: ["pools", name, "server"], settings: input.server?.settings })),
    { at: ["server"], settings: stack?.settings },
  ];
  return podSettings.flatMap((field) => {
    if (used[field] === undefined) return [];
    const from = places.filter(({ settings }) => settings?.[field] !== undefined);
    const parts = isSum(field)
      ? from.map(({ at, settings }) => ({ at, settings: usedPart(field, used, settings ?? {}) }))
      : from.slice(0, 1).map(({ at, settings }) => ({ at, settings: only(field, settings?.[field]) }));
    return parts.length === 0
      ? [{ at: ["pools", pool, "server"], settings: only(field, used[field]) }]
      : parts;
  });
}

const only = (field: (typeof podSettings)[number], value: unknown): PodSettings =>
  value === undefined ? {} : { [field]: value };

/** What adds up is looked at where each part of it is written, as far as it is used. */
function usedPart(field: SumField, used: PodSettings, part: PodSettings): PodSettings {
  const entries = Object.entries(part[field] ?? {}) as [string, unknown][];
  const all: Readonly<Record<string, unknown>> = { ...used[field] };
  return only(field, Object.fromEntries(entries.filter(([name, value]) => all[name] === value)));
}
