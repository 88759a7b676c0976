import { ListValue, NullValue, Struct, Value as ProtoValue } from "google-protobuf/google/protobuf/struct_pb";

/**
 * Property values as the engine sends them, decoded: plain JSON, except that a secret is a {@link Secret} and a
 * value that is not known before the update is {@link unknown}. Assets and archives stay as they came.
 * Source of the signatures: github.com/pulumi/pulumi/sdk/v3 go/common/resource/{plugin/rpc.go,sig}.
 */
export type Value = null | boolean | number | string | Secret | Unknown | Value[] | Properties;

// An interface, so that the type may refer to itself.
export interface Properties {
  [key: string]: Value;
}

export class Secret {
  constructor(readonly value: Value) {}
  /** Keeps a secret out of messages that print a value by mistake. */
  toString(): string {
    return "[secret]";
  }
  toJSON(): string {
    return "[secret]";
  }
}

export class Unknown {
  // Without a member of its own, every object would pass for one.
  readonly kind = "unknown";
  toString(): string {
    return "[unknown]";
  }
}

export const unknown = new Unknown();

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const referenceSignature = "5cf8f73096256a8f31e491e813e4eb8e";
const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const unknowns = new Set([
  unknownString,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** Decodes what the engine sent; an absent struct is an empty one. */
export function decodeProperties(struct: Struct | undefined): Properties {
  const result: Properties = {};
  struct?.getFieldsMap().forEach((value, key) => {
    result[key] = decode(value);
  });
  return result;
}

function decode(value: ProtoValue): Value {
  switch (value.getKindCase()) {
    case ProtoValue.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case ProtoValue.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case ProtoValue.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return unknowns.has(text) ? unknown : text;
    }
    case ProtoValue.KindCase.LIST_VALUE:
      return decodeList(value.getListValue());
    case ProtoValue.KindCase.STRUCT_VALUE:
      return decodeMarked(decodeProperties(value.getStructValue()));
    default:
      return null;
  }
}

function decodeList(list: ListValue | undefined): Value[] {
  return (list?.getValuesList() ?? []).map(decode);
}

function decodeMarked(object: Properties): Value {
  switch (object[signature]) {
    case secretSignature:
      return new Secret(object["value"] ?? null);
    case outputSignature: {
      const value = object["value"] === undefined ? unknown : object["value"];
      return object["secret"] === true ? new Secret(value) : value;
    }
    case referenceSignature:
      return object["id"] ?? object["urn"] ?? null;
    default:
      return object;
  }
}

/** Encodes properties for the engine. `undefined` members are left out. */
export function encodeProperties(properties: Readonly<Record<string, Value | undefined>>): Struct {
  const struct = new Struct();
  const fields = struct.getFieldsMap();
  for (const [key, value] of Object.entries(properties))
    if (value !== undefined) fields.set(key, encode(value));
  return struct;
}

function encode(value: Value): ProtoValue {
  const result = new ProtoValue();
  if (value === null) result.setNullValue(NullValue.NULL_VALUE);
  else if (value instanceof Unknown) result.setStringValue(unknownString);
  else if (value instanceof Secret)
    result.setStructValue(encodeProperties({ [signature]: secretSignature, value: value.value }));
  else if (Array.isArray(value)) result.setListValue(encodeList(value));
  else if (typeof value === "object") result.setStructValue(encodeProperties(value));
  else if (typeof value === "string") result.setStringValue(value);
  else if (typeof value === "number") result.setNumberValue(value);
  else result.setBoolValue(value);
  return result;
}

function encodeList(values: readonly Value[]): ListValue {
  const list = new ListValue();
  list.setValuesList(values.map(encode));
  return list;
}

export function isProperties(value: Value | undefined): value is Properties {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Unknown)
  );
}

/** The value with every secret replaced by what it holds. */
export function withoutSecrets(value: Value): Value {
  if (value instanceof Secret) return withoutSecrets(value.value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  return isProperties(value) ? mapValues(value, withoutSecrets) : value;
}

export function plainProperties(properties: Properties): Properties {
  return mapValues(properties, withoutSecrets);
}

export function hasSecrets(value: Value): boolean {
  if (value instanceof Secret) return true;
  if (Array.isArray(value)) return value.some(hasSecrets);
  return isProperties(value) && Object.values(value).some(hasSecrets);
}

export function hasUnknowns(value: Value): boolean {
  if (value instanceof Unknown) return true;
  if (value instanceof Secret) return hasUnknowns(value.value);
  if (Array.isArray(value)) return value.some(hasUnknowns);
  return isProperties(value) && Object.values(value).some(hasUnknowns);
}

export function mapValues(properties: Properties, change: (value: Value) => Value): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, change(value)]));
}

/** Deep equality of decoded values; an unknown equals nothing but an unknown. */
export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Secret) return equalValues(a.value, b instanceof Secret ? b.value : b);
  if (b instanceof Secret) return equalValues(a, b.value);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, i) => equalValues(value, b[i]));
  if (isProperties(a) && isProperties(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equalValues(a[key], b[key]))
    );
  }
  return a === b;
}

/** What a URN says: `urn:pulumi:<stack>::<project>::<parents>$<type>::<name>`. */
export interface Urn {
  stack: string;
  project: string;
  /** `package:module:Type`. */
  type: string;
  name: string;
}

export function parseUrn(urn: string): Urn {
  const [stack = "", project = "", types = "", ...name] = urn.replace(/^urn:pulumi:/, "").split("::");
  return { stack, project, type: types.slice(types.lastIndexOf("$") + 1), name: name.join("::") };
}
