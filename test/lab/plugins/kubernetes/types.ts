/** apiVersion and kind of a resource type: `kubernetes:apps/v1:Deployment`, `kubernetes:core/v1:Pod`. */
export function gvkOf(type: string): { apiVersion: string; kind: string } {
  const [, version = "", kind = ""] = type.split(":");
  if (version.split("/").length !== 2)
    throw new Error(`apiVersion does not have both a group and a version: "${version}"`);
  return { apiVersion: version.replace(/^core\//, ""), kind };
}

/** Whether a type is the `...Patch` of a kind. */
export function isPatchType(type: string, kind: string): boolean {
  return type.slice(type.lastIndexOf(":") + 1) === `${kind}Patch`;
}
