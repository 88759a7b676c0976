import { PatchStrategy } from "@kubernetes/client-node";
import type { TestLab } from "./test-lab";

/** Beginning of the programs below: a provider for the lab's cluster. */
export const head = `import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
const config = new pulumi.Config();
const provider = new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
const opts = { provider };
`;

export const route = (weight: string, annotations = "{}"): string => `${head}
export const route = new k8s.apiextensions.CustomResource("route", {
  apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute",
  metadata: { name: config.require("name"), namespace: "default", annotations: ${annotations} },
  spec: { rules: [{ backendRefs: [{ name: "a", port: 80, weight: ${weight} }, { name: "b", port: 80, weight: 50 }] }] },
}, opts).metadata.generation;
`;

/** What the tests do to the objects of these programs, and see of them. */
export class LiveObjects {
  constructor(private readonly lab: () => TestLab) {}

  edit(object: object, manager: string): Promise<unknown> {
    return this.lab().objects.patch(
      object,
      undefined,
      undefined,
      manager,
      undefined,
      PatchStrategy.MergePatch,
    );
  }

  async dataOf(name: string): Promise<unknown> {
    return ((await this.lab().get("v1", "ConfigMap", name, "default")) as unknown as { data: unknown }).data;
  }

  async weightOf(name: string): Promise<unknown> {
    const found = await this.lab().get("gateway.networking.k8s.io/v1", "HTTPRoute", name, "default");
    return (found as unknown as { spec: { rules: { backendRefs: { weight: number }[] }[] } }).spec.rules[0]
      ?.backendRefs[0]?.weight;
  }
}
