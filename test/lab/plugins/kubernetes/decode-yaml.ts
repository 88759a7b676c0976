import { loadAll } from "js-yaml";
import { isProperties, type Properties, type Value } from "../protocol/values";
import { at, listAt, textAt, withValue, type KubeObject } from "./api/objects";
import { builtinResource } from "./api/builtin";

/** The objects of a YAML text, lists taken apart: what the SDK's ConfigFile and ConfigGroup ask for. */
export function decodeYaml(args: Properties): Value[] {
  const text = args["text"];
  if (typeof text !== "string") throw new Error("missing required field 'text' of type string");
  const namespace = typeof args["defaultNamespace"] === "string" ? args["defaultNamespace"] : "";
  return loadAll(text)
    .map((document) => document as Value)
    .filter(isProperties)
    .flatMap((object) =>
      textAt(object, "kind").endsWith("List") ? listAt(object, "items").filter(isProperties) : [object],
    )
    .map((object) => withDefaultNamespace(object, namespace));
}

function withDefaultNamespace(object: KubeObject, namespace: string): KubeObject {
  const known = builtinResource(textAt(object, "apiVersion"), textAt(object, "kind"));
  const free = namespace === "" || known?.namespaced === false;
  if (free || at(object, "metadata", "namespace") !== undefined) return object;
  return withValue(object, ["metadata", "namespace"], namespace);
}
