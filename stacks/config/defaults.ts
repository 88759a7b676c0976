import { gatewayDefaults } from "../../components/gateways/gateway";
import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";

/**
 * Defaults of the config that more than one place needs: the program, the rollout command, and the texts that name them.
 */
export const defaults = {
  service: "llm",
  namespace: "default",
  cluster: "inference",
  /** Percent that the next step proposes. Source: the source's own rollout. */
  ladder: [10, 30, 60, 100],
  gateway: {
    /** The source's name. */
    name: "my-inference-gateway",
    ...gatewayDefaults,
  },
} as const;

/** Port of a gateway's listener. */
export const defaultPort = (tls: boolean): number => defaultGatewayKind.defaultPort(tls);
