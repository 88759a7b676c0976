import type { Properties } from "./values";

/** Requests and answers of a resource provider, decoded. Field names follow provider.proto. */

export interface ResourceRequest {
  urn: string;
  /** `package:module:Type`. */
  type: string;
  /** The resource's name in the program. */
  name: string;
}

export interface Autonaming {
  mode: "propose" | "enforce" | "disable";
  proposedName: string;
}

export interface CheckRequest extends ResourceRequest {
  /** Inputs of the last update; empty for a new resource. */
  oldInputs: Properties;
  inputs: Properties;
  randomSeed: Uint8Array;
  autonaming?: Autonaming;
}

export interface CheckFailure {
  /** Path of the property, where the failure has one. */
  property?: string;
  reason: string;
}

export interface CheckResult {
  inputs: Properties;
  failures?: readonly CheckFailure[];
}

export interface DiffRequest extends ResourceRequest {
  id: string;
  oldInputs: Properties;
  /** Outputs of the last update. */
  olds: Properties;
  inputs: Properties;
  ignoreChanges: readonly string[];
}

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

export interface PropertyDiff {
  kind: DiffKind;
  /** Whether old and new inputs are what differs, rather than state and inputs. */
  inputDiff?: boolean;
}

export interface DiffResult {
  changes: boolean;
  diffs?: readonly string[];
  replaces?: readonly string[];
  stables?: readonly string[];
  deleteBeforeReplace?: boolean;
  detailedDiff?: ReadonlyMap<string, PropertyDiff>;
}

export interface CreateRequest extends ResourceRequest {
  inputs: Properties;
  /** Seconds from the resource's customTimeouts; 0 where there are none. */
  timeout: number;
  preview: boolean;
}

export interface CreateResult {
  id: string;
  properties: Properties;
}

export interface ReadRequest extends ResourceRequest {
  id: string;
  oldInputs: Properties;
  olds: Properties;
  timeout: number;
}

export interface ReadResult {
  /** Empty where there is no such thing. */
  id: string;
  properties: Properties;
  inputs: Properties;
}

export interface UpdateRequest extends ResourceRequest {
  id: string;
  oldInputs: Properties;
  olds: Properties;
  inputs: Properties;
  ignoreChanges: readonly string[];
  timeout: number;
  preview: boolean;
}

export interface DeleteRequest extends ResourceRequest {
  id: string;
  oldInputs: Properties;
  olds: Properties;
  timeout: number;
}

export interface ConfigureRequest {
  /** Of the provider resource. */
  urn: string;
  /** The provider's inputs: nested values come JSON-encoded from the SDK. */
  inputs: Properties;
  /** The same as text, without secrets' marks, keyed `<package>:config:<key>`. */
  variables: ReadonlyMap<string, string>;
}

export interface InvokeRequest {
  token: string;
  args: Properties;
  preview: boolean;
}

export interface InvokeResult {
  properties: Properties;
  failures?: readonly CheckFailure[];
}

/** A resource provider; every call may run at the same time as any other. */
export interface Provider {
  readonly name: string;
  /** Without the leading v. */
  readonly version: string;
  checkConfig(request: CheckRequest): Promise<CheckResult>;
  diffConfig(request: DiffRequest): Promise<DiffResult>;
  configure(request: ConfigureRequest): Promise<void>;
  check(request: CheckRequest): Promise<CheckResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  create(request: CreateRequest): Promise<CreateResult>;
  read(request: ReadRequest): Promise<ReadResult>;
  update(request: UpdateRequest): Promise<Properties>;
  delete(request: DeleteRequest): Promise<void>;
  invoke(request: InvokeRequest): Promise<InvokeResult>;
  /** Asks waits to stop soon; called once, from the user's Ctrl-C or before the engine ends the plugin. */
  cancel(): void;
}
