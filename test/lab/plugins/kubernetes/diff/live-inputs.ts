import { isProperties, type Properties, type Value } from "../../protocol/values";
import { isBuiltinVersion } from "../api/builtin";
import { apiVersionOf, type KubeObject } from "../api/objects";
import { isEmpty, type Path } from "./detailed";
import { prune } from "./prune";
import { sameQuantity } from "./quantity";

/**
 * The inputs that a live object stands for: its part in the shape of the inputs that it was made of. Where the API
 * server only writes a value in another way, or leaves an empty one out, the inputs' own writing stays: that is no
 * drift. (The real provider gets there by sending inputs through Kubernetes' Go types before they are used.)
 */
export function liveInputs(live: KubeObject, inputs: KubeObject): KubeObject {
  const pruned = prune(live, inputs);
  return isBuiltinVersion(apiVersionOf(live)) ? writtenAs([], pruned, inputs) : pruned;
}

function writtenAs(path: Path, live: Properties, inputs: Properties): Properties {
  const result: Properties = { ...live };
  for (const [key, wanted] of Object.entries(inputs)) {
    const value = live[key];
    if (value === undefined) {
      if (isEmpty(wanted)) result[key] = wanted;
    } else result[key] = valueWrittenAs([...path, key], value, wanted);
  }
  return result;
}

function valueWrittenAs(path: Path, live: Value, wanted: Value): Value {
  if (isProperties(live) && isProperties(wanted)) return writtenAs(path, live, wanted);
  if (Array.isArray(live) && Array.isArray(wanted))
    return live.map((one, i) => valueWrittenAs([...path, i], one, wanted[i] ?? null));
  return sameQuantity(path, live, wanted) ? wanted : live;
}
