/*
 * Kubernetes' strategic merge patch, for pod templates: objects merge, null removes a key, lists with a merge key merge
 * element by element, and every other list is replaced. Directives: `$patch: replace` and `$patch: delete` in objects and
 * in elements of keyed lists, and `$retainKeys`. Source: apimachinery, util/strategicpatch; merge keys: core/v1 types.
 * test/components/api-server/strategic-merge.ts compares it with a real API server.
 */

type Path = readonly (string | number)[];
type Fields = Readonly<Record<string, unknown>>;

/** What is known of a value: the merge key of a list, and the shapes below. Unknown fields are plain. */
interface Shape {
  readonly key?: string;
  readonly fields?: Readonly<Record<string, Shape>>;
}

const container: Shape["fields"] = {
  env: { key: "name" },
  ports: { key: "containerPort" },
  volumeMounts: { key: "mountPath" },
  volumeDevices: { key: "devicePath" },
};

const template: Shape = {
  fields: {
    spec: {
      fields: {
        containers: { key: "name", fields: container },
        initContainers: { key: "name", fields: container },
        ephemeralContainers: { key: "name", fields: container },
        volumes: { key: "name" },
        imagePullSecrets: { key: "name" },
        hostAliases: { key: "ip" },
        topologySpreadConstraints: { key: "topologyKey" },
        resourceClaims: { key: "name" },
        schedulingGates: { key: "name" },
      },
    },
  },
};

/** Why a patch cannot be applied. */
export interface PatchProblem {
  readonly path: Path;
  readonly expected: string;
}

/** What is wrong with the form of a patch of a pod template, whatever it is applied to. */
export function patchProblems(patch: Fields): PatchProblem[] {
  return problemsIn(patch, template, []);
}

/**
 * A pod template with a patch applied; neither is changed. Values that the patch does not reach stay the same objects.
 * @param patch one without {@link patchProblems}.
 */
export const mergedTemplate = <T extends object>(base: T, patch: object): T =>
  mergeObject(base as unknown as Fields, patch as Fields, template) as unknown as T;

const below = ({ fields = {} }: Shape, name: string): Shape =>
  (Object.hasOwn(fields, name) ? fields[name] : undefined) ?? {};

const elementOf = ({ fields }: Shape): Shape => (fields === undefined ? {} : { fields });

const directives = ["$patch", "$retainKeys"];

function mergeObject(base: Fields, patch: Fields, shape: Shape): Fields {
  if (patch["$patch"] === "delete") return {};
  if (patch["$patch"] === "replace") return withoutNulls(withoutDirectives(patch)) as Fields;
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(withoutDirectives(patch))) {
    if (value === null) Reflect.deleteProperty(merged, name);
    else merged[name] = mergeValue(base[name], value, below(shape, name));
  }
  const kept = patch["$retainKeys"];
  return Array.isArray(kept)
    ? Object.fromEntries(Object.entries(merged).filter(([name]) => kept.includes(name)))
    : merged;
}

function mergeValue(base: unknown, patch: unknown, shape: Shape): unknown {
  if (Array.isArray(patch)) {
    const elements = patch as unknown[];
    if (shape.key === undefined) return withoutNulls(elements);
    return mergeList(Array.isArray(base) ? (base as Fields[]) : [], elements as Fields[], shape, shape.key);
  }
  if (isObject(patch)) return mergeObject(isObject(base) ? base : {}, patch, shape);
  return patch;
}

function mergeList(base: readonly Fields[], patch: readonly Fields[], shape: Shape, key: string): Fields[] {
  const replaces = patch.some((element) => element["$patch"] === "replace" && element[key] === undefined);
  const element = elementOf(shape);
  let merged: Fields[] = replaces ? [] : [...base];
  for (const entry of patch) {
    const id = entry[key];
    if (id === undefined) continue;
    const at = merged.findIndex((one) => one[key] === id);
    if (entry["$patch"] === "delete") merged = merged.filter((one) => one[key] !== id);
    else if (at === -1) merged.push(mergeObject({}, entry, element));
    else merged[at] = mergeObject(merged[at] ?? {}, entry, element);
  }
  return merged;
}

const withoutDirectives = (patch: Fields): Fields =>
  Object.fromEntries(Object.entries(patch).filter(([name]) => !directives.includes(name)));

/** What is new has nothing to remove from. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutNulls(inner)]));
}

function problemsIn(value: unknown, shape: Shape, path: Path): PatchProblem[] {
  if (Array.isArray(value)) {
    const { key } = shape;
    return value.flatMap((element: unknown, i) => {
      const at = [...path, i];
      const inside = problemsIn(element, elementOf(shape), at);
      if (key === undefined) return inside;
      if (!isObject(element)) return [{ path: at, expected: `an object with ${key}` }];
      const isDirective = element["$patch"] === "replace" && Object.keys(element).length === 1;
      if (element[key] !== undefined || isDirective) return inside;
      return [
        { path: at, expected: `an object with ${key}, by which Kubernetes finds the element to change` },
      ];
    });
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]): PatchProblem[] => {
    const at = [...path, name];
    if (name === "$patch") {
      const known = inner === "delete" || inner === "replace" || inner === "merge";
      return known ? [] : [{ path: at, expected: "delete, replace or merge" }];
    }
    if (name === "$retainKeys") {
      return Array.isArray(inner) ? [] : [{ path: at, expected: "a list of keys to keep" }];
    }
    if (name.startsWith("$")) {
      return [{ path: at, expected: "$patch or $retainKeys: no other directive is supported" }];
    }
    const field = below(shape, name);
    if (field.key !== undefined && inner !== null && !Array.isArray(inner)) {
      return [{ path: at, expected: "a list" }];
    }
    return problemsIn(inner, field, at);
  });
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
