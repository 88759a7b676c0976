import type { Server } from "../engines/engine";
import type { PodSpec } from "./copied/pod";
import { referencesOf, type ObjectReference } from "./copied/references";
import { mergedTemplate } from "./strategic-merge";

/** What the user's settings of a server's pods name, and the pods do not start without. */
export function settingReferences(server: Server): ObjectReference[] {
  const { engine, env = {}, volumes = [], priorityClassName, patchIsSecret } = server;
  // Names in a patch that may be secret are told to nobody.
  const { podPatch = {} } = patchIsSecret === true ? {} : server;
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value.from === "secret"
      ? [{ name, valueFrom: { secretKeyRef: { name: value.name, key: value.key } } }]
      : [],
  );
  const spec: PodSpec = {
    containers: [{ name: engine, env: variables }],
    volumes: volumes.map(({ name, source }) => ({ name, ...source })),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
  };
  return referencesOf(mergedTemplate({ spec }, podPatch).spec);
}
