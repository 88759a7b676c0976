import type { ObservedCopy, Observed } from "../plan/observed";
import type { OwnedPool, ServiceConfig } from "../plan/service-config";
import { UserError } from "../messages/user-error";
import { labelsOfCopy, type CopiedPods } from "../../components/model-server/copied/adapt";
import { overridden } from "../../components/model-server/copied/overrides";
import { podOf } from "../../components/model-server/copied/pod";
import { referencesOf } from "../../components/model-server/copied/references";
import type { PodTemplate } from "../../components/model-server/pod-template";
import { annotations, podSelector } from "../../components/names";
import { overridesOf } from "../plan/copied-pools";
import { namespaceOf } from "../plan/plan";
import type { ClusterReader, LiveObject } from "./cluster-reader";
import { copiedPicker } from "./copied-picker";
import { deploymentsPath, everyKind, groupLabels, modelServersIn } from "./model-servers";
import { poolsPath } from "./paths";
import { missingReferences } from "./missing-references";
import { isSelected, selectorOf, selectsPodsOf, type Labels } from "./selectors";

/**
 * What the pools of this stack copy that are like a pool of others. Once a pool is made, the copy that is kept on it
 * counts: the original may change or go, and the pool's pods must not. So it is for pools that are like that pool.
 * @param ownNodes whether the pools' nodes are made for them.
 */
export async function observedCopies(
  reader: ClusterReader,
  config: ServiceConfig,
  observed: Observed,
  ownNodes: boolean,
): Promise<Readonly<Record<string, ObservedCopy>>> {
  const wanted = [config.stable, config.candidate]
    .map((name) => (name === undefined ? undefined : config.pools[name]))
    .filter((pool): pool is OwnedPool => pool?.existing === false && pool.templateOf !== undefined);
  const found = await Promise.all(
    wanted.map(async (pool) => {
      const namespace = namespaceOf(pool, observed);
      const copy = await copyFor(reader, config, observed, pool, namespace);
      return [pool.name, copy === undefined ? undefined : { ownNodes, namespace, ...copy }] as const;
    }),
  );
  return Object.fromEntries(
    found.filter((entry): entry is readonly [string, ObservedCopy] => entry[1] !== undefined),
  );
}

type Found = Omit<ObservedCopy, "ownNodes" | "namespace">;
/** With the namespace that the pods were read in, and the pool that keeps them. Default: the original's, and none. */
type FoundIn = Found & { readIn?: string; keptBy?: string };

async function copyFor(
  reader: ClusterReader,
  config: ServiceConfig,
  observed: Observed,
  pool: OwnedPool,
  namespace: string,
): Promise<Found | undefined> {
  const { templateOf } = pool;
  if (templateOf === undefined) return undefined;
  const made = await kept(reader, pool.name, namespace);
  if (made !== undefined) return { state: "made", pods: made.pods };
  const source = await toCopy(reader, config, observed, pool);
  if (source === undefined) return undefined;
  const { readIn = templateOf.namespace, keptBy, ...found } = source;
  if (found.pods === undefined) return found;
  const pods = withOverrides(found.pods, templateOf, keptBy);
  const [references, selectedBy] = await Promise.all([
    missingReferences(
      reader,
      referencesOf(podOf(overridden(pods.template, pods.overrides))),
      namespace,
      readIn,
    ),
    selectingPools(reader, labelsOfCopy(pods, config.service, pool.name), pool.name, namespace),
  ]);
  return { ...found, pods, ...references, selectedBy };
}

/** @param keptBy the pool of this stack whose copy is copied; of one beside the pool, its own changes do not count. */
function withOverrides(
  { overrides: before = [], ...pods }: CopiedPods,
  templateOf: NonNullable<OwnedPool["templateOf"]>,
  keptBy: string | undefined,
): CopiedPods {
  const isBetween = keptBy !== undefined && templateOf.through.includes(keptBy);
  const all = isBetween ? [...before, ...overridesOf(templateOf, keptBy)] : overridesOf(templateOf);
  return all.length === 0 ? pods : { ...pods, overrides: all };
}

/** The copy that a pool of this stack keeps, and the port of the pool that has it. */
async function kept(
  reader: ClusterReader,
  pool: string,
  namespace: string,
): Promise<{ pods: CopiedPods } | undefined> {
  const deployments = await reader.list(deploymentsPath(namespace));
  const own = deployments.find(
    (deployment) =>
      selectsPodsOf(podSelector(pool), deployment) &&
      deployment.metadata.annotations?.[annotations.template] !== undefined,
  );
  const notes = own?.metadata.annotations ?? {};
  const text = notes[annotations.template];
  if (text === undefined) return undefined;
  const template = parsed(text);
  if (template === undefined) {
    throw new UserError(
      `Annotation ${annotations.template} of Deployment ${namespace}/${own?.metadata.name ?? ""} is no longer valid JSON, ` +
        `and the pods of ${pool} are created from it. Restore its text from the stack's state: pulumi stack export`,
    );
  }
  const more = (parsed(notes[annotations.copied] ?? "{}") ?? {}) as Omit<CopiedPods, "template">;
  return { pods: { ...more, template: template as PodTemplate } };
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a new pool copies: what a pool between it and the original keeps, else the original itself, else what any other
 * copy of that keeps. The original, or what stood behind it, may be gone by now.
 */
async function toCopy(
  reader: ClusterReader,
  config: ServiceConfig,
  observed: Observed,
  pool: OwnedPool,
): Promise<FoundIn | undefined> {
  const { templateOf } = pool;
  if (templateOf === undefined) return undefined;
  const between = await keptByOthers(reader, config, observed, templateOf.through);
  if (between !== undefined) return between;
  const first = templateOf.undeclared === true ? undefined : await original(reader, templateOf);
  if (first !== undefined && (first.pods !== undefined || (first.found ?? []).length > 0)) return first;
  return (await keptByOthers(reader, config, observed, otherCopies(config, pool))) ?? first;
}

/** Pools of this stack that copy the same pods. */
function otherCopies({ pools }: ServiceConfig, { name, templateOf }: OwnedPool): string[] {
  return Object.values(pools)
    .filter(
      (other) =>
        !other.existing &&
        other.name !== name &&
        other.templateOf?.name === templateOf?.name &&
        other.templateOf?.namespace === templateOf?.namespace,
    )
    .map((other) => other.name);
}

async function keptByOthers(
  reader: ClusterReader,
  config: ServiceConfig,
  observed: Observed,
  names: readonly string[],
): Promise<FoundIn | undefined> {
  for (const name of names) {
    const pool = config.pools[name];
    if (pool === undefined || pool.existing) continue;
    const namespace = namespaceOf(pool, observed);
    const found = await kept(reader, name, namespace);
    if (found === undefined) continue;
    const ports = portsOf(await reader.get(`${poolsPath(namespace)}/${name}`));
    return { state: "new", ...found, ports, readIn: namespace, keptBy: name };
  }
  return undefined;
}

interface WorkloadSpec {
  template: PodTemplate;
  size?: number;
  volumeClaimTemplates?: { metadata?: { name?: string } }[];
}

async function original(
  reader: ClusterReader,
  {
    name,
    namespace,
    workload,
  }: Pick<NonNullable<OwnedPool["templateOf"]>, "name" | "namespace" | "workload">,
): Promise<Found | undefined> {
  const [pool, servers] = await Promise.all([
    reader.get(`${poolsPath(namespace)}/${name}`),
    modelServersIn(reader, namespace, everyKind),
  ]);
  if (pool === undefined) return undefined;
  const selector = selectorOf(pool);
  const all = servers.filter((server) => selectsPodsOf(selector, server));
  const behind = all.filter(
    ({ kind, metadata }) =>
      workload === undefined || [metadata.name, `${kind ?? ""}/${metadata.name}`].includes(workload),
  );
  const [server] = behind;
  if (server === undefined && all.length > 0) return { state: "none", found: all.map(nameOf) };
  const picker = await copiedPicker(reader, pool, namespace);
  if (server === undefined) return { state: "none", found: await podsText(reader, namespace, selector) };
  if (behind.length > 1) return { state: "none", found: behind.map(nameOf) };
  const { template, size = 1, volumeClaimTemplates = [] } = server["spec"] as WorkloadSpec;
  return {
    state: "new",
    pods: {
      template: withoutGroupLabels(template),
      selector,
      from: `${nameOf(server)} in namespace ${namespace}`,
    },
    ports: portsOf(pool),
    ...(picker === undefined ? {} : { picker }),
    unusable: [
      ...(size > 1
        ? [
            `a replica of it is a group of ${size} pods, and this program copies only pods that each serve alone`,
          ]
        : []),
      ...(volumeClaimTemplates.length === 0
        ? []
        : [
            `each of its pods has its own volumes (${volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? "").join(", ")}), which a Deployment does not support`,
          ]),
    ],
  };
}

const nameOf = ({ kind, metadata }: LiveObject): string => `${kind ?? ""} ${metadata.name}`;

/** What a pool selects where no workload is behind it. */
async function podsText(reader: ClusterReader, namespace: string, selector: Labels): Promise<string[]> {
  const pods = (await reader.list(`/api/v1/namespaces/${namespace}/pods`)).filter((pod) =>
    isSelected(pod, selector),
  );
  const makers = pods.map(({ metadata }) => {
    const [owner] =
      (metadata as { ownerReferences?: { kind: string; name: string }[] }).ownerReferences ?? [];
    return owner === undefined ? "nobody" : `${owner.kind} ${owner.name}`;
  });
  if (pods.length === 0) return [];
  return [
    `${pods.length} ${pods.length === 1 ? "pod" : "pods"} created by ${[...new Set(makers)].join(", ")}`,
  ];
}

function withoutGroupLabels(template: PodTemplate): PodTemplate {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(
    ([key]) => !key.startsWith(groupLabels),
  );
  return { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } };
}

function portsOf(pool: LiveObject | undefined): number[] {
  const spec = pool?.["spec"] as { targetPorts?: { number: number }[] } | undefined;
  return (spec?.targetPorts ?? []).map(({ number }) => number);
}

/** InferencePools of others that would send their traffic to the copy, too. */
async function selectingPools(
  reader: ClusterReader,
  labels: Labels,
  own: string,
  namespace: string,
): Promise<string[]> {
  const pod: LiveObject = { metadata: { name: own, labels } };
  return (await reader.list(poolsPath(namespace)))
    .filter((pool) => pool.metadata.name !== own && isSelected(pod, selectorOf(pool)))
    .map(({ metadata }) => metadata.name);
}
