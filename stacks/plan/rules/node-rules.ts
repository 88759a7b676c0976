import { mirrorSourceOf } from "../../../components/cluster/mirrored-images";
import { fix, joinFixes, remove, run, set } from "../config-edits";
import type { Draft, Rule } from "../model";
import type { Observed } from "../observed";
import { isNew } from "../zones";

/* Nodes: what Google Cloud would refuse of them when they are created. */

/** GKE creates a node pool in all zones that it is given, or not at all. */
const noZone: Rule = {
  id: "no-zone",
  summary: `The config names no zones for a pool that this update would create, and the program found none that has its machine type:
GKE would refuse the node pool. Existing pools keep their zones and are not checked.`,
  fix: "Set the zones, or use a machine type that the region has.",
  check: (_config, { zones = {} }, { pools }) =>
    pools.flatMap(({ pool: { name, hardware } }) => {
      const search = zones[name];
      if (search === undefined || hardware.zones !== undefined) return [];
      const { machineType, region, unread } = search;
      const list = `gcloud compute machine-types list --filter=name=${machineType}`;
      const by = set(["pools", name, "zones", 0], "ZONE");
      return unread === undefined
        ? {
            found: `pool ${name}: no zone of ${region} has its machine type ${machineType}`,
            fix: fix`use an accelerator or a machine type that ${region} has (${list} prints the zones of this one), or set a zone yourself, which the program does not check: ${by}`,
          }
        : {
            found: `pool ${name}: the zones of ${region} that have its machine type ${machineType} cannot be read (${unread})`,
            fix: fix`enable the API (gcloud services enable compute.googleapis.com) and grant roles/compute.viewer to the identity that runs pulumi; or set a zone yourself (${list} prints them): ${by}`,
          };
    }),
};

/** GKE creates the accelerator network from this version on. Source: cluster-toolkit's gpu_direct; GKE, DRANET. */
const networkFrom = "1.34.1-gke.1829001";
/** Source: cluster-toolkit's blueprint gke-a4x-max-bm. */
const bareMetalFrom = "1.34.3-gke.1318000";

const oldVersion: Rule = {
  id: "gke-version",
  summary: `A pool that this update would create needs a newer GKE version than its nodes would have: an accelerator network that
GKE sets up (\`acceleratorNetwork: auto\`) needs ${networkFrom}, GB300 needs ${bareMetalFrom}.`,
  fix: "Upgrade the cluster, set a newer `nodeVersion`, or do without the network.",
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool }) => {
      const { name, hardware, placement } = pool;
      const cluster = observed.cluster?.version;
      const { accelerator } = placement;
      const usesNetwork =
        (hardware.acceleratorNetwork ?? (accelerator.network === "rdma" ? "auto" : "none")) === "auto";
      const needs = accelerator.bareMetal === true ? bareMetalFrom : usesNetwork ? networkFrom : undefined;
      if (needs === undefined || !isNew(pool, observed)) return [];
      const bare = accelerator.bareMetal === true;
      const old = [hardware.nodeVersion, cluster].find((one) => one !== undefined && isOlder(one, needs));
      if (old === undefined) return [];
      const newer =
        old === hardware.nodeVersion
          ? fix`set a newer version for the nodes: ${set(["pools", name, "nodeVersion"], needs)}`
          : fix`upgrade the cluster (gcloud container clusters upgrade NAME --master --cluster-version ${needs})`;
      const without = fix`do without the network: ${set(["pools", name, "acceleratorNetwork"], "none")}`;
      return [
        {
          found: `pool ${name}: ${accelerator.title} needs GKE ${needs} or later${bare ? "" : " for its network"}, and ${old === hardware.nodeVersion ? "nodeVersion" : "the cluster"} is ${old}`,
          fix: joinFixes(bare ? [newer] : [newer, without], ", or "),
        },
      ];
    }),
};

const bareMetalCluster: Rule = {
  id: "bare-metal-cluster",
  summary: `A GB300 pool on a cluster that this stack creates. GB300 nodes are bare metal: Google's blueprint creates their cluster
without Shielded Nodes, and the clusters that this program creates have them.`,
  fix: "Create the cluster as in Google's blueprint gke-a4x-max-bm, and set its name.",
  waiver: {
    name: "bare-metal-cluster",
    use: "Use it if you switched Shielded Nodes off by hand (`gcloud container clusters update NAME --no-enable-shielded-nodes`).",
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
node, or its picker on another node, would find no image.`,
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

export const nodeRules: readonly Rule[] = [noZone, oldVersion, bareMetalCluster, noMetrics, mirrorInUse];

/** Versions of GKE only: others have no such builds. */
function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) =>
    /(\d+)\.(\d+)\.(\d+)-gke\.(\d+)/.exec(text)?.slice(1).map(Number),
  );
  if (one === undefined || other === undefined) return false;
  const place = one.findIndex((part, i) => part !== other[i]);
  return place >= 0 && (one[place] ?? 0) < (other[place] ?? 0);
}
