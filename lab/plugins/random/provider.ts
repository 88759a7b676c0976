import type * as rpc from "../protocol/provider";
import { equalValues, plainProperties, Unknown, unknown, type Properties } from "../protocol/values";
import { changedInputs, kinds, type Kind } from "./kinds";

/**
 * Stand-in for pulumi-resource-random. A value is made once and kept in the state; any change of its inputs,
 * keepers included, makes a new one.
 */
export class RandomProvider implements rpc.Provider {
  readonly name = "random";
  constructor(readonly version: string) {}

  checkConfig({ inputs }: rpc.CheckRequest): Promise<rpc.CheckResult> {
    return Promise.resolve({ inputs });
  }

  diffConfig(): Promise<rpc.DiffResult> {
    return Promise.resolve({ changes: false });
  }

  configure(): Promise<void> {
    return Promise.resolve();
  }

  check({ type, inputs }: rpc.CheckRequest): Promise<rpc.CheckResult> {
    const missing = kindOf(type).required.filter(
      (name) => inputs[name] === undefined || inputs[name] === null,
    );
    const failures = missing.map((property) => ({
      property,
      reason: `The argument "${property}" is required, but no definition was found.`,
    }));
    return Promise.resolve({ inputs, failures });
  }

  diff(request: rpc.DiffRequest): Promise<rpc.DiffResult> {
    const changed = changedInputs(request.oldInputs, request.inputs, equalValues);
    return Promise.resolve({
      changes: changed.length > 0,
      diffs: [...new Set(changed.map(topOf))],
      replaces: changed,
      detailedDiff: new Map(changed.map((path) => [path, { kind: "update-replace", inputDiff: true }])),
    });
  }

  create({ type, inputs, preview }: rpc.CreateRequest): Promise<rpc.CreateResult> {
    const kind = kindOf(type);
    if (!preview) {
      const { id, outputs } = kind.make(plainProperties(inputs));
      return Promise.resolve({ id, properties: { ...outputs, ...inputs } });
    }
    const known = Object.values(inputs).every((value) => !(value instanceof Unknown));
    const computed = Object.keys(known ? kind.make(plainProperties(inputs)).outputs : {});
    const properties: Properties = Object.fromEntries(computed.map((name) => [name, unknown]));
    return Promise.resolve({ id: "", properties: { ...properties, ...inputs } });
  }

  read({ type, id, olds, oldInputs }: rpc.ReadRequest): Promise<rpc.ReadResult> {
    if (Object.keys(olds).length > 0) return Promise.resolve({ id, properties: olds, inputs: oldInputs });
    const found = kindOf(type).read(id);
    const properties = { ...found.outputs, ...found.inputs };
    return Promise.resolve({ id: found.id, properties, inputs: found.inputs });
  }

  update({ olds, inputs }: rpc.UpdateRequest): Promise<Properties> {
    return Promise.resolve({ ...olds, ...inputs });
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  invoke({ token }: rpc.InvokeRequest): Promise<rpc.InvokeResult> {
    return Promise.reject(new Error(`random has no function ${token}`));
  }

  cancel(): void {
    // Nothing here takes time.
  }
}

function kindOf(type: string): Kind {
  const kind = kinds[type.slice(type.lastIndexOf(":") + 1)];
  if (kind === undefined) throw new Error(`the lab's random provider does not know ${type}`);
  return kind;
}

function topOf(path: string): string {
  return path.split(".")[0] ?? path;
}
