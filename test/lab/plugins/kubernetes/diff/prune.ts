import { isProperties, type Properties, type Value } from "../../protocol/values";

/**
 * The part of a live object that has the shape of the inputs it came from: what the cluster filled in by itself
 * is no difference to what the program says. Lists are cut to the length of the inputs' list.
 */
export function prune(live: Properties, inputs: Properties): Properties {
  const result: Properties = {};
  for (const [key, value] of Object.entries(live)) {
    const wanted = inputs[key];
    if (wanted !== undefined) result[key] = pruneValue(value, wanted);
  }
  return result;
}

function pruneValue(live: Value, wanted: Value): Value {
  if (isProperties(live) && isProperties(wanted)) return prune(live, wanted);
  if (!Array.isArray(live) || !Array.isArray(wanted)) return live;
  if (live.length === 0 || wanted.length === 0) return [];
  return live.slice(0, wanted.length).map((value, i) => pruneValue(value, wanted[i] ?? null));
}
