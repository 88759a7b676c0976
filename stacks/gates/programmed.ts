import type { GatewayKind } from "../../components/gateways/gateway";
import { gatewayKindOf } from "../../components/gateways/gateway-kinds";
import type { ClusterReader, LiveObject } from "../state/cluster-reader";
import { gatewayPath, routePath } from "../state/paths";
import { progressOf, type Progress } from "./wait";

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

interface ParentStatus {
  parentRef: { name: string; namespace?: string };
  conditions?: Condition[];
}

/**
 * What a route's gateway still has to say before the route is known to be in force: the conditions of its kind (see
 * components/gateways), each about the route's present generation. A condition about an earlier generation says
 * nothing about this one.
 */
export function missingFromGateway(
  route: LiveObject,
  gateway: { name: string; namespace: string },
  { routeConditions }: Pick<GatewayKind, "routeConditions">,
): readonly string[] {
  const { generation, namespace: own } = route.metadata;
  const parents = (route["status"] as { parents?: ParentStatus[] } | undefined)?.parents ?? [];
  const parent = parents.find(
    ({ parentRef }) => parentRef.name === gateway.name && (parentRef.namespace ?? own) === gateway.namespace,
  );
  const name = `route ${own ?? ""}/${route.metadata.name}`;
  if (parent === undefined) return [`gateway ${gateway.name} has no status on ${name} yet`];
  return routeConditions.flatMap(({ type, optional }) => {
    const condition = parent.conditions?.find((entry) => entry.type === type);
    if (condition === undefined)
      return optional ? [] : [`gateway ${gateway.name} has not reported ${type} for ${name}`];
    // A gateway may leave the generation out of a condition of its own, as GKE does; then only its status counts.
    const stale = condition.observedGeneration !== undefined && condition.observedGeneration !== generation;
    if (stale)
      return [
        `gateway ${gateway.name} has not processed the latest ${name} yet (${type} is about an earlier one)`,
      ];
    if (condition.status === "True") return [];
    const why = [condition.reason, condition.message]
      .filter((text) => text !== undefined && text !== "")
      .join(": ");
    return [`gateway ${gateway.name} reports ${type}=${condition.status} for ${name} (${why})`];
  });
}

const kindOfGateway = (gateway: LiveObject | undefined): GatewayKind =>
  gatewayKindOf((gateway?.["spec"] as { gatewayClassName?: string } | undefined)?.gatewayClassName);

/** Where a Gateway can be reached; undefined as long as it has no address. */
export function gatewayAddress(gateway: LiveObject | undefined): string | undefined {
  const addresses = (gateway?.["status"] as { addresses?: { value: string }[] } | undefined)?.addresses;
  return addresses?.[0]?.value;
}

/** Whether a route is in force; done with the gateway's address. */
export async function routeProgress(
  reader: ClusterReader,
  route: { name: string; namespace: string },
  gateway: { name: string; namespace: string },
): Promise<Progress<string>> {
  const [liveRoute, liveGateway] = await Promise.all([
    reader.get(routePath(route.namespace, route.name)),
    reader.get(gatewayPath(gateway)),
  ]);
  if (liveRoute === undefined)
    return { state: "waiting", missing: [`there is no route ${route.namespace}/${route.name}`] };
  const missing = missingFromGateway(liveRoute, gateway, kindOfGateway(liveGateway));
  if (missing.length > 0) return { state: "waiting", missing };
  const address = gatewayAddress(liveGateway);
  return progressOf(address === undefined ? [`gateway ${gateway.name} has no address`] : [], address ?? "");
}
