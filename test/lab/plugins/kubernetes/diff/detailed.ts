import { at, type KubeObject } from "../api/objects";
import type { DiffKind, PropertyDiff } from "../../protocol/provider";
import { equalValues, isProperties, Unknown, type Properties, type Value } from "../../protocol/values";
import { touches } from "./force-new";
import { sameQuantity } from "./quantity";

export type Path = readonly (string | number)[];

export interface Comparison {
  /** The live object, pruned to the shape of the inputs that it came from. */
  old: KubeObject;
  inputs: KubeObject;
  /** The inputs that were sent last. */
  sent: KubeObject;
  /** Whether the kind is Kubernetes' own: its API drops empty values and rewrites quantities. */
  builtin: boolean;
  /** Paths whose change means replacement. */
  forceNew: readonly string[];
}

/** The differences between what is there and what the program wants, by path as Pulumi writes it. */
export function detailedDiff(comparison: Comparison): Map<string, PropertyDiff> {
  const result = new Map<string, PropertyDiff>();
  compareMaps([], comparison.old, comparison.inputs);
  return result;

  function compareMaps(path: Path, old: Properties, inputs: Properties): void {
    for (const key of new Set([...Object.keys(old), ...Object.keys(inputs)]))
      compare([...path, key], old[key], inputs[key]);
  }

  function compare(path: Path, old: Value | undefined, wanted: Value | undefined): void {
    const input = wanted === null ? undefined : wanted;
    if (input === undefined) {
      if (old !== undefined && old !== null) add(path, "delete", old);
    } else if (input instanceof Unknown) add(path, old === undefined ? "add" : "update", input);
    else if (old === undefined || old === null) {
      if (!wasDropped(path, input)) add(path, "add", input);
    } else if (isProperties(old) && isProperties(input)) compareMaps(path, old, input);
    else if (Array.isArray(old) && Array.isArray(input)) {
      for (let i = 0; i < Math.max(old.length, input.length); i++) compare([...path, i], old[i], input[i]);
    } else if (!equalValues(old, input) && !(comparison.builtin && sameQuantity(path, old, input)))
      add(path, "update", input);
  }

  /** An empty value that was sent before and that the API does not keep. */
  function wasDropped(path: Path, input: Value): boolean {
    return comparison.builtin && isEmpty(input) && equalValues(at(comparison.sent, ...path), input);
  }

  function add(path: Path, kind: "add" | "delete" | "update", value: Value): void {
    const replace = touches(path, kind === "delete" ? undefined : value, comparison.forceNew);
    const full: DiffKind = replace ? `${kind}-replace` : kind;
    result.set(pathText(path), kind === "delete" ? { kind: full, inputDiff: true } : { kind: full });
  }
}

/** What Go calls a zero value, and what holds nothing else. */
export function isEmpty(value: Value): boolean {
  if (value === false || value === 0 || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return isProperties(value) && Object.values(value).every(isEmpty);
}

/** `spec.containers[0].env["a.b"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/[."[\]]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** The steps of a path as Pulumi writes it; `*` stands for any. @throws Error where it is malformed. */
export function parsePath(text: string): Path {
  const steps: (string | number)[] = [];
  const pattern = /\.?([^.[\]"]+)|\[(\d+)\]|\[(\*)\]|\["((?:[^"\\]|\\.)*)"\]/y;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (found === null) throw new Error(`failed to parse ignore path: ${text}`);
    const [, name, index, star, quoted] = found;
    steps.push(index === undefined ? (name ?? star ?? quoted?.replaceAll('\\"', '"') ?? "") : Number(index));
  }
  return steps;
}

/** Whether a path is the ignored one or lies inside it. */
export function isInside(path: Path, ignored: Path): boolean {
  return ignored.length <= path.length && ignored.every((step, i) => step === "*" || step === path[i]);
}
