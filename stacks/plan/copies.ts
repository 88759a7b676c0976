import type { OwnedPool, ServiceConfig, Observed, Draft, PlannedPool, Refusal } from "./model";
import { engineNames, isEngine } from "../../components/engines/catalogue";
import {
  adaptPods,
  copyArgs,
  type Adapted,
  type CopiedPods,
} from "../../components/model-server/copied/adapt";
import { podOf, type Unusable } from "../../components/model-server/copied/pod";
import { engineOf, portFlagOf } from "../../components/model-server/copied/server";
import { removeCommand, setCommand } from "../messages/mistakes";
import { sharesOf } from "./shares";
import type { MissingObject } from "./copy-references";

/*
 * A pool that copies the pods of one that was created outside this stack. What the copy needs is looked at before
 * anything is made: that it is known which pods are meant, that they can run on the new machines, and that everything
 * they name is where they will run. A copy that is made is kept as it was made.
 */

/** What there is to copy for one pool. */
export interface ObservedCopy {
  /** Whether the nodes are made for this pool. */
  ownNodes: boolean;
  /** Where the pool lives or will live. */
  namespace: string;
  /** made: the pool runs copied pods already. new: it is about to. none: what would be copied is not one workload. */
  state: "made" | "new" | "none";
  /** The pods; absent in state none. */
  pods?: CopiedPods;
  /** Ports of the copied InferencePool. */
  ports?: readonly number[];
  /** What stands behind the copied pool, in words, where it is not one workload. */
  found?: readonly string[];
  /** Why this workload's pods are no pods that stand by themselves. */
  unusable?: readonly string[];
  /** What the pods name and the namespace has not. */
  missing?: readonly MissingObject[];
  /** What could not be looked up, for lack of rights. */
  unchecked?: readonly string[];
  /** InferencePools there that would select the copy's pods too. */
  selectedBy?: readonly string[];
}

/** The adapted pods of a pool, as they will be rendered; undefined where there is nothing to copy. */
export function adaptedPods(
  { service }: ServiceConfig,
  pool: OwnedPool,
  copy: ObservedCopy | undefined,
): Adapted | undefined {
  if (copy?.pods === undefined) return undefined;
  return adaptPods(copy.pods, copyArgs(service, pool, pool.placement, copy.ownNodes));
}

/** A pool with the engine and port of the pods that it copies; one that is made keeps those it was made with. */
export function asCopied(pool: OwnedPool, observed: Observed): OwnedPool {
  if (pool.templateOf === undefined) return pool;
  const identity = observed.pools.find(({ name, owned }) => owned && name === pool.name)?.identity;
  const { server } = pool;
  if (identity !== undefined) {
    const engine = identity["server.engine"];
    const port = Number(identity["server.port"] ?? server.port);
    // An earlier version gave a copy the config's engine, and did not write it down.
    return isEngine(engine) ? { ...pool, server: { ...server, engine, port }, copied: true } : pool;
  }
  const copy = observed.copies?.[pool.name];
  if (copy?.pods === undefined) return pool;
  const { template } = copy.pods;
  const engine = pool.templateOf.engine ?? engineOf(podOf(template), template.metadata?.labels ?? {});
  return {
    ...pool,
    server: { ...server, engine: engine ?? server.engine, port: copy.ports?.[0] ?? server.port },
    copied: true,
  };
}

/** Pools whose copy is about to be made, or whose copied pods are gone. Whoever only loses traffic is not held up. */
export function copying(observed: Observed, draft: Draft): { planned: PlannedPool; copy: ObservedCopy }[] {
  const live = sharesOf(observed.route?.backends ?? []);
  return draft.pools.flatMap((planned) => {
    const { name } = planned.pool;
    const copy = observed.copies?.[name];
    const falls = (live.get(name) ?? 0) > (draft.shares[name] ?? 0);
    return copy === undefined || copy.state === "made" || falls ? [] : [{ planned, copy }];
  });
}

const ownServer = (pool: string): string =>
  `give ${pool} a model server of its own instead: ${removeCommand(`pools.${pool}.like`)} && ${setCommand(`pools.${pool}.model`, "MODEL")}`;

/** Exactly one workload makes the pods of the copied pool. */
export function likeWorkload(_config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  return copying(observed, draft).flatMap(({ planned: { pool }, copy }) => {
    const original = pool.templateOf;
    if (copy.state !== "none" || original === undefined) return [];
    const found = copy.found ?? [];
    const many = found.length > 1;
    return [
      {
        rule: "like-workload",
        found: many
          ? `pool ${original.name} selects the pods of ${found.length} workloads in namespace ${original.namespace} (${found.join(", ")}), and ${pool.name} can copy one`
          : `pool ${original.name} selects no pods of a Deployment, StatefulSet or LeaderWorkerSet in namespace ${original.namespace}${found.length === 0 ? "" : ` (${found.join(", ")})`}, so ${pool.name} has nothing to copy`,
        fix: `${many ? "make an InferencePool that selects one of them, and copy that; or " : ""}${ownServer(pool.name)}`,
      },
    ];
  });
}

/** The pods that are copied can run on the new machines, and the program knows how to ask them. */
export function likeUnusable(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  return copying(observed, draft).flatMap(({ planned: { pool }, copy }) => {
    const original = pool.templateOf;
    if (copy.pods === undefined || original === undefined) return [];
    const adapted = adaptedPods(config, pool, copy);
    const problems: Unusable[] = [
      ...(copy.unusable ?? []).map((what) => ({ what })),
      ...(adapted?.unusable ?? []),
      ...unknownServer(pool, copy),
      ...(copy.selectedBy ?? []).map((name) => ({
        what: `InferencePool ${name} in namespace ${copy.namespace} selects pods with the copy's labels and would send it its own traffic`,
      })),
    ];
    return problems.map((problem) => ({
      rule: "like-unusable",
      found: `${pool.name} copies the pods of ${original.name} (${copy.pods?.from ?? "kept"}), and ${problem.what}`,
      fix:
        problem.set !== undefined
          ? setCommand(`pools.${pool.name}.${problem.set.field}`, problem.set.value)
          : `change it in the pods of ${original.name}, or ${ownServer(pool.name)}`,
    }));
  });
}

function unknownServer(pool: OwnedPool, { pods, ports = [] }: ObservedCopy): Adapted["unusable"] {
  if (pods === undefined) return [];
  const pod = podOf(pods.template);
  const engine = engineOf(pod, pods.template.metadata?.labels ?? {});
  const told = pool.templateOf?.engine;
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
    ...(engine === undefined && told === undefined
      ? [
          {
            what: "neither a label nor command or image says which engine it is, whose metrics the picker has to read",
            set: { field: "server.engine", value: engineNames()[0] ?? "ENGINE" },
          },
        ]
      : []),
    ...(engine !== undefined && told !== undefined && told !== engine
      ? [
          {
            what: `they run ${engine}, the config says ${told}`,
            set: { field: "server.engine", value: engine },
          },
        ]
      : []),
    ...(ports.length > 1
      ? [
          {
            what: `each answers on ${ports.length} ports (${ports.join(", ")}); a pool of this stack has one`,
          },
        ]
      : []),
    ...(wrongPort
      ? [{ what: `its InferencePool names port ${port}, while the server listens on ${flag} (--port)` }]
      : []),
  ];
}

/** What was copied for a pool, for people and scripts. */
export interface CopyReport {
  from: string;
  taken: readonly string[];
  left: readonly string[];
  notes: readonly string[];
}

/** Undefined for a pool that copies nothing. */
export function copyReport(
  config: ServiceConfig,
  pool: OwnedPool,
  observed: Observed,
): CopyReport | undefined {
  const copy = observed.copies?.[pool.name];
  const adapted = adaptedPods(config, pool, copy);
  if (copy?.pods === undefined || adapted === undefined) return undefined;
  return {
    from: copy.pods.from ?? pool.templateOf?.name ?? "",
    taken: [...adapted.taken, `port ${pool.server.port}`, `engine ${pool.server.engine}`],
    left: adapted.left,
    notes: [
      ...adapted.notes,
      ...(copy.unchecked ?? []).map((what) => `not known whether it is there: ${what} (no right to read it)`),
    ],
  };
}
