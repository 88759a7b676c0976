import { rendered, type Registered } from "../rendering";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { PlatformConfig, ServiceConfig } from "../../stacks/config/resolved";
import type { RawConfig } from "../../stacks/config/validate";
import { newCluster } from "../../stacks/live/served";
import { nothingDeployed, type Observed } from "../../stacks/plan/observed";
import { plan } from "../../stacks/plan/plan";
import { buildPlatform } from "../../stacks/platform";
import { buildService } from "../../stacks/service";
import { serviceConfig } from "../stacks/cases";

/** Renders the service of a config, in a platform that is there. */
export function renderService(
  raw: RawConfig,
  observed: Observed = nothingDeployed,
  loaded?: (pool: string) => Promise<void>,
  secrets: ReadonlySet<string> = new Set(),
): Promise<Registered[]> {
  const config = serviceConfig(raw, secrets);
  return rendered(() =>
    buildService(config, plan(config, observed), {
      platform: {
        kubeconfig: pulumi.output("{}"),
        provider: new k8s.Provider("cluster", { kubeconfig: "{}" }),
        gateway: {
          name: "my-inference-gateway",
          namespace: "default",
          existing: false,
          exposure: "internal",
          routesFrom: ["default"],
          port: 80,
          globalAccess: false,
          timeoutSeconds: 3600,
          logging: true,
        },
        nodes: { cluster: "inference", location: "us-central1", project: "acme-ml" },
        namespaces: [],
        ready: [],
      },
      stack: "inference-rollout.test",
      templates: {},
      served: newCluster,
      hooks: () =>
        loaded === undefined
          ? {}
          : {
              loaded:
                ({ pool }) =>
                (): Promise<void> =>
                  loaded(pool.name),
            },
    }),
  );
}

/** Renders a whole stack: the platform, and the service as its first update makes it. */
export function renderStack(
  { platform: around, service }: { platform: PlatformConfig; service: ServiceConfig },
  observed: Observed = nothingDeployed,
): Promise<Registered[]> {
  return rendered(() => {
    const platform = buildPlatform(around, { owners: {}, stack: "test", definitions: [], deletable: false });
    return buildService(service, plan(service, observed), {
      platform: { ...platform, provider: new k8s.Provider("other", { kubeconfig: "{}" }) },
      stack: "test",
      templates: templatesOf(service),
      served: { ...newCluster, groups: true },
      hooks: () => ({}),
    });
  });
}

interface Template {
  spec: { containers: { name: string; image: string }[] };
}

/** A pod template for the pools that take one over. */
function templatesOf({ pools }: ServiceConfig): Record<string, Template> {
  return Object.fromEntries(
    Object.values(pools)
      .filter((pool) => !pool.existing && pool.templateOf !== undefined)
      .map(({ name }) => [
        name,
        { spec: { containers: [{ name: "vllm", image: "vllm/vllm-openai:v0.21.0" }] } },
      ]),
  );
}
