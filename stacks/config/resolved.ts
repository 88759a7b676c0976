import type { Safety } from "./safety";
import type { Allowance } from "./schema";

/*
 * The config after validation: every default filled in, every `like` followed, nothing left to interpret.
 */

export type Engine = "vllm" | "sglang";
export type RolloutKind = "node-update" | "base-model" | "model-server";

export interface Server {
  engine: Engine;
  /** Image with a fixed tag or digest. */
  image: string;
  /** Arguments after those that the program sets. */
  args: readonly string[];
  port: number;
}

/** The machines a pool runs on. */
export interface Hardware {
  accelerator: string;
  acceleratorsPerReplica: number;
  machineType?: string;
  zones?: readonly string[];
  provisioning: "on-demand" | "spot";
  driver: "default" | "latest" | "disabled";
}

/** A pool that this stack makes. */
export interface OwnedPool {
  name: string;
  /** Where it is made, unless it exists elsewhere already: a pool never moves. */
  namespace: string;
  /** Whether the config names the namespace. */
  namespaceIsExplicit: boolean;
  existing: false;
  /** What carries 100 % of the traffic there. */
  replicas: number;
  hardware: Hardware;
  model: string;
  server: Server;
  /** An existing pool whose pod template this one takes over instead of being given model and server. */
  templateOf?: { name: string; namespace: string };
}

/** A pool that somebody else made: read and routed to, never changed. */
export interface ExistingPool {
  name: string;
  namespace: string;
  existing: true;
  /** Where the config says it; needed only to compare models. */
  model?: string;
}

export type Pool = OwnedPool | ExistingPool;

export interface Objective {
  name: string;
  priority: number;
}

/** Who made the cluster: this stack, somebody else on GKE, or somebody else anywhere. */
export type ClusterConfig =
  | {
      mode: "create" | "adopt";
      name: string;
      project: string;
      region: string;
      /** Region or zone. */
      location: string;
    }
  | {
      mode: "kubeconfig";
      /** Text of a kubeconfig, or the path of one. */
      kubeconfig: string;
    };

export interface GatewayConfig {
  name: string;
  namespace: string;
  existing: boolean;
  exposure: "internal" | "external";
  /** Namespaces whose routes may attach. */
  routesFrom: readonly string[];
  port: number;
  hostname?: string;
  tlsSecret?: string;
}

export interface GateConfig {
  via: "gateway" | "api-server" | "off";
  /** host:port that stands for the gateway's own address. */
  address?: string;
  timeoutSeconds: number;
}

/** What a platform stack needs, and the platform part of a stack that is everything. */
export interface PlatformConfig {
  namespace: string;
  cluster: ClusterConfig;
  gateway: GatewayConfig;
}

/** One inference service. */
export interface ServiceConfig extends Safety {
  service: string;
  namespace: string;
  stable: string;
  candidate?: string;
  /** Percent of the traffic for the candidate; 0 without one. */
  weight: number;
  /** Every pool the config declares. Only stable and candidate are made; the others are declarations. */
  pools: Readonly<Record<string, Pool>>;
  objectives: readonly Objective[];
  /** What the user says the roll-out is; absent: whatever it turns out to be. */
  rollout?: RolloutKind;
  gate: GateConfig;
  ladder: readonly number[];
  allow: readonly Allowance[];
}

export type StackConfig = {
  /** Whether a token for gated models is in the config; the token itself never passes through here. */
  hasHuggingFaceToken: boolean;
  allow: readonly Allowance[];
} & (
  | { role: "all"; platform: PlatformConfig; service: ServiceConfig }
  | { role: "platform"; platform: PlatformConfig }
  | { role: "service"; platformStack: string; service: ServiceConfig }
);
