import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import type { artifactregistry as inputs } from "@pulumi/gcp/types/input";
import * as pulumi from "@pulumi/pulumi";
import { mirrorRepository, mirrorSources, type MirrorPlace, type MirrorSource } from "./mirrored-images";

export interface ImageRepositoriesArgs extends MirrorPlace {
  /** Registries that get a mirror. */
  sources: readonly MirrorSource[];
  /** Whether the repositories may be deleted. Pods of other stacks may run images from them, so else they may not. */
  deletable: boolean;
}

/**
 * Remote repositories of Artifact Registry. The first node that asks for an image has it fetched and kept; every later
 * one gets it from the region, without the registry's rate limits, and GKE streams it: a container starts before its
 * image is there. Nodes need roles/artifactregistry.reader, which those of a cluster made here have in their project.
 */
export class ImageRepositories extends pulumi.ComponentResource {
  readonly repositories: artifactregistry.Repository[];

  constructor(name: string, args: ImageRepositoriesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ImageRepositories", name, {}, opts);
    const { project, region: location, sources, deletable } = args;
    this.repositories = sources.map((source) => {
      const repositoryId = mirrorRepository(args, source);
      const { title } = mirrorSources[source];
      return new artifactregistry.Repository(
        repositoryId,
        {
          ...{ project, location, repositoryId },
          format: "DOCKER",
          mode: "REMOTE_REPOSITORY",
          description: `Images of ${title} for the cluster ${args.cluster}`,
          remoteRepositoryConfig: { description: title, ...upstream(source) },
        },
        { parent: this, protect: !deletable },
      );
    });
    this.registerOutputs();
  }
}

/** Docker Hub is the one registry that Artifact Registry knows by name. */
const upstream = (source: MirrorSource): inputs.RepositoryRemoteRepositoryConfig =>
  source === "docker.io"
    ? { dockerRepository: { publicRepository: "DOCKER_HUB" } }
    : { commonRepository: { uri: `https://${source}` } };
