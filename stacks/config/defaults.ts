import { gatewayDefaults } from "../../components/gateways/gateway";
import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";

/**
 * Constant defaults that more than the schema needs: the rollout command, a gateway of an older platform stack. All
 * others are in the schema.
 */
export const defaults = {
  service: "llm",
  namespace: "default",
  cluster: "inference",
  /** One picker runs on each: those of three services that are all in a rollout. */
  systemNodes: 6,
  /** Percent, one step after the other. Source: the source's own rollout. */
  ladder: [10, 30, 60, 100],
  gateway: {
    /** The source's name. */
    name: "my-inference-gateway",
    ...gatewayDefaults,
  },
} as const;

/** Port of a gateway's listener. */
export const defaultPort = (tls: boolean): number => defaultGatewayKind.defaultPort(tls);
