import type { ServiceConfig, Observed, Draft, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";
import { copying } from "./copies";

/** What copied pods name, and cannot use where they will run. */
export interface MissingObject {
  kind: string;
  name: string;
  where: readonly string[];
  /** absent: there is none. keys: it lacks these. single-node: a claim that only pods of one node can mount. */
  problem:
    { kind: "absent" } | { kind: "keys"; keys: readonly string[] } | { kind: "single-node"; modes: string };
  /** Whether the copied pool's namespace has it. */
  atSource: boolean;
  /** What makes it there, in words: a copy of the object alone would be deleted again. */
  owner?: string;
}

/**
 * Everything that the copied pods name is in the namespace where the copy will run. Refused before anything is made:
 * such a pod waits in silence, on a machine that was bought for it, until the update gives up.
 */
export function likeReferenceMissing(_config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  return copying(observed, draft).flatMap(({ planned: { pool }, copy }) => {
    const missing = copy.missing ?? [];
    const { name: original, namespace: source } = pool.templateOf ?? { name: "", namespace: "" };
    const { namespace } = copy;
    if (missing.length === 0) return [];
    const copies = missing.filter(isCopyable);
    const others = missing.filter((object) => !isCopyable(object));
    // Where the namespace is made by this update, somebody has to make it before for what goes into it.
    const make = observed.namespaces[namespace] === undefined && namespace !== source;
    const commands = [
      ...(make ? [`kubectl create namespace ${namespace}`] : []),
      ...copies.map((object) => copyCommand(object, source, namespace)),
    ];
    const beside = `or keep ${pool.name} beside ${original}, where the objectives do not hold on it until it is promoted: ${setCommand(`pools.${pool.name}.namespace`, source)}`;
    const accounts = copies.some(({ kind }) => kind === "ServiceAccount");
    return [
      {
        rule: "like-reference-missing",
        found: `${pool.name} copies the pods of ${original} to namespace ${namespace}, and they cannot start there: ${missing.map(missingText).join("; ")}`,
        fix: [
          ...(copies.length === 0 ? [] : [commands.join(" && ")]),
          ...(accounts
            ? [`where IAM roles are bound to the ServiceAccount, bind them for namespace ${namespace} too`]
            : []),
          ...others.map((object) => byHandText(object, source, namespace)),
          ...(namespace !== source ? [beside] : []),
        ].join("; "),
      },
    ];
  });
}

/** Kinds of which a copy in another namespace does what the original does. */
const copyableKinds: ReadonlySet<string> = new Set([
  "Secret",
  "ConfigMap",
  "ServiceAccount",
  "SecretProviderClass",
]);

const isCopyable = ({ kind, problem, atSource, owner }: MissingObject): boolean =>
  problem.kind === "absent" && atSource && owner === undefined && copyableKinds.has(kind);

function missingText({ kind, name, where, problem }: MissingObject): string {
  const named = `${kind} ${name} (${where.join(", ")})`;
  switch (problem.kind) {
    case "absent":
      return `there is no ${named}`;
    case "keys":
      return `${named} has no key ${problem.keys.join(", ")}`;
    case "single-node":
      return `${named} is ${problem.modes}, so only pods of the node that has it can mount it`;
  }
}

/** kubectl drops the version and the identity of the original by itself. */
function copyCommand({ kind, name }: MissingObject, from: string, to: string): string {
  return `kubectl get ${kind.toLowerCase()} ${name} -n ${from} -o yaml | sed 's/^  namespace: .*/  namespace: ${to}/' | kubectl create -f -`;
}

function byHandText(
  { kind, name, problem, owner }: MissingObject,
  source: string,
  namespace: string,
): string {
  const lower = kind.toLowerCase();
  if (problem.kind === "keys") {
    return `add the key ${problem.keys.join(", ")}: kubectl edit ${lower} ${name} -n ${namespace}`;
  }
  if (problem.kind === "single-node") {
    return `put the data on a volume that pods of many nodes can mount (ReadOnlyMany, ReadWriteMany) and name its claim instead of ${name} in the copied pods`;
  }
  if (owner !== undefined) {
    return `${owner} makes ${kind} ${name} in namespace ${source}: make one like it in namespace ${namespace}`;
  }
  switch (kind) {
    case "Secret":
      return `make it: kubectl create secret generic ${name} -n ${namespace} --from-literal KEY=VALUE`;
    case "ConfigMap":
    case "ServiceAccount":
      return `make it: kubectl create ${lower} ${name} -n ${namespace}`;
    case "PriorityClass":
      return `make it: kubectl create priorityclass ${name} --value VALUE`;
    case "PersistentVolumeClaim":
      return `make a PersistentVolumeClaim ${name} with the same data in namespace ${namespace}`;
    default:
      return `make ${kind} ${name}`;
  }
}
