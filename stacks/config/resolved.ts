import type { Allowance, ServiceConfig } from "../plan/model";
import type { GatewayConfig } from "../../components/gateways/gateway";

/** Who made the cluster: this stack, somebody else on GKE, or somebody else anywhere. */
export type ClusterConfig =
  | {
      mode: "create" | "adopt";
      name: string;
      project: string;
      region: string;
      /** Region or zone. */
      location: string;
      channel: "rapid" | "regular" | "stable";
      /** From where the control plane may be reached; none: only from inside the cluster's network. */
      authorizedNetworks: readonly string[];
      /** Whom the nodes act as, where the cluster exists; absent: the project's default service account. */
      nodeServiceAccount?: string;
    }
  | {
      mode: "kubeconfig";
      /** Text of a kubeconfig, or the path of one. */
      kubeconfig: string;
    };

/** What a platform stack needs, and the platform part of a stack that is everything. */
export interface PlatformConfig {
  namespace: string;
  cluster: ClusterConfig;
  gateway: GatewayConfig;
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
