import {
  hasSecrets,
  isProperties,
  Secret,
  withoutSecrets,
  type Properties,
  type Value,
} from "../protocol/values";
import { textAt, type KubeObject } from "./api/objects";

/** Field names of CustomResourceDefinitions as Kubernetes and as Pulumi's SDKs write them. */
const dashed = [
  ...["x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys"],
  ...["x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields"],
  "x-kubernetes-validations",
];
const toDashes = new Map(dashed.map((name) => [name.replaceAll("-", "_"), name]));
const toUnderscores = new Map(dashed.map((name) => [name, name.replaceAll("-", "_")]));

function renamed(value: Value, names: ReadonlyMap<string, string>): Value {
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (value instanceof Secret) return new Secret(renamed(value.value, names));
  if (!isProperties(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [names.get(key) ?? key, renamed(inner, names)]),
  );
}

/** Inputs of a resource as an object for the API server: secrets are plain there. */
export function toObject(properties: Properties): KubeObject {
  return renamed(withoutSecrets(properties), toDashes) as KubeObject;
}

export function toProperties(object: KubeObject): Properties {
  return renamed(object, toUnderscores) as Properties;
}

export interface Checkpoint {
  /** The live object. */
  live: KubeObject;
  /** The inputs it was made of. */
  inputs: KubeObject;
}

/**
 * A resource's outputs: the live object, with the inputs and the field manager beside it. What is secret in the
 * program's inputs is secret here, and so is all data of a Secret.
 */
export function toCheckpoint(
  { live, inputs }: Checkpoint,
  given: Properties,
  initialApiVersion: string,
  fieldManager: string,
): Properties {
  const outputs = withSecretsOf(toProperties(live), given);
  const kept = withSecretsOf(toProperties(inputs), given);
  return { ...outputs, __inputs: kept, __initialApiVersion: initialApiVersion, __fieldManager: fieldManager };
}

export function fromCheckpoint(outputs: Properties): Checkpoint {
  const { __inputs: inputs, ...live } = toObject(outputs);
  return { live, inputs: isProperties(inputs) ? inputs : {} };
}

export function initialApiVersion(outputs: Properties, inputs: KubeObject): string {
  return textAt(outputs, "__initialApiVersion") || textAt(inputs, "apiVersion");
}

/**
 * Copies the mark of a secret from inputs to outputs. Maps are gone into; anything else, a list too, becomes a
 * secret as a whole where its input holds one.
 */
export function withSecretsOf(outputs: Properties, inputs: Properties): Properties {
  if (outputs["kind"] === "Secret") {
    return Object.fromEntries(
      Object.entries(outputs).map(([key, value]) => [
        key,
        key === "data" || key === "stringData" ? secret(value) : value,
      ]),
    );
  }
  const result: Properties = {};
  for (const [key, value] of Object.entries(outputs)) {
    const input = inputs[key];
    if (input === undefined) result[key] = value;
    else if (isProperties(value) && isProperties(input)) result[key] = withSecretsOf(value, input);
    else result[key] = hasSecrets(input) ? secret(value) : value;
  }
  return result;
}

function secret(value: Value): Secret {
  return value instanceof Secret ? value : new Secret(value);
}
