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
