import { mirrorSourceOf } from "../../../components/cluster/mirrored-images";
import { fix, joinFixes, remove, run, set } from "../config-edits";
import type { Draft, Refusal, Rule } from "../model";
import type { Observed } from "../observed";
import type { OwnedPool } from "../service-config";
import type { MirrorUse } from "../standing";
import { isNew } from "../zones";

/* Nodes: what Google Cloud would refuse of them when they are created. */

/** GKE creates a node pool in all zones that it is given, or not at all. */
const noZone: Rule = {
  id: "no-zone",
  summary: `The config names no zones for a pool that this update would create, and the program found none that has its machine type:
GKE would refuse the node pool. Existing pools keep their zones and are not checked.`,
  fix: "Set the zones, or use a machine type that the region has.",
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool: { name, hardware } }) => {
      const search = observed.zones?.[name];
      if (search === undefined || hardware.zones !== undefined) return [];
      const { machineType, region, unread } = search;
      const project = projectFlag(observed);
      const list = `gcloud compute machine-types list --filter=name=${machineType}${project}`;
      const by = set(["pools", name, "zones", 0], "ZONE");
      return unread === undefined
        ? {
            found: `pool ${name}: no zone of ${region} has its machine type ${machineType}`,
            fix: fix`use an accelerator or a machine type that ${region} has (${list} prints the zones of this one), or set a zone yourself, which the program does not check: ${by}`,
          }
        : {
            found: `pool ${name}: the zones of ${region} that have its machine type ${machineType} cannot be read (${unread})`,
            fix: fix`enable the API (gcloud services enable compute.googleapis.com${project}) and grant roles/compute.viewer to the identity that runs pulumi; or set a zone yourself (${list} prints them): ${by}`,
          };
    }),
};

/** GKE creates the accelerator network from this version on. Source: cluster-toolkit's gpu_direct; GKE, DRANET. */
const networkFrom = "1.34.1-gke.1829001";
/** Source: cluster-toolkit's blueprint gke-a4x-max-bm. */
const bareMetalFrom = "1.34.3-gke.1318000";
/** Source: GKE, TPU Ironwood, availability in Standard clusters. */
const ironwoodFrom = "1.34.0-gke.2201000";

/** The oldest GKE version that has a pool's nodes; undefined: every version that this program works with. */
function versionFor({ hardware, placement: { accelerator } }: OwnedPool): VersionNeed | undefined {
  if (accelerator.bareMetal === true) return { version: bareMetalFrom, of: "nodes" };
  if (accelerator.name === "tpu7x") return { version: ironwoodFrom, of: "nodes" };
  const network = hardware.acceleratorNetwork ?? (accelerator.network === "rdma" ? "auto" : "none");
  return network === "auto" ? { version: networkFrom, of: "network" } : undefined;
}

interface VersionNeed {
  version: string;
  of: "nodes" | "network";
}

const oldVersion: Rule = {
  id: "gke-version",
  summary: `A pool that this update would create needs a newer GKE version than its nodes would have: an accelerator network that
GKE sets up (\`acceleratorNetwork: auto\`) needs ${networkFrom}, GB300 needs ${bareMetalFrom}, TPU 7x needs
${ironwoodFrom}.`,
  fix: "Upgrade the cluster, set a newer `nodeVersion`, or do without the network.",
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool }) => {
      const { name, hardware, placement } = pool;
      const cluster = observed.cluster?.version;
      const { accelerator } = placement;
      const need = versionFor(pool);
      if (need === undefined || !isNew(pool, observed)) return [];
      const { version: needs, of } = need;
      const old = [hardware.nodeVersion, cluster].find((one) => one !== undefined && isOlder(one, needs));
      if (old === undefined) return [];
      const newer =
        old === hardware.nodeVersion
          ? fix`set a newer version for the nodes: ${set(["pools", name, "nodeVersion"], needs)}`
          : fix`upgrade the cluster (${clusterCommand("upgrade", observed, `--master --cluster-version ${needs}`)})`;
      const without = fix`do without the network: ${set(["pools", name, "acceleratorNetwork"], "none")}`;
      return [
        {
          found: `pool ${name}: ${accelerator.title} needs GKE ${needs} or later${of === "nodes" ? "" : " for its network"}, and ${old === hardware.nodeVersion ? "nodeVersion" : "the cluster"} is ${old}`,
          fix: joinFixes(of === "nodes" ? [newer] : [newer, without], ", or "),
        },
      ];
    }),
};

const ubuntuDriver: Rule = {
  id: "ubuntu-driver",
  summary: `A GPU pool that this update would create has \`nodeImage: ubuntu\` and the latest driver, which is the default: GKE
installs the latest driver only on Container-Optimized OS.`,
  fix: "Use GKE's default driver for the node version, or install one yourself (`driver: disabled`).",
  check: (_config, observed, { pools }) =>
    pools
      .filter(({ pool }) => {
        const { nodeImage, driver } = pool.hardware;
        const isGpu = pool.placement.accelerator.family === "gpu";
        return isGpu && nodeImage === "ubuntu" && driver === "latest" && isNew(pool, observed);
      })
      .map(({ pool: { name } }) => ({
        found: `pool ${name} has nodeImage ubuntu with driver latest, which GKE installs on cos only`,
        fix: fix`${set(["pools", name, "driver"], "default")} (or disabled, if you install it)`,
      })),
};

const workloadIdentity: Rule = {
  id: "workload-identity",
  summary: `This update would create node pools in a cluster that has no Workload Identity Federation: their metadata server
(GKE_METADATA), which keeps pods from the nodes' own service account, needs it, and GKE would refuse the node pools.
Clusters that this program creates have it.`,
  fix: "Enable it for the cluster. Existing node pools stay as they are.",
  check: (_config, observed, { pools }) => {
    const created = pools.filter(({ pool }) => isNew(pool, observed)).map(({ pool: { name } }) => name);
    if (observed.cluster?.workloadIdentity !== false || created.length === 0) return [];
    const project = observed.standing?.wanted.place?.project ?? "PROJECT";
    return [
      {
        found: `${created.length === 1 ? "pool" : "pools"} ${created.join(", ")}: the cluster has no Workload Identity Federation, and the new node pools need it`,
        fix: fix`${run(clusterCommand("update", observed, `--workload-pool=${project}.svc.id.goog`))} (existing node pools stay as they are)`,
      },
    ];
  },
};

/** A gcloud command about the cluster, with its name and place as far as they are known. */
function clusterCommand(verb: "update" | "upgrade", observed: Observed, flags: string): string {
  const { name = "NAME", location = "LOCATION" } = observed.standing?.wanted.place ?? {};
  return `gcloud container clusters ${verb} ${name} --location ${location}${projectFlag(observed)} ${flags}`;
}

function projectFlag({ standing }: Observed): string {
  const project = standing?.wanted.place?.project;
  return project === undefined ? "" : ` --project ${project}`;
}

const bareMetalCluster: Rule = {
  id: "bare-metal-cluster",
  summary: `A GB300 pool on a cluster that this stack creates. GB300 nodes are bare metal: Google's blueprint creates their cluster
without Shielded Nodes, and the clusters that this program creates have them.`,
  fix: "Create the cluster as in Google's blueprint gke-a4x-max-bm, and set its name.",
  waiver: {
    name: "bare-metal-cluster",
    use: "Use it if you switched Shielded Nodes off by hand (`gcloud container clusters update NAME --location LOCATION --no-enable-shielded-nodes`).",
  },
  check: (_config, observed, { pools }) =>
    pools
      .filter(
        ({ pool }) =>
          observed.cluster?.created === true &&
          pool.placement.accelerator.bareMetal === true &&
          isNew(pool, observed),
      )
      .map(({ pool }) => ({
        found: `pool ${pool.name}: ${pool.placement.accelerator.title} needs a cluster without Shielded Nodes, and this stack creates its cluster with them`,
        fix: fix`create the cluster as in cluster-toolkit's blueprint gke-a4x-max-bm, and set its name: ${set("cluster.name", "NAME")}`,
      })),
};

const adapter =
  "kubectl apply -f https://raw.githubusercontent.com/GoogleCloudPlatform/k8s-stackdriver/master/custom-metrics-stackdriver-adapter/deploy/production/adapter_new_resource_model.yaml";

const noMetrics: Rule = {
  id: "autoscaling-metrics",
  summary: `A pool that this update would create has \`autoscaling\`, and the cluster serves no custom metrics
(\`custom.metrics.k8s.io\`): the autoscaler would find no value and never change the number of replicas. On GKE, the Custom Metrics
Stackdriver Adapter serves them; its account needs \`roles/monitoring.viewer\` (docs/gke.md). For an existing pool, and for a
cluster that this update creates, the program prints a note instead.`,
  fix: "Install the adapter, or remove the autoscaler.",
  waiver: { name: "autoscaling-metrics", use: "Use it if you install the adapter later." },
  check: (_config, observed, { pools }) =>
    pools
      .filter(
        ({ pool }) =>
          observed.cluster?.customMetrics === false &&
          pool.autoscaling !== undefined &&
          isNew(pool, observed),
      )
      .map(({ pool: { name } }) => ({
        found: `pool ${name} has autoscaling, and the cluster serves no custom metrics (custom.metrics.k8s.io)`,
        fix: fix`install the adapter: ${run(adapter)}, and grant its account roles/monitoring.viewer (docs/gke.md, Autoscaling); or remove the autoscaler: ${remove(["pools", name, "autoscaling"])}`,
      })),
};

/** What an autoscaler lacks where the update goes on all the same. */
export function metricsNotes(observed: Observed, { pools }: Pick<Draft, "pools">): string[] {
  const { cluster } = observed;
  return pools
    .filter(({ pool }) => pool.autoscaling !== undefined)
    .filter(({ pool }) =>
      cluster?.customMetrics === undefined
        ? cluster?.created === true
        : !cluster.customMetrics && !isNew(pool, observed),
    )
    .map(
      ({ pool: { name } }) =>
        `${name}: the autoscaler finds no metrics until the cluster serves custom.metrics.k8s.io, and keeps the number of replicas. To install the adapter: ${adapter}, then grant its account roles/monitoring.viewer (docs/gke.md, Autoscaling)`,
    );
}

const mirrorInUse: Rule = {
  id: "image-mirror-in-use",
  summary: `The config no longer has a registry in \`cluster.imageMirrors\` from whose mirror a pool has its images: the pool's next
node, or its picker on another node, would find no image. A platform stack looks at the pods of the whole cluster.`,
  fix: "Keep the mirror until the pool is gone.",
  check: (_config, { otherMirrors = {}, imageMirrors = {} }, { pools }) =>
    pools.flatMap(({ pool: { name, server, picker } }) => {
      const sources = [server.image, picker?.image].flatMap((image) => {
        const source = image === undefined ? undefined : mirrorSourceOf(image, otherMirrors);
        return source === undefined ? [] : [source];
      });
      return [...new Set(sources)].map((source) => ({
        found: `pool ${name} has images from the mirror of ${source}, and cluster.imageMirrors does not name it`,
        fix: fix`keep it until the pool is gone: ${set(["cluster", "imageMirrors", Object.keys(imageMirrors).length], source)}`,
      }));
    }),
};

/** The same for a platform, whose mirrors the pods of other stacks use. @param kept how many the config still has. */
export const mirrorRefusals = (uses: readonly MirrorUse[], kept: number): Refusal[] =>
  uses.map(({ source, pods }, i) => {
    const named = pods.slice(0, 5).join(", ");
    const more = pods.length > 5 ? ` and ${pods.length - 5} more` : "";
    return {
      rule: mirrorInUse.id,
      found: `pods have images from the mirror of ${source}, which this stack created, and cluster.imageMirrors does not name it: ${named}${more}`,
      fix: fix`keep it until they are gone: ${set(["cluster", "imageMirrors", kept + i], source)}`,
    };
  });

/** Whose nodes a pool runs on is settled when it is made. */
const nodesChanged: Rule = {
  id: "nodes-changed",
  summary: `A pool's model servers run on nodes that this stack created for them, and with this config it would create none (or the
reverse): \`cluster.kubeconfig\` was added or removed, or the platform stack no longer has the output \`nodes\`. The update
would delete the nodes under the pool, and its pods would look for others. This rule also refuses an update that goes back.`,
  fix: "Restore the cluster's keys. For other nodes, deploy a new stack.",
  check: (_config, { pools: live, ownNodes }, { pools }) =>
    pools.flatMap(({ pool: { name } }) => {
      const made = live.find((one) => one.owned && one.name === name)?.pods?.ownNodes;
      // The rollout commands do not know whose nodes the update would create; it is checked again then.
      if (made === undefined || ownNodes === undefined || made === ownNodes) return [];
      const key = ["cluster", "kubeconfig"];
      return [
        {
          found: made
            ? `pool ${name} runs on nodes that this stack created, and this update would delete them`
            : `pool ${name} runs on nodes that were created outside this stack, and this update would create others for it`,
          fix: fix`restore the cluster's keys as they were (${made ? remove(key) : set(key, "KUBECONFIG")}); with role: service, restore the platform stack (config key platform)`,
        },
      ];
    }),
};

export const nodeRules: readonly Rule[] = [
  noZone,
  oldVersion,
  workloadIdentity,
  ubuntuDriver,
  bareMetalCluster,
  noMetrics,
  mirrorInUse,
  nodesChanged,
];

/** Versions of GKE only: others have no such builds. */
function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) =>
    /(\d+)\.(\d+)\.(\d+)-gke\.(\d+)/.exec(text)?.slice(1).map(Number),
  );
  if (one === undefined || other === undefined) return false;
  const place = one.findIndex((part, i) => part !== other[i]);
  return place >= 0 && (one[place] ?? 0) < (other[place] ?? 0);
}
