import { fix, remove, set, type ConfigEdit, type Fix } from "../config-edits";
import type { Finding, Refusal, Rule } from "../model";
import type { GkePlace, HeldPlatform, PlatformStanding, WantedPlatform } from "../standing";

/*
 * What a stack stands on, and what of it would go because the config says something else. A cluster, a network or a node
 * pool that the program registers no more is deleted, whoever runs on it; and one whose place changes is deleted before the
 * new one is made. The stack's own state says what there is, so this holds for stacks of every earlier version.
 */

export function platformFindings({ held, wanted }: PlatformStanding): Finding[] {
  const stays = held.cluster !== undefined && wanted.mode === "create" && isSame(held.cluster, wanted.place);
  return [
    ...(held.cluster === undefined || stays ? [] : [clusterLost(held.cluster, held, wanted)]),
    ...(stays ? networkLost(held, wanted) : []),
    ...nodePoolsLost(held, wanted),
    ...poolsLost(held, wanted),
  ];
}

/** @returns the same for a stack that is a platform only, which has no plan. */
export const platformRefusals = (standing: PlatformStanding): Refusal[] =>
  platformFindings(standing).map((finding) => ({ rule: platformChanged.id, ...finding }));

const platformChanged: Rule = {
  id: "platform-changed",
  summary: `The update would delete what this stack created and services run on: the cluster with its system nodes and network, node
pools with their pods, or pools with their model servers. The config says another \`role\`, \`cluster\`, \`gcp:project\` or
\`gcp:region\` than the stack was deployed with. To name the cluster that the stack created is such a change too:
\`cluster.name\` without \`cluster.create\` means a cluster created outside this stack.`,
  fix: `Restore the keys. To move, create another stack, move the clients to it, then destroy this one.`,
  check: (_config, { standing }) => (standing === undefined ? [] : platformFindings(standing)),
};

export const platformRules: readonly Rule[] = [platformChanged];

const nameOf = ({ name, location, project }: GkePlace): string =>
  `${name} (${location}${project === undefined ? "" : `, project ${project}`})`;

const isSame = (one: GkePlace, other: GkePlace | undefined): boolean =>
  other !== undefined &&
  one.name === other.name &&
  one.location === other.location &&
  (one.project === undefined || other.project === undefined || one.project === other.project);

function clusterLost(cluster: GkePlace, held: HeldPlatform, wanted: WantedPlatform): Finding {
  return {
    found: `this stack created cluster ${nameOf(cluster)}: the update would delete it with its nodes and network, because ${reasonOf(wanted)}`,
    fix: wayBack(cluster, held, wanted, true),
  };
}

function reasonOf({ role, mode, place }: WantedPlatform): string {
  if (role === "service") return "the config says role service";
  if (mode === "kubeconfig") return "the config has cluster.kubeconfig";
  const named = place === undefined ? "another cluster" : `cluster ${nameOf(place)}`;
  return mode === "create"
    ? `the config says to create ${named}`
    : `the config says that ${named} was created outside this stack`;
}

/** The edits that lead back to a cluster. */
function wayBack(
  cluster: GkePlace,
  { pools, regions }: HeldPlatform,
  { role, mode, place, region }: WantedPlatform,
  created: boolean,
): Fix {
  const isAll = pools.length > 0;
  const edits: ConfigEdit[] = [
    ...(role === "service" ? [set("role", isAll ? "all" : "platform")] : []),
    ...(mode === "kubeconfig" ? [remove("cluster.kubeconfig")] : []),
    ...(place?.name === cluster.name ? [] : [set("cluster.name", cluster.name)]),
    ...(place?.location === cluster.location ? [] : [set("cluster.location", cluster.location)]),
    ...(cluster.project === undefined || place?.project === cluster.project
      ? []
      : [set("gcp:project", cluster.project)]),
    ...regions
      .filter((one) => created && one !== region)
      .slice(0, 1)
      .map((one) => set("gcp:region", one)),
    // A name alone means a cluster that exists.
    ...(created ? [set("cluster.create", true)] : mode === "create" ? [set("cluster.create", false)] : []),
  ];
  return fix`${edits}`;
}

/** Subnets cannot move; the cluster stands on them. */
function networkLost({ regions }: HeldPlatform, { region }: WantedPlatform): Finding[] {
  const [other] = regions.filter((one) => one !== region);
  if (other === undefined) return [];
  return [
    {
      found: `this stack created its network in ${other}, but the config says ${region ?? "no region"}: the update would replace it, with the cluster on it`,
      fix: fix`${set("gcp:region", other)}`,
    },
  ];
}

function nodePoolsLost(held: HeldPlatform, wanted: WantedPlatform): Finding[] {
  const { cluster } = held;
  const lost = held.nodePools
    // Those of a cluster that goes are part of that.
    .filter((pool) => cluster === undefined || !isSame(pool.in, cluster))
    .filter((pool) => !isSame(pool.in, wanted.place));
  const [first] = lost;
  if (first === undefined) return [];
  const names = lost.map(({ name }) => name).join(", ");
  return [
    {
      found: `this stack created ${lost.length === 1 ? "node pool" : "node pools"} ${names} in cluster ${nameOf(first.in)}: the update would delete ${lost.length === 1 ? "it" : "them"} under the pods, because ${reasonHere(wanted)}`,
      fix:
        wanted.mode === "other"
          ? fix`restore the platform stack that this service was deployed on (config key platform)`
          : wayBack(first.in, held, wanted, false),
    },
  ];
}

function reasonHere(wanted: WantedPlatform): string {
  if (wanted.mode !== "other") return reasonOf(wanted);
  return wanted.place === undefined
    ? "its platform creates no node pools"
    : `its platform has cluster ${nameOf(wanted.place)}`;
}

/** A platform has no pools of its own. */
function poolsLost({ pools, gateways }: HeldPlatform, { role }: WantedPlatform): Finding[] {
  if (role !== "platform" || pools.length === 0) return [];
  return [
    {
      found: `this stack created ${pools.length === 1 ? "pool" : "pools"} ${pools.join(", ")}, but the config says role platform: the update would delete the service`,
      fix: fix`${set("role", gateways.length === 0 ? "service" : "all")}`,
    },
  ];
}
