import { mirrorHosts, type MirrorSource } from "../../components/cluster/mirrored-images";
import { missing, type Mistake } from "../messages/mistakes";
import { edits, remove } from "../plan/config-edits";
import { maxLabel, maxServiceName } from "../../components/names";
import { defaults } from "./defaults";
import type { z } from "zod";
import {
  flag,
  integer,
  list,
  matching,
  name,
  object,
  oneOf,
  optional,
  required,
  section,
  text,
  withDefault,
} from "./fields";

/* The cluster that the stack creates or uses. */

const clusterSchema = object({
  name: optional(name(40), {
    description: "Name of the GKE cluster. With a name and no `create`, the cluster must exist.",
    default: `\`${defaults.cluster}\``,
    example: "inference",
  }),
  location: optional(text("a region or a zone"), {
    description: "Region or zone of the cluster.",
    default: "`gcp:region`",
    example: "us-central1",
  }),
  create: optional(flag(), {
    description: "Whether this stack creates the cluster. `false`: use an existing cluster.",
    default: "true if neither name nor kubeconfig is set",
    example: true,
  }),
  kubeconfig: optional(text("a kubeconfig, or the path to one"), {
    description: "Use this cluster as it is: the stack creates no node pools in it. Set it with `--secret`.",
    default: "none",
    example: "VALUE",
    secret: true,
  }),
  channel: withDefault(oneOf(["rapid", "regular", "stable"]), "regular", {
    description: "Release channel of a cluster that this stack creates.",
    example: "regular",
  }),
  authorizedNetworks: withDefault(
    list(
      matching(/^[0-9a-fA-F.:]+\/\d+$/, "a network, for example 203.0.113.7/32"),
      "networks, for example 203.0.113.7/32",
    ),
    [],
    {
      description:
        "Networks that may reach the control plane of a cluster that this stack creates. Without any, only the cluster's own network can reach it.",
      example: ["203.0.113.7/32"],
    },
  ),
  systemNodes: withDefault(integer(1, 1000, "nodes"), defaults.systemNodes, {
    description:
      "Maximum number of system nodes of a cluster that this stack creates. Each runs one picker; a service has one picker, and two during a rollout.",
    example: 12,
  }),
  imageMirrors: withDefault(list(oneOf(mirrorHosts), "registries"), [], {
    description:
      "Registries whose images come through remote repositories of Artifact Registry, which the stack creates with the cluster. New pools get image names there; pools that exist keep theirs.",
    example: ["docker.io", "registry.k8s.io"],
  }),
  nodeServiceAccount: optional(
    matching(/^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/, "the email address of a service account"),
    {
      description:
        "Service account of the accelerator nodes in an existing cluster. Existing pools keep theirs.",
      default: "the project's default service account",
      example: "nodes@acme-ml.iam.gserviceaccount.com",
      change: "later-pools",
    },
  ),
});

const guardedServiceSchema = object({
  service: required(name(maxServiceName), {
    description: "The service's name: the key `service` of its stack.",
    example: "llm",
  }),
  namespace: required(name(maxLabel), {
    description: "Namespace of its route: the key `namespace` of its stack.",
    example: "default",
  }),
  route: optional(text("the name of an HTTPRoute"), {
    description: "Name of its HTTPRoute: the key `route` of its stack.",
    default: "`routes-to-<service>`",
    example: "routes-to-llm",
  }),
  poolNamespaces: withDefault(list(name(maxLabel), "namespaces"), [], {
    description: "Other namespaces that contain its pools.",
    example: ["llm-llm-new"],
  }),
});

/** A service whose stack has rights in its namespaces only: a platform stack creates what belongs to no namespace. */
export type GuardedService = z.infer<typeof guardedServiceSchema>;

export const clusterKeys = {
  clusterScoped: withDefault(flag(), true, {
    description:
      "Whether this stack may create cluster-scoped objects. `false`: permissions in its namespaces are enough (docs/teams.md). The stack then has no admission policy and no cluster role bindings, and creates no namespaces and no CRDs.",
    example: false,
  }),
  guardedServices: withDefault(list(guardedServiceSchema, "{service, namespace}"), [], {
    description:
      "With `role: platform`: services whose stacks have `clusterScoped: false`. This stack creates their admission policies and cluster role bindings.",
    example: [{ service: "llm", namespace: "default" }],
  }),
  cluster: section(clusterSchema, {
    description: "The cluster. Ignored with `role: service`.",
    default: "a GKE cluster that this stack creates",
    example: { name: "inference", location: "us-central1" },
    change: "new-service",
  }),
};

/** Keys of the provider that the cluster needs. */
export interface CloudConfig {
  project?: string;
  region?: string;
}

/** Whether this stack creates the cluster, adopts one on GKE, or uses any cluster by its kubeconfig. */
export type ClusterConfig =
  | {
      mode: "create" | "adopt";
      name: string;
      project: string;
      region: string;
      /** Region or zone. */
      location: string;
      channel: "rapid" | "regular" | "stable";
      /** Networks that may reach the control plane; none: only the cluster's own. */
      authorizedNetworks: readonly string[];
      /** The most system nodes of a cluster that is created. */
      systemNodes: number;
      /** Registries whose images come through Artifact Registry, on a cluster that is created. */
      imageMirrors: readonly MirrorSource[];
      /** Service account of the nodes, if the cluster exists; absent: the project's default service account. */
      nodeServiceAccount?: string;
    }
  | {
      mode: "kubeconfig";
      /** Text of a kubeconfig, or the path of one. */
      kubeconfig: string;
    };

export function resolveCluster(
  cluster: z.infer<typeof clusterSchema>,
  cloud: CloudConfig,
  mistakes: Mistake[],
): ClusterConfig {
  if (cluster.kubeconfig !== undefined) {
    mistakes.push(...mirrorMistakes(cluster));
    return { mode: "kubeconfig", kubeconfig: cluster.kubeconfig };
  }
  const create = cluster.create ?? cluster.name === undefined;
  if (cloud.project === undefined)
    mistakes.push(missing("gcp:project", "the Google Cloud project of the cluster", "acme-ml"));
  if (cloud.region === undefined)
    mistakes.push(missing("gcp:region", "the region of the cluster", "us-central1"));
  const region = cloud.region ?? "";
  if (!create) mistakes.push(...mirrorMistakes(cluster));
  return {
    mode: create ? "create" : "adopt",
    name: cluster.name ?? defaults.cluster,
    project: cloud.project ?? "",
    region,
    location: cluster.location ?? region,
    channel: cluster.channel,
    authorizedNetworks: cluster.authorizedNetworks,
    systemNodes: cluster.systemNodes,
    imageMirrors: [...new Set(cluster.imageMirrors)],
    ...(cluster.nodeServiceAccount === undefined ? {} : { nodeServiceAccount: cluster.nodeServiceAccount }),
  };
}

/** Nobody knows whether nodes that this stack did not create may read its repositories. */
function mirrorMistakes({ imageMirrors }: z.infer<typeof clusterSchema>): Mistake[] {
  return imageMirrors.length === 0
    ? []
    : [
        {
          key: "cluster.imageMirrors",
          found: imageMirrors.join(", "),
          allowed:
            "nothing for a cluster that exists: create the repositories yourself, let its nodes read them, and name the images there (server.image, picker.image)",
          fix: edits(remove("cluster.imageMirrors")),
        },
      ];
}
