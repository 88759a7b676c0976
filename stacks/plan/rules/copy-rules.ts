import { engineNames } from "../../../components/engines/catalogue";
import type { OwnedPool } from "../service-config";
import type { Rule } from "../model";
import { adaptedPods, copying } from "../copied-pools";
import { fix, joinFixes, remove, set, type Fix } from "../config-edits";
import type { MissingObject, ObservedCopy } from "../observed";
import type { Adapted } from "../../../components/model-server/copied/adapt";
import { overridden } from "../../../components/model-server/copied/overrides";
import { podOf, type Unusable } from "../../../components/model-server/copied/pod";
import { engineOf, portFlagOf } from "../../../components/model-server/copied/server";

/*
 * A pool that copies the pods of one that was created outside this stack. What the copy needs is checked before
 * anything is made: that it is known which pods are meant, that they can run on the new nodes, and that everything
 * they name is where they will run.
 */

export const ownServer = (pool: string): Fix =>
  fix`give ${pool} a model server of its own instead: ${[remove(`pools.${pool}.like`), set(`pools.${pool}.model`, "MODEL")]}`;

/** @param found the workloads, as "Deployment decode". */
const nameOne = (pool: string, found: readonly string[]): Fix =>
  fix`name the workload whose pods are copied: ${joinFixes(
    found.map((text) => fix`${set(`pools.${pool}.workload`, text.replace(" ", "/"))}`),
    ", or ",
  )}`;

/** Exactly one workload makes the pods of the copied pool. */
const likeWorkload: Rule = {
  id: "like-workload",
  summary: `A pool that is \`like\` one created outside this stack copies its pods. Exactly one workload must create those pods:
a Deployment, StatefulSet or LeaderWorkerSet in the copied pool's namespace whose pods the InferencePool selects. Of
several, \`pools.<name>.workload\` names the one to copy.`,
  fix: "Name the workload (`workload`), or give the new pool its own `model` and `server`.",
  check: (_config, observed, draft) =>
    copying(observed, draft).flatMap(({ planned: { pool }, copy }) => {
      const original = pool.templateOf;
      if (copy.state !== "none" || original === undefined) return [];
      const found = copy.found ?? [];
      const { workload } = original;
      if (workload !== undefined && found.length > 0) {
        return [
          {
            found: `pools.${pool.name}.workload is ${workload}, but pool ${original.name} selects the pods of ${found.join(", ")} in namespace ${original.namespace}`,
            fix: nameOne(pool.name, found),
          },
        ];
      }
      const many = found.length > 1;
      return [
        {
          found: many
            ? `pool ${original.name} selects the pods of ${found.length} workloads in namespace ${original.namespace} (${found.join(", ")}), but ${pool.name} can copy only one`
            : `pool ${original.name} selects no pods of a Deployment, StatefulSet or LeaderWorkerSet in namespace ${original.namespace}${found.length === 0 ? "" : ` (${found.join(", ")})`}, so ${pool.name} has nothing to copy`,
          fix: many ? fix`${nameOne(pool.name, found)}; or ${ownServer(pool.name)}` : ownServer(pool.name),
        },
      ];
    }),
};

/** The pods that are copied can run on the new nodes, and the program knows how to ask them. */
const likeUnusable: Rule = {
  id: "like-unusable",
  summary: `The pods to be copied cannot run as pods of a Deployment on the new nodes, or the program does not know how to ask
them: groups of several pods, volumes of each pod (\`volumeClaimTemplates\`), devices other than accelerators, resource
claims, TLS to the pod, several ports, more accelerators in the arguments than the new pool gives a replica, an engine
that neither a label nor command or image names. [An existing pool](gke.md#a-pool-created-outside-the-stack) lists what is
copied, what is left behind, and what is refused.`,
  fix: "Use the setting in the message, if there is one. Otherwise change the copied pods, or give the new pool its own server.",
  check: (config, observed, draft) =>
    copying(observed, draft).flatMap(({ planned: { pool }, copy }) => {
      const original = pool.templateOf;
      if (copy.pods === undefined || original === undefined) return [];
      const adapted = adaptedPods(config, pool, copy);
      const problems: Unusable[] = [
        ...(copy.unusable ?? []).map((what) => ({ what })),
        ...(adapted?.unusable ?? []),
        ...unknownServer(pool, copy),
        ...(copy.selectedBy ?? []).map((name) => ({
          what: `InferencePool ${name} in namespace ${copy.namespace} selects the labels of the copied pods, so it would send them its own traffic`,
        })),
      ];
      return problems.map((problem) => ({
        found: `${pool.name} copies the pods of ${original.name} (${copy.pods?.from ?? "kept"}), but ${problem.what}`,
        fix:
          problem.set !== undefined
            ? fix`${set(`pools.${pool.name}.${problem.set.field}`, problem.set.value)}`
            : fix`change it in the pods of ${original.name}, or ${ownServer(pool.name)}`,
      }));
    }),
};

function unknownServer(pool: OwnedPool, { pods, ports = [] }: ObservedCopy): Adapted["unusable"] {
  if (pods === undefined) return [];
  const template = overridden(pods.template, pods.overrides);
  const pod = podOf(template);
  const engine = engineOf(pod, template.metadata?.labels ?? {});
  const configured = pool.templateOf?.engine;
  const flag = portFlagOf(pod);
  const declared = [...pod.containers, ...(pod.initContainers ?? [])].flatMap(({ ports: list = [] }) =>
    list.map(({ containerPort }) => containerPort),
  );
  const [port] = ports;
  const wrongPort =
    port !== undefined &&
    ports.length === 1 &&
    flag !== undefined &&
    flag !== port &&
    !declared.includes(port);
  return [
    ...(engine === undefined && configured === undefined
      ? [
          {
            what: "neither a label, the command nor the image identifies the engine, and the picker must know its metrics",
            set: { field: "server.engine", value: engineNames()[0] ?? "ENGINE" },
          },
        ]
      : []),
    ...(engine !== undefined && configured !== undefined && configured !== engine
      ? [
          {
            what: `they run ${engine}, while the config says ${configured}`,
            set: { field: "server.engine", value: engine },
          },
        ]
      : []),
    ...(ports.length > 1
      ? [
          {
            what: `each pod serves on ${ports.length} ports (${ports.join(", ")}), while a pool of this stack has one`,
          },
        ]
      : []),
    ...(wrongPort
      ? [{ what: `its InferencePool uses port ${port}, while the server listens on ${flag} (--port)` }]
      : []),
  ];
}

/**
 * Everything that the copied pods name is in the namespace where the copy will run. Refused before anything is made:
 * such a pod waits in silence, on a node that was bought for it, until the update gives up.
 */
const likeReferenceMissing: Rule = {
  id: "like-reference-missing",
  summary: `The copied pods refer (in environment, volumes, init containers or \`imagePullSecrets\`) to Secrets, ConfigMaps,
PersistentVolumeClaims, a ServiceAccount, a PriorityClass or a RuntimeClass that does not exist in the namespace of
the copy, or to a claim that only one node can mount. Such pods would stay pending until the timeout
\`server.loadingMinutes\`. References marked \`optional\` are not checked. Objects that the identity that runs
\`pulumi\` may not read cause a note, not a refusal.`,
  fix: `Create what is missing; the message has the commands that copy it. Do not copy a Secret that a controller creates:
create the controller's object in the other namespace instead.`,
  check: (_config, observed, draft) =>
    copying(observed, draft).flatMap(({ planned: { pool }, copy }) => {
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
      const beside = fix`or keep ${pool.name} in the namespace of ${original}, where the objectives do not apply to it until it is promoted: ${set(`pools.${pool.name}.namespace`, source)}`;
      const accounts = copies.some(({ kind }) => kind === "ServiceAccount");
      return [
        {
          found: `${pool.name} copies the pods of ${original} to namespace ${namespace}, but they cannot start there: ${missing.map(missingText).join("; ")}`,
          fix: joinFixes(
            [
              ...(copies.length === 0 ? [] : [fix`${commands.join(" && ")}`]),
              ...(accounts
                ? [fix`if the ServiceAccount has IAM roles, grant them for namespace ${namespace} too`]
                : []),
              ...others.map((object) => fix`${byHandText(object, source, namespace)}`),
              ...(namespace !== source ? [beside] : []),
            ],
            "; ",
          ),
        },
      ];
    }),
};

/** Kinds of which a copy in another namespace does what the original does. */
const copyableKinds: ReadonlySet<string> = new Set([
  "Secret",
  "ConfigMap",
  "ServiceAccount",
  "SecretProviderClass",
]);

const isCopyable = ({ kind, problem, atSource, owner }: MissingObject): boolean =>
  problem.kind === "absent" && atSource && owner === undefined && copyableKinds.has(kind);

export function missingText({ kind, name, where, problem }: MissingObject): string {
  const named = `${kind} ${name} (${where.join(", ")})`;
  switch (problem.kind) {
    case "absent":
      return `there is no ${named}`;
    case "keys":
      return `${named} has no key ${problem.keys.join(", ")}`;
    case "single-node":
      return `${named} is ${problem.modes}, so only pods on one node can mount it`;
  }
}

/** kubectl drops the version and the identity of the original by itself. */
function copyCommand({ kind, name }: MissingObject, from: string, to: string): string {
  return `kubectl get ${kind.toLowerCase()} ${name} -n ${from} -o yaml | sed 's/^  namespace: .*/  namespace: ${to}/' | kubectl create -f -`;
}

export function byHandText(
  { kind, name, problem, owner }: MissingObject,
  source: string,
  namespace: string,
): string {
  const lower = kind.toLowerCase();
  if (problem.kind === "keys") {
    return `add the key ${problem.keys.join(", ")}: kubectl edit ${lower} ${name} -n ${namespace}`;
  }
  if (problem.kind === "single-node") {
    return `move the data to a volume that pods on many nodes can mount (ReadOnlyMany, ReadWriteMany), and use its claim instead of ${name} in the pods`;
  }
  if (owner !== undefined) {
    return `${owner} creates ${kind} ${name} in namespace ${source}: create the same ${owner} in namespace ${namespace}`;
  }
  switch (kind) {
    case "Secret":
      return `create it: kubectl create secret generic ${name} -n ${namespace} --from-literal KEY=VALUE`;
    case "ConfigMap":
    case "ServiceAccount":
      return `create it: kubectl create ${lower} ${name} -n ${namespace}`;
    case "PriorityClass":
      return `create it: kubectl create priorityclass ${name} --value VALUE`;
    case "PersistentVolumeClaim":
      return `create a PersistentVolumeClaim ${name} with the same data in namespace ${namespace}`;
    default:
      return `make ${kind} ${name}`;
  }
}

export const copyRules: readonly Rule[] = [likeWorkload, likeUnusable, likeReferenceMissing];
