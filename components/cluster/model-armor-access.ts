import { getProjectOutput } from "@pulumi/gcp/organizations";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ModelArmorAccessArgs {
  /** Project of the cluster and of its load balancers. */
  project: string;
}

/** Roles that Google's guide grants to the account of Service Extensions. */
export const modelArmorRoles = [
  "roles/container.admin",
  "roles/modelarmor.calloutUser",
  "roles/modelarmor.user",
  "roles/serviceusage.serviceUsageConsumer",
] as const;

/**
 * Lets load balancers of a project call Model Armor. Without it every call is denied, and with `failOpen: false` every
 * completion fails. Source: Google's page on calling Google services from Service Extensions.
 */
export class ModelArmorAccess extends pulumi.ComponentResource {
  constructor(name: string, { project }: ModelArmorAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ModelArmorAccess", name, {}, opts);
    const child = { parent: this };
    const api = new projects.Service(
      `${name}-modelarmor`,
      { project, service: "modelarmor.googleapis.com", disableOnDestroy: false },
      child,
    );
    // The account exists only once Google was asked for it, and nobody can grant a role to one that does not exist.
    const agent = new projects.ServiceIdentity(
      `${name}-service-extensions`,
      { project, service: "networkservices.googleapis.com" },
      child,
    );
    const { number } = getProjectOutput({ projectId: project }, child);
    for (const role of modelArmorRoles) {
      new projects.IAMMember(
        `${name}-${role.replace("roles/", "").replace(".", "-")}`,
        {
          project,
          role,
          member: pulumi.interpolate`serviceAccount:service-${number}@gcp-sa-dep.iam.gserviceaccount.com`,
        },
        // One account for the whole project: other stacks may count on its roles, so they stay.
        { ...child, dependsOn: [api, agent], retainOnDelete: true },
      );
    }
    this.registerOutputs();
  }
}
