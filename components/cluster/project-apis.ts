import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ProjectApisArgs {
  project: string;
}

/** Google Cloud APIs that a cluster with an inference gateway needs, and what for. */
export const neededApis = {
  "artifactregistry.googleapis.com": "nodes pull images",
  "compute.googleapis.com": "network, machines, load balancer",
  "container.googleapis.com": "cluster and node pools",
  "iam.googleapis.com": "service account of the nodes",
  "iamcredentials.googleapis.com": "model servers read buckets without keys",
  "logging.googleapis.com": "logs of nodes and load balancer",
  "monitoring.googleapis.com": "managed Prometheus",
  "networkservices.googleapis.com": "the gateway's service extensions: how pickers are asked",
} as const;

/** Switches the project's APIs on. They stay on when the stack goes: others may use them. */
export class ProjectApis extends pulumi.ComponentResource {
  readonly resources: pulumi.Resource[];

  constructor(name: string, { project }: ProjectApisArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ProjectApis", name, {}, opts);
    this.resources = Object.keys(neededApis).map(
      (service) =>
        new projects.Service(
          `${name}-${service.split(".")[0] ?? service}`,
          { project, service, disableOnDestroy: false },
          { parent: this },
        ),
    );
    this.registerOutputs();
  }
}
