import { podSelector, poolLabels } from "../../names";
import { resourceName } from "../../accelerators/accelerator";
import type { Hardware } from "../../accelerators/accelerators";
import type { Placement } from "../../accelerators/placement";
import {
  draining,
  spread,
  acceleratorsOfPod,
  nodeBinding,
  labelsOfNodes,
  type PlacementArgs,
  type PodTemplate,
} from "../pod-template";
import { containersOf, podOf, type PodSpec, type Unusable } from "./pod";
import { referencesOf } from "./references";
import type { PodPatch } from "../pod-settings";
import { changedFields, misfits, overridden, withScheduling } from "./overrides";
import { leaveDevices, leaveNodes, type NodeOwner } from "./scheduling";
import { acceleratorsOf, isAccelerator, serversOf, speaksTls, textOf, usedBy } from "./server";

/** Pods of a pool that was created outside this stack, to be run on other hardware. */
export interface CopiedPods {
  template: PodTemplate;
  /**
   * What the copied pool selects its pods by: a copy that kept these labels would get that pool's traffic. Absent in
   * copies that an earlier version made: then no label is kept.
   */
  selector?: Readonly<Record<string, string>>;
  /** What made the copied pods: kind, namespace/name. Absent in copies that an earlier version made. */
  from?: string;
  /** What the user changes of the template, each over the one before. Default: nothing. */
  overrides?: readonly PodPatch[];
}

/** Where the pods of a pool run, and on whose nodes. @param ownNodes whether they are made for this pool. */
export function copyArgs(
  service: string,
  pool: { name: string; hardware: Hardware },
  placement: Placement,
  ownNodes: boolean,
): CopyArgs {
  const { hardware } = pool;
  return {
    service,
    pool: pool.name,
    placement,
    acceleratorsPerReplica: hardware.acceleratorsPerReplica,
    provisioning: hardware.provisioning,
    prefersSpot: hardware.fallback !== undefined,
    nodes: ownNodes ? "own" : hardware.nodeLabels === undefined ? "gke-labels" : "named-labels",
    ...(ownNodes ? {} : { nodeLabels: labelsOfNodes(hardware, placement) }),
  };
}

export interface CopyArgs extends PlacementArgs, NodeOwner {
  /** Whether the pool has nodes of two kinds, of which spot nodes are preferred. Default: false. */
  prefersSpot?: boolean;
}

export interface Adapted {
  template: PodTemplate;
  /** What was taken over, what was left behind, and what a person should know, in words; no values of variables. */
  taken: readonly string[];
  left: readonly string[];
  notes: readonly string[];
  unusable: readonly Unusable[];
}

/**
 * The same pod on other hardware: "the same model configuration" of a node update. Model, image, arguments, probes
 * and volumes stay as they are; what chooses nodes and counts accelerators changes, and the labels that the copied pool
 * selects by.
 */
export function adaptPods(copied: CopiedPods, args: CopyArgs): Adapted {
  const { selector, overrides } = copied;
  const template = overridden(copied.template, overrides);
  const pod = podOf(template);
  const labels = template.metadata?.labels ?? {};
  const { left, unusable } = leaveNodes(pod, labels, args);
  const devices = leaveDevices(template.metadata?.annotations ?? {});
  const kept = selector === undefined ? {} : without(labels, selector);
  const binding = nodeBinding(args);
  const spec = {
    ...pod,
    nodeSelector: { ...pod.nodeSelector, ...binding.nodeSelector },
    tolerations: [...(pod.tolerations ?? []), ...binding.tolerations],
  };
  const { affinity, topologySpreadConstraints } = spread(args.pool, args.prefersSpot ?? false);
  const together = { ...pod.affinity, ...(affinity as object | undefined) };
  const placed = withScheduling(
    {
      ...spec,
      ...(Object.keys(together).length === 0 ? {} : { affinity: together }),
      topologySpreadConstraints: topologySpreadConstraints as NonNullable<
        PodSpec["topologySpreadConstraints"]
      >,
    },
    overrides,
    binding.tolerations,
  );
  const notes: string[] = [];
  notes.push(...drainNotes(spec));
  const problems = [
    ...unusable,
    ...countAccelerators(spec, args, notes),
    ...deviceProblems(spec, args),
    ...startProblems(spec),
    ...misfits(copied, overrides),
  ];
  return {
    template: {
      metadata: { labels: kept, annotations: devices.annotations },
      spec: placed as unknown as PodTemplate["spec"],
    },
    taken: [...takenOver(podOf(template), kept), ...changedFields(overrides)],
    left: [
      ...left,
      ...devices.left,
      ...Object.entries(selector ?? labels).map(([key, value]) => `label ${key}=${value}`),
    ],
    notes,
    unusable: problems,
  };
}

/** Labels of the copy's pods, once the program's own are on them. */
export function labelsOfCopy(
  { template: found, selector, overrides }: CopiedPods,
  service: string,
  pool: string,
): Record<string, string> {
  const template = overridden(found, overrides);
  const kept = selector === undefined ? {} : without(template.metadata?.labels ?? {}, selector);
  return { ...kept, ...poolLabels(service, pool), ...podSelector(pool) };
}

function without<V>(entries: Readonly<Record<string, V>>, keys: object): Record<string, V> {
  return Object.fromEntries(Object.entries(entries).filter(([key]) => !(key in keys)));
}

/** Puts the new accelerator in the old one's place. */
function countAccelerators(spec: PodSpec, args: CopyArgs, notes: string[]): Unusable[] {
  const servers = serversOf(spec);
  const count = acceleratorsOfPod(args);
  const [server] = servers;
  if (server === undefined)
    return [{ what: "none of its containers requests an accelerator (resources.limits)" }];
  if (servers.length > 1) {
    const names = servers.map(({ name }) => name).join(" and ");
    return [
      {
        what: `its containers ${names} each request accelerators, and the program does not know how to divide the new ones between them`,
      },
    ];
  }
  const before = acceleratorsOf(server);
  const used = usedBy(spec);
  const field = "acceleratorsPerReplica";
  if (used !== undefined && used > count) {
    return [
      {
        what: `its arguments use ${used} accelerators, while a replica of ${args.pool} has ${count}`,
        set: { field, value: used },
      },
    ];
  }
  if (used !== undefined && used < count)
    notes.push(
      `the copied arguments use ${used} of the ${count} accelerators that a replica of ${args.pool} has`,
    );
  if (used === undefined && before !== count)
    notes.push(
      `the copied pods have ${before} accelerators, and those of ${args.pool} have ${count}; check that the server uses all of them, because its arguments do not say how many`,
    );
  const resource = resourceName(args.placement.accelerator);
  for (const list of [server.resources?.limits, server.resources?.requests]) {
    if (list === undefined) continue;
    const names = Object.keys(list).filter(isAccelerator);
    for (const name of names) Reflect.deleteProperty(list, name);
    if (names.length > 0) list[resource] = String(count);
  }
  return [];
}

/**
 * Pods that end at once when they leave, or that are killed before they have. The sleep lasts as long as the streams may:
 * it needs nothing of the server, whose flags stay as they were copied.
 */
function drainNotes(spec: PodSpec): string[] {
  const [server] = serversOf(spec);
  if (server === undefined) return [];
  const { terminationGracePeriodSeconds: grace = 30 } = spec;
  const { preStopSeconds, finishSeconds, graceSeconds } = draining;
  if (server.lifecycle?.preStop !== undefined && grace > preStopSeconds) return [];
  const overrides = {
    spec: {
      terminationGracePeriodSeconds: graceSeconds,
      containers: [
        {
          name: server.name,
          lifecycle: { preStop: { sleep: { seconds: preStopSeconds + finishSeconds } } },
        },
      ],
    },
  };
  return [
    `the copied pods do not finish their streams when they leave (${server.lifecycle?.preStop === undefined ? `${server.name} has no preStop hook` : `they are killed after ${grace} s`}): to change that in a new copy, like: {pool: ..., overrides: ${JSON.stringify(overrides)}}`,
  ];
}

/** What a pod needs of its node that nodes with another accelerator do not offer. */
function deviceProblems(spec: PodSpec, { nodes, placement }: CopyArgs): Unusable[] {
  const containers = containersOf(spec);
  const devices = containers
    .flatMap(({ resources }) => [
      ...Object.keys(resources?.limits ?? {}),
      ...Object.keys(resources?.requests ?? {}),
    ])
    .filter((name) => name.includes("/") && !isAccelerator(name));
  const claimed = (spec.resourceClaims ?? []).length > 0;
  const ports = containers.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort }) => hostPort ?? []));
  return [
    ...(nodes === "own" ? [...new Set(devices)] : []).map((name) => ({
      what: `it requests ${name}, which this pool's nodes do not have`,
    })),
    ...(claimed ? [{ what: "it uses resource claims (DRA) that name the old devices" }] : []),
    ...((ports.length > 0 || spec.hostNetwork === true) && placement.replicasPerNode > 1
      ? [
          {
            what: `it uses ports of its node${ports.length === 0 ? " (hostNetwork)" : ` (${ports.join(", ")})`}, while ${placement.replicasPerNode} replicas share a node`,
          },
        ]
      : []),
  ];
}

/** What a pod needs before or while it starts that a Deployment's pod has not. */
function startProblems(spec: PodSpec): Unusable[] {
  const text = textOf(spec);
  return [
    ...(speaksTls(spec)
      ? [
          {
            what: "its server uses TLS (--ssl-certfile), which this program's picker and health check do not support",
          },
        ]
      : []),
    ...((spec.schedulingGates ?? []).length > 0
      ? [
          {
            what: `its pods have scheduling gates (${(spec.schedulingGates ?? []).map(({ name }) => name).join(", ")})`,
          },
        ]
      : []),
    ...(/\bLWS_[A-Z_]+/.test(text)
      ? [{ what: "its server reads variables that only LeaderWorkerSet sets (LWS_...)" }]
      : []),
    ...(/##\*-|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index/.test(text)
      ? [{ what: "its server reads its ordinal from its pod name, which only a StatefulSet sets" }]
      : []),
  ];
}

/** What the copy has of the original, by name. */
function takenOver(pod: PodSpec, labels: Readonly<Record<string, string>>): string[] {
  const {
    containers,
    initContainers = [],
    volumes = [],
    schedulerName,
  } = pod as PodSpec & { schedulerName?: string };
  const names = (list: readonly { name: string }[]): string => list.map(({ name }) => name).join(", ");
  return [
    ...containers.map(
      ({ name, image }) =>
        `container ${name} (${image ?? "no image"}): command, arguments, environment, probes`,
    ),
    ...(initContainers.length === 0 ? [] : [`init containers ${names(initContainers)}`]),
    ...(volumes.length === 0 ? [] : [`volumes ${names(volumes)}`]),
    ...referencesOf(pod).map(({ kind, name }) => `${kind} ${name}`),
    ...Object.entries(labels).map(([key, value]) => `label ${key}=${value}`),
    ...(schedulerName === undefined || schedulerName === "default-scheduler"
      ? []
      : [`schedulerName ${schedulerName}`]),
  ];
}
