import { isProperties, type Properties, type Value } from "../protocol/values";

/** The value at a path of nested inputs. */
export function inside(inputs: Properties, ...path: readonly string[]): Value | undefined {
  let value: Value | undefined = inputs;
  for (const key of path) value = isProperties(value) ? value[key] : undefined;
  return value;
}
