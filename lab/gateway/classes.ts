import { apply } from "../cluster/objects";
import { gatewayGroup } from "./objects/types";

/**
 * Creates the GatewayClasses that production has by itself. @throws when one of them exists and belongs to another
 * controller, because a class can never change hands.
 */
export async function createClasses(
  kubeconfig: string,
  names: readonly string[],
  controllerName: string,
): Promise<void> {
  const classes = names.map((name) => ({
    apiVersion: `${gatewayGroup}/v1`,
    kind: "GatewayClass",
    metadata: { name },
    spec: { controllerName },
  }));
  await apply(kubeconfig, classes);
}
