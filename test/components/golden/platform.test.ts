import { describe, it } from "node:test";
import { rendered, type Registered } from "../../rendering";
import { InferenceCluster, type InferenceClusterArgs } from "../../../components/cluster/inference-cluster";
import { ModelArmorAccess } from "../../../components/cluster/model-armor-access";
import { InferenceDefinitions } from "../../../components/definitions/inference-definitions";
import { InferenceGateway, type InferenceGatewayArgs } from "../../../components/gateways/inference-gateway";
import { PoolMonitoring } from "../../../components/pool/pool-monitoring";
import { PoolPolicies } from "../../../components/pool/pool-policies";
import { assertGolden } from "../golden";

/** Network, cluster, gateway, and what GKE is told of a pool. */

async function render(program: () => unknown): Promise<unknown[]> {
  const resources = await rendered(program);
  return resources
    .filter(({ type }) => !type.startsWith("inference-rollout:"))
    .sort((a, b) => key(a).localeCompare(key(b)))
    .map(({ type, name, inputs }) => ({ [`${type.replace(/^.*:/, "")} ${name}`]: inputs }));
}

const key = ({ type, name }: Registered): string => `${type} ${name}`;

describe("the platform", () => {
  const cluster: InferenceClusterArgs = {
    name: "inference",
    region: "us-central1",
    location: "us-central1",
    project: "acme-ml",
    channel: "regular",
    authorizedNetworks: [],
    systemNodes: 6,
    deletable: false,
  };
  const gateway: InferenceGatewayArgs = {
    name: "my-inference-gateway",
    namespace: "default",
    exposure: "internal",
    port: 80,
    globalAccess: false,
    routesFrom: ["default"],
  };

  it("has a private cluster", async () => {
    assertGolden("cluster", {
      "private (the default)": await render(() => new InferenceCluster("inference", cluster)),
    });
  });

  it("has a cluster whose control plane answers named networks, and nobody else", async () => {
    const resources = await render(
      () => new InferenceCluster("inference", { ...cluster, authorizedNetworks: ["203.0.113.7/32"] }),
    );
    assertGolden("cluster-authorized", {
      cluster: resources.filter((resource) => Object.keys(resource as object)[0]?.startsWith("Cluster ")),
    });
  });

  it("has images of other registries in Artifact Registry, by choice", async () => {
    const imageMirrors = ["docker.io", "registry.k8s.io"] as const;
    const resources = await render(() => new InferenceCluster("inference", { ...cluster, imageMirrors }));
    assertGolden("cluster-image-mirrors", {
      repositories: resources.filter((resource) =>
        Object.keys(resource as object)[0]?.startsWith("Repository "),
      ),
    });
  });

  it("has a gateway", async () => {
    const template = (name: string): string => `projects/acme-ml/locations/us-central1/templates/${name}`;
    const of = (more: Partial<InferenceGatewayArgs>): Promise<unknown[]> =>
      render(() => new InferenceGateway("my-inference-gateway", { ...gateway, ...more }));
    assertGolden("gateway", {
      internal: await of({}),
      "internal, other regions, other namespaces, TLS": await of({
        globalAccess: true,
        routesFrom: ["default", "team-b"],
        tlsSecret: "llm-certificate",
        port: 443,
        hostname: "llm.example.com",
      }),
      "external, certificate, address, Model Armor": await of({
        exposure: "external",
        port: 443,
        hostname: "llm.example.com",
        certificate: "llm-example-com",
        address: "llm-address",
        modelArmor: {
          promptTemplate: template("prompts"),
          responseTemplate: template("answers"),
          model: "Qwen/Qwen3-8B",
          failOpen: false,
          location: "us-central1",
        },
      }),
    });
  });

  it("lets load balancers call Model Armor", async () => {
    assertGolden("model-armor-access", {
      resources: await render(() => new ModelArmorAccess("inference-model-armor", { project: "acme-ml" })),
    });
  });

  it("tells GKE of a pool", async () => {
    const pool = { service: "llm", pool: "llm", namespace: "default" };
    assertGolden("pool-policies", {
      policies: await render(
        () =>
          new PoolPolicies("llm", {
            ...pool,
            port: 8000,
            healthPath: "/health",
            timeoutSeconds: 3600,
            logging: true,
            cloudArmor: "llm-guard",
          }),
      ),
      monitoring: await render(() => new PoolMonitoring("llm", pool)),
      "collector on Autopilot": (
        await render(() => new PoolMonitoring("llm", { ...pool, collectorNamespace: "gke-gmp-system" }))
      ).filter((resource) => Object.keys(resource as object)[0] === "RoleBinding llm-metrics-secret"),
    });
  });

  it("installs CRDs under a label that says whose they are", async () => {
    const resources = await rendered(
      () =>
        new InferenceDefinitions("inference-extension", {
          install: Promise.resolve(["inferenceobjectives.inference.networking.x-k8s.io"] as const),
          stack: "inference-rollout.test",
        }),
    );
    assertGolden("definitions", {
      metadata: resources
        .filter(({ type }) => type.startsWith("kubernetes:"))
        .map(({ inputs }) => inputs["metadata"]),
    });
  });
});
