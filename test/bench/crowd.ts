import { randomUUID } from "node:crypto";
import type { KubernetesObject } from "@kubernetes/client-node";
import { ownerOn } from "../../stacks/plan/claims";
import { kwokNode } from "../../lab/cluster/kwok";
import { eventually, type StackLab } from "../end-to-end/stack-lab";

/*
 * Many other services on one platform: copies of what a service's stack has made, under other names. Their model
 * servers run; their pickers do not, because fifty pickers would measure this machine.
 */

type Live = KubernetesObject & Record<string, unknown>;

/** Each service's own, in the order in which it can be made. */
const kinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ["v1", "ServiceAccount"],
  ["v1", "ConfigMap"],
  ["v1", "Service"],
  ["policy/v1", "PodDisruptionBudget"],
  ["rbac.authorization.k8s.io/v1", "Role"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
  ["rbac.authorization.k8s.io/v1", "ClusterRoleBinding"],
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"],
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"],
  ["inference.networking.k8s.io/v1", "InferencePool"],
  ["networking.gke.io/v1", "HealthCheckPolicy"],
  ["networking.gke.io/v1", "GCPBackendPolicy"],
  ["apps/v1", "Deployment"],
  ["gateway.networking.k8s.io/v1", "HTTPRoute"],
];

export interface Crowd {
  services: number;
  /** Pools of all of them; each service has two, and some have more. */
  pools: number;
  nodes: number;
}

/**
 * @param model the service whose objects are copied. Its name is that of its namespace and begins those of its pools,
 * and it is a word that stands for nothing else.
 */
export async function gather(lab: StackLab, model: string, crowd: Crowd): Promise<void> {
  await addNodes(lab, crowd.nodes);
  const home = await lab.get<Live>("v1", "Namespace", "", model);
  const owner = ownerOn(home?.metadata ?? {})?.id;
  if (home === undefined || owner === undefined) throw new Error(`no stack has made namespace ${model}`);
  const originals = (await Promise.all(kinds.map((kind) => ownedBy(lab, model, kind)))).flat();
  const more = crowd.pools - 2 * crowd.services;
  for (let i = 0; i < crowd.services; i++) {
    const name = `other-${i}`;
    // Of a stack of its own.
    const names: Renamed[] = [
      [model, name],
      [owner, randomUUID()],
    ];
    await lab.objects.create(renamed({ ...without(home, "spec"), metadata: home.metadata ?? {} }, names));
    const own = originals.map((object) => renamed(object, names));
    const third = i < more ? originals.filter((object) => poolOf(object) === `${model}-b`) : [];
    for (const object of [
      ...own,
      ...third.map((one) => renamed(one, [[`${model}-b`, `${model}-c`], ...names])),
    ])
      await lab.objects.create(onNode(object, i % nodesWithPods));
  }
  await eventually(
    "the other services' model servers are ready",
    async () => {
      const { items } = await lab.objects.list<Live & { status?: { readyReplicas?: number } }>(
        "apps/v1",
        "Deployment",
      );
      return items
        .filter((one) => isServer(one) && isOther(one))
        .every(({ status }) => status?.readyReplicas === 1);
    },
    300,
  );
}

async function ownedBy(
  lab: StackLab,
  service: string,
  [apiVersion, kind]: readonly [string, string],
): Promise<Live[]> {
  const selector = `inference-rollout/service=${service}`;
  const { items } = await lab.objects.list<Live>(
    apiVersion,
    kind,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    selector,
  );
  // A list's items leave both out.
  return items.map((item) => ({ ...item, apiVersion, kind }));
}

type Renamed = readonly [from: string, to: string];

/** A copy as somebody else's, without what the API server and others have written. */
function renamed(object: Live, names: readonly Renamed[]): Live {
  const rest = without(object, "status");
  const { name, namespace, labels = {}, annotations = {} } = object.metadata ?? {};
  const metadata = {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...{ labels, annotations },
  };
  return JSON.parse(
    names.reduce((text, [from, to]) => text.replaceAll(from, to), JSON.stringify({ ...rest, metadata })),
  ) as Live;
}

const poolOf = ({ metadata }: Live): string | undefined => metadata?.labels?.["inference-rollout/pool"];
const isOther = ({ metadata }: Live): boolean => metadata?.namespace?.startsWith("other-") === true;
const isServer = (object: Live): boolean => object.metadata?.name === poolOf(object);

/** One model server for each pool, on a node that is there; no picker, and nothing that loads adapters. */
function onNode(object: Live, node: number): Live {
  const { kind, spec } = object as Live & { spec?: Record<string, unknown> };
  if (kind === "Service") return { ...object, spec: without(spec ?? {}, "clusterIP", "clusterIPs") };
  if (kind !== "Deployment") return object;
  if (!isServer(object)) return { ...object, spec: { ...spec, replicas: 0 } };
  const template = spec?.["template"] as { spec: { containers: Record<string, unknown>[] } };
  const containers = template.spec.containers.map((container) => without(container, "resources"));
  const pods = without(
    template.spec,
    "initContainers",
    "nodeSelector",
    "affinity",
    "topologySpreadConstraints",
  );
  return {
    ...object,
    spec: {
      ...spec,
      replicas: 1,
      template: { ...template, spec: { ...pods, containers, nodeName: nodeName(node) } },
    },
  };
}

function without(fields: Readonly<Record<string, unknown>>, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

const nodeName = (i: number): string => `bulk-${i}`;

/** Nodes that are alive: a thousand leases that are renewed would measure the API server. The others are objects. */
const nodesWithPods = 5;

export async function addNodes(lab: StackLab, count: number): Promise<void> {
  const capacity = { cpu: "96", memory: "512Gi", pods: "28" };
  const one = (i: number): KubernetesObject & Record<string, unknown> => {
    // Behind those that the stacks' own nodes get.
    const podCIDR = lab.lab.range.nodeCidr(500 + (i % nodesWithPods));
    const lives = i < nodesWithPods;
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: nodeName(i),
        ...(lives ? { annotations: { [kwokNode.key]: kwokNode.value } } : {}),
        labels: { "kubernetes.io/hostname": nodeName(i) },
      },
      ...(lives ? { spec: { podCIDR, podCIDRs: [podCIDR] } } : {}),
      status: { capacity, allocatable: capacity },
    };
  };
  for (let i = 0; i < count; i += 20) {
    await Promise.all(
      Array.from({ length: Math.min(20, count - i) }, (_, j) => lab.objects.create(one(i + j))),
    );
  }
}
