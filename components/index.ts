/**
 * Pulumi components for GKE Inference Gateway. They import `@pulumi/*` and each other, so that any Pulumi program can
 * use them. What this file exports is meant for others; a program that starts often imports the files themselves
 * instead, because loading this one loads all of them.
 *
 * A pool on two nodes with one L4 each, on a cluster that exists:
 *
 * ```ts
 * import * as k8s from "@pulumi/kubernetes";
 * import { ServingPool } from "./components";
 *
 * const provider = new k8s.Provider("cluster", { kubeconfig: process.env["KUBECONFIG"] ?? "" });
 * const pool = new ServingPool(
 *   "llm",
 *   {
 *     service: "llm",
 *     pool: "llm",
 *     namespace: "default",
 *     model: "Qwen/Qwen3-8B",
 *     replicas: 2,
 *     hardware: { accelerator: "nvidia-l4" },
 *     server: { engine: "vllm", args: ["--max-model-len", "8192"] },
 *     objectives: [{ name: "chat", priority: 10 }],
 *     nodes: { cluster: "inference", location: "us-central1", project: "acme-ml" },
 *   },
 *   { provider },
 * );
 * // An HTTPRoute that names the InferencePool `llm` depends on these.
 * const after = { provider, dependsOn: pool.ready };
 * ```
 *
 * Nothing here decides how much traffic a pool gets: that is the plan's (stacks/), and yours without it. Errors in
 * arguments are thrown when the component is made, before any of its resources.
 */

// Pools
export { ServingPool, type ClusterKinds, type NodeLocation, type ServingPoolArgs } from "./pool/serving-pool";
export {
  InferencePool,
  Objectives,
  PoolNamespace,
  type InferencePoolArgs,
  type Objective,
  type ObjectivesArgs,
  type PoolNamespaceArgs,
} from "./pool/inference-pool";
export { EndpointPicker, pickerPorts, type EndpointPickerArgs } from "./pool/endpoint-picker";
export { ClusterRights, type ClusterRightsArgs } from "./pool/cluster-rights";
export {
  pickerImage,
  type PickerConfig,
  type PickerResources,
  type PickerSettings,
} from "./pool/picker-settings";
export { PoolMonitoring, type PoolMonitoringArgs } from "./pool/pool-monitoring";
export { PoolPolicies, type PoolPoliciesArgs } from "./pool/pool-policies";
export type { PoolTraffic } from "./gateways/gateway";

// Model servers
export { ModelServer, type ModelServerArgs } from "./model-server/model-server";
export { ModelAccess, type ModelAccessArgs, type Weights } from "./model-server/model-weights";
export type { Autoscaling } from "./model-server/server-autoscaler";
export type { TokenSecret } from "./model-server/server-template";
export type {
  EnvValue,
  PodPatch,
  PodResources,
  PodSettings,
  ServerVolume,
} from "./model-server/pod-settings";
export { defaultEngine, engineNamed, engines } from "./engines/catalogue";
export type {
  AdapterSupport,
  EngineFlags,
  EngineImage,
  Launch,
  LoadMetric,
  ModelServerEngine,
  ServerArgs,
} from "./engines/engine";
export { vllm } from "./engines/vllm";
export { sglang } from "./engines/sglang";

// LoRA adapters, and the model names that clients ask for
export { AdapterLoader, type AdapterList, type AdapterLoaderArgs } from "./adapters/adapter-loader";
export { ModelNames, type ModelNamesArgs, type NameRule } from "./adapters/name-rewrites";

// Nodes and clusters
export { accelerators, acceleratorNamed, type HardwareArgs } from "./accelerators/accelerators";
export type { Accelerator, Machine, Provisioning, Slice } from "./accelerators/accelerator";
export {
  isMisfit,
  nodesFor,
  place,
  placementOf,
  type Misfit,
  type Placement,
} from "./accelerators/placement";
export { AcceleratorNodePool, type AcceleratorNodePoolArgs } from "./cluster/accelerator-node-pool";
export { gkeKubeconfig, InferenceCluster, type InferenceClusterArgs } from "./cluster/inference-cluster";
export { ModelArmorAccess, modelArmorRoles, type ModelArmorAccessArgs } from "./cluster/model-armor-access";
export { Network, type NetworkArgs } from "./cluster/network";
export {
  definitionNames,
  InferenceDefinitions,
  type DefinitionName,
  type InferenceDefinitionsArgs,
} from "./definitions/inference-definitions";

// Gateways and routes
export { InferenceGateway, type InferenceGatewayArgs } from "./gateways/inference-gateway";
export { ClosedPaths } from "./route/closed-paths";
export {
  InferenceRoute,
  PreviewRoute,
  type InferenceRouteArgs,
  type RouteShape,
  type ServiceRouteArgs,
} from "./route/inference-route";
export { MoveGuard, type MoveGuardArgs } from "./route/move-guard";
export { ShapeGuard, type ShapeGuardArgs } from "./route/shape-guard";
export { TrafficGuard, type TrafficGuardArgs } from "./route/traffic-guard";

export { stackLabel, type PoolRef } from "./names";
