import { annotations, domain, labels, managedBy } from "../../components/names";
import type { LiveObject, ManagedFields } from "./cluster-reader";

/*
 * What the customers' route was before this stack took it over. It is kept on the route itself, so that whoever leaves
 * (`npm run rollout -- release`) hands it back as it was, also where the stack's state was lost meanwhile.
 */

export interface OriginalRoute {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  spec: Readonly<Record<string, unknown>>;
  /** Who owned which fields; without those of the status. */
  managers: readonly ManagedFields[];
}

/** A route created outside this stack, as text that parseOriginal reads. */
export function originalText({ metadata, ...route }: LiveObject): string {
  const original: OriginalRoute = {
    labels: withoutMarks(metadata.labels),
    annotations: withoutMarks(metadata.annotations),
    spec: (route["spec"] ?? {}) as Record<string, unknown>,
    managers: (metadata.managedFields ?? []).filter(isOfObject),
  };
  return JSON.stringify(original);
}

/** @returns undefined where there is none, or somebody edited it so that it cannot be read. */
export function parseOriginal(text: string | undefined): OriginalRoute | undefined {
  try {
    const parsed = JSON.parse(text ?? "null") as Partial<OriginalRoute> | null;
    const { labels: marks, annotations: notes, spec, managers } = parsed ?? {};
    const isWhole = [marks, notes, spec].every((part) => typeof part === "object") && Array.isArray(managers);
    return isWhole ? (parsed as OriginalRoute) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a label or an annotation is this program's, or its tool's. */
export const isMark = (key: string, value: string): boolean =>
  key.startsWith(`${domain}/`) ||
  key.startsWith("pulumi.com/") ||
  (key === labels.managedBy && value === managedBy);

const withoutMarks = (all: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter(([key, value]) => !isMark(key, value)));

/** Whether an entry of managedFields is of the object, and not of its status. */
export const isOfObject = ({ subresource }: ManagedFields): boolean => (subresource ?? "") === "";

/** Seconds between a route's creation and a first move that this program counted: an update takes no longer. */
const longUpdate = 3600;

/**
 * Whether a route of this stack was taken over. It says so itself; one that a version took over that kept no note was
 * there long before the program first counted its moves, because a count begins at the time of the first update.
 */
export function wasTakenOver({ metadata }: LiveObject): boolean {
  const notes = metadata.annotations ?? {};
  if (notes[annotations.takenOver] !== undefined) return true;
  const created = Date.parse(metadata.creationTimestamp ?? "") / 1000;
  const moves = Number(notes[annotations.moves]);
  return Number.isFinite(created) && Number.isFinite(moves) && moves - created > longUpdate;
}
