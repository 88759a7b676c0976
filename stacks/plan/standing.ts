import type { MirrorSource } from "../../components/cluster/mirrored-images";

/*
 * What a stack stands on: what its own state holds beneath the services, and what the config says of it. The state says it
 * for stacks of every earlier version.
 */

/** A cluster on GKE. */
export interface GkePlace {
  name: string;
  /** Region or zone. */
  location: string;
  /** Absent: not known. */
  project?: string;
}

/** What this stack's state holds of Google Cloud and of pools. */
export interface HeldPlatform {
  /** The cluster that this stack created; absent: none. */
  cluster?: GkePlace;
  nodePools: readonly { name: string; in: GkePlace }[];
  /** Regions of the subnets that this stack created. */
  regions: readonly string[];
  /** InferencePools that this stack created. */
  pools: readonly string[];
  /** Ids of the repositories that mirror registries. */
  repositories: readonly string[];
  /** Gateways that it created. */
  gateways: readonly HeldObject[];
}

/** Images of running pods that come from a mirror which the config no longer has. */
export interface MirrorUse {
  source: MirrorSource;
  /** NAMESPACE/NAME. */
  pods: readonly string[];
}

export interface ObjectName {
  namespace: string;
  name: string;
}

export interface HeldObject extends ObjectName {
  urn: string;
}

export const holdsNothing: HeldPlatform = {
  nodePools: [],
  regions: [],
  pools: [],
  repositories: [],
  gateways: [],
};

/** What the config says that the stack stands on. */
export interface WantedPlatform {
  role: "all" | "platform" | "service";
  /** create: this stack creates the cluster. other: of a role service, whatever its platform has. */
  mode: "create" | "adopt" | "kubeconfig" | "other";
  /** Region of the network that it creates. */
  region?: string;
  /** Where its node pools are; absent: it creates none. */
  place?: GkePlace;
}

export interface PlatformStanding {
  held: HeldPlatform;
  wanted: WantedPlatform;
}
