import type { ServiceConfig } from "../../stacks/plan/service-config";
import { nothingDeployed } from "../../stacks/plan/model";
import type { Observed } from "../../stacks/plan/observed";
import { rendered, type Registered } from "../rendering";
import type { CopiedPods } from "../../components/model-server/copied/adapt";
import type { PlatformConfig } from "../../stacks/config/resolve";
import type { RawConfig } from "../../stacks/config/parse";
import { newCluster } from "../../stacks/state/served";
import { buildPlatform } from "../../stacks/platform";
import { buildService } from "../../stacks/service";
import { planFor, serviceConfig } from "./cases";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Renders the service of a config, in a platform that is there. */
export function renderService(
  raw: RawConfig,
  observed: Observed = nothingDeployed,
  loaded?: (pool: string) => Promise<void>,
  secrets: ReadonlySet<string> = new Set(),
): Promise<Registered[]> {
  const config = serviceConfig(raw, secrets);
  return rendered(() =>
    buildService(config, planFor(config, observed), {
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
        ...(observed.ownNodes === false
          ? {}
          : { nodes: { cluster: "inference", location: "us-central1", project: "acme-ml" } }),
        namespaces: [],
        ready: [],
      },
      ...(raw["huggingFaceToken"] === undefined
        ? {}
        : { huggingFaceToken: pulumi.secret(raw["huggingFaceToken"] as string) }),
      stack: "inference-rollout.test",
      copies: Object.fromEntries(
        Object.entries(observed.copies ?? {}).flatMap(([name, { pods }]) =>
          pods === undefined ? [] : [[name, pods]],
        ),
      ),
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
  stack = "test",
): Promise<Registered[]> {
  return rendered(() => {
    const platform = buildPlatform(around, { owners: {}, stack, definitions: [], deletable: false });
    return buildService(service, planFor(service, observed), {
      platform: { ...platform, provider: new k8s.Provider("other", { kubeconfig: "{}" }) },
      stack,
      copies: copiesOf(service),
      served: { ...newCluster, groups: true },
      hooks: () => ({}),
    });
  });
}

/** Pods for the pools that copy some. */
function copiesOf({ pools }: ServiceConfig): Record<string, CopiedPods> {
  const resources = { limits: { "nvidia.com/gpu": "1" } };
  const containers = [{ name: "vllm", image: "vllm/vllm-openai:v0.21.0", resources }];
  return Object.fromEntries(
    Object.values(pools)
      .filter((pool) => !pool.existing && pool.templateOf !== undefined)
      .map(({ name }) => [
        name,
        { template: { spec: { containers } }, selector: {}, from: "Deployment vllm" },
      ]),
  );
}
