import type { GatewayKind } from "../../components/gateways/gateway";
import { gatewayKindOf } from "../../components/gateways/gateway-kinds";
import { apis } from "../../components/names";
import type { ClusterReader, LiveObject } from "../state/cluster-reader";
import type { LiveParentRef } from "../state/known-route";
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
  parentRef: LiveParentRef;
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
  const { namespace: own } = route.metadata;
  const statuses = (route["status"] as { parents?: ParentStatus[] } | undefined)?.parents ?? [];
  const refs = (route["spec"] as { parentRefs?: LiveParentRef[] } | undefined)?.parentRefs ?? [];
  const name = `route ${own ?? ""}/${route.metadata.name}`;
  // A route of others may attach to several listeners of the Gateway, and to Gateways besides.
  const here = refs.filter((ref) => isOf(ref, gateway, own));
  const asked: LiveParentRef[] = here.length > 0 ? here : [gateway];
  const missing = asked.flatMap((ref) => {
    const status =
      statuses.find(({ parentRef }) => isSame(parentRef, ref, own)) ??
      (here.length > 1 ? undefined : statuses.find(({ parentRef }) => isOf(parentRef, gateway, own)));
    if (status === undefined) return [`gateway ${gateway.name} has no status on ${name} yet`];
    return missingFrom(status, route, name, routeConditions);
  });
  const elsewhere = refs
    .filter((ref) => isGateway(ref) && !isOf(ref, gateway, own))
    .flatMap((ref) => statuses.filter(({ parentRef }) => isSame(parentRef, ref, own)));
  // Of another Gateway only that it follows: what it refused before is none of this stack's business.
  const behind = elsewhere
    .filter(({ conditions = [] }) => conditions.some((condition) => isStale(condition, route)))
    .map(({ parentRef }) => `gateway ${parentRef.name} has not processed the latest ${name} yet`);
  return [...new Set([...missing, ...behind])];
}

/**
 * Where a route attaches that does not attach to the Gateway any more, in words; undefined: it does attach, or there is
 * no route. Then the Gateway never says anything of it.
 */
export function attachedElsewhere(
  route: LiveObject | undefined,
  gateway: { name: string; namespace: string },
): string | undefined {
  if (route === undefined) return undefined;
  const { namespace: own } = route.metadata;
  const refs = (route["spec"] as { parentRefs?: LiveParentRef[] } | undefined)?.parentRefs ?? [];
  if (refs.some((ref) => isOf(ref, gateway, own))) return undefined;
  const others = refs.map(
    ({ kind = "Gateway", namespace, name }) => `${kind} ${namespace ?? own ?? ""}/${name}`,
  );
  return others.length === 0 ? "nothing" : others.join(", ");
}

const isGateway = ({ group, kind }: LiveParentRef): boolean =>
  (group ?? apis.gateway) === apis.gateway && (kind ?? "Gateway") === "Gateway";

const isOf = (
  ref: LiveParentRef,
  gateway: { name: string; namespace: string },
  own: string | undefined,
): boolean => isGateway(ref) && ref.name === gateway.name && (ref.namespace ?? own) === gateway.namespace;

const isSame = (a: LiveParentRef, b: LiveParentRef, own: string | undefined): boolean =>
  a.name === b.name &&
  (a.namespace ?? own) === (b.namespace ?? own) &&
  a.sectionName === b.sectionName &&
  a.port === b.port;

/** A gateway may leave the generation out of a condition of its own, as GKE does; then only its status counts. */
const isStale = ({ observedGeneration }: Condition, { metadata }: LiveObject): boolean =>
  observedGeneration !== undefined && observedGeneration !== metadata.generation;

function missingFrom(
  parent: ParentStatus,
  route: LiveObject,
  name: string,
  routeConditions: GatewayKind["routeConditions"],
): string[] {
  const gateway = parent.parentRef;
  return routeConditions.flatMap(({ type, optional }) => {
    const condition = parent.conditions?.find((entry) => entry.type === type);
    if (condition === undefined)
      return optional ? [] : [`gateway ${gateway.name} has not reported ${type} for ${name}`];
    if (isStale(condition, route))
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
