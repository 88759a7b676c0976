/* A customers' route that keeps its owner's shape: as it was read, and as an update writes it (see kept-route.ts). */

/** A backendRef as the API server has it. */
export interface LiveBackendRef {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  weight?: number;
  [field: string]: unknown;
}

/** A match as the API server has it. */
export interface LiveMatch {
  path?: { type?: string; value?: string };
  headers?: { name: string; value: string; type?: string }[];
  [field: string]: unknown;
}

/** A rule as the API server has it. */
export interface LiveRule {
  matches?: LiveMatch[];
  backendRefs?: LiveBackendRef[];
  [field: string]: unknown;
}

/** One rule of a route that keeps its shape. */
export interface KeptRule {
  rule: LiveRule;
  /** Places in its backendRefs that name pools of this service. */
  ours: readonly number[];
}

/** A route that keeps its shape, as it was read. */
export interface KeptRoute {
  namespace: string;
  /** Counts the changes of its spec: what was read here is still there as long as it is the same. */
  generation: number;
  /** Labels and annotations of others that a write has to repeat: Pulumi's provider would remove them. */
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Whether somebody else's word stands in the label for who manages it. */
  managedByAnother: boolean;
  /** Fields beside the rules that a write has to repeat. */
  spec: Readonly<Record<string, unknown>>;
  /** Where it attaches, whether or not a write has to repeat that. */
  attachment: { parentRefs?: unknown; hostnames?: unknown };
  rules: readonly KeptRule[];
  /** A digest of everything that is its owner's in the spec, now. */
  digest: string;
  /** The digest at the last write; absent: this program has never written it. */
  digestBefore?: string;
  /** The generation from which it was last written. */
  writtenFrom?: string;
  /** The backendRefs that were replaced when it was taken over, by place of the rule. */
  found?: Readonly<Record<string, readonly LiveBackendRef[]>>;
}

/** Such a route as an update writes it. */
export interface WrittenShape {
  labels: Readonly<Record<string, string>>;
  managedByAnother: boolean;
  annotations: Readonly<Record<string, string>>;
  spec: Readonly<Record<string, unknown>>;
  attachment: KeptRoute["attachment"];
  /** Matches of the rules that name this service's pools. */
  matches: readonly LiveMatch[];
  digest: string;
  writtenFrom: string;
  found: Readonly<Record<string, readonly LiveBackendRef[]>>;
}
