import type { GatewayConfig } from "../../components/gateways/gateway";
import type { PlannedNamespace } from "./model";
import type { ServiceConfig } from "./service-config";
import type { Observed } from "./observed";

/*
 * Which namespaces a stack makes. What exists is never made: Kubernetes has its own, others made theirs, and where a
 * Gateway is said to exist its namespace does too. What this stack made it keeps making, or Pulumi would delete it.
 */

/** Who made the namespaces that exist. */
export type NamespaceOwners = Readonly<Record<string, "owned" | "foreign">>;

/** Namespaces that every cluster has from its first moment. */
const builtIn: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);

/** @param known of a namespace that was not read: whether something in it is said to exist. */
export function isMadeHere(name: string, owners: NamespaceOwners, known = false): boolean {
  if (builtIn.has(name)) return false;
  const owner = owners[name];
  return owner === undefined ? !known : owner === "owned";
}

/** Namespaces of a platform: of the route, and of a Gateway that is made here. */
export function platformNamespaces(
  namespace: string,
  gateway: Pick<GatewayConfig, "namespace" | "existing">,
  owners: NamespaceOwners,
): string[] {
  return [...new Set([namespace, gateway.namespace])].filter((name) =>
    isMadeHere(name, owners, gateway.existing && name === gateway.namespace),
  );
}

/**
 * Namespaces of a service on another stack's platform. What its stack made it keeps making, whatever rights it has now: a
 * namespace that leaves the program is deleted, with all that serves in it.
 */
export function serviceNamespaces(
  { namespace, clusterScoped }: { namespace: string; clusterScoped?: boolean | undefined },
  owners: NamespaceOwners,
): string[] {
  const makes = owners[namespace] === "owned" || (clusterScoped !== false && isMadeHere(namespace, owners));
  return makes ? [namespace] : [];
}

/** One entry a pool that lives beside the route. */
export function poolNamespaces(
  config: ServiceConfig,
  observed: Observed,
  pools: readonly { pool: { name: string }; namespace: string; beforeRoute: boolean }[],
): PlannedNamespace[] {
  const beside = pools.filter(({ namespace }) => namespace !== config.namespace);
  const names = new Set([
    ...Object.keys(config.pools),
    ...Object.keys(observed.record?.pools ?? {}),
    ...observed.pools.filter(({ owned }) => owned).map(({ name }) => name),
  ]);
  return beside.map(({ pool, namespace }) => {
    const sharing = beside.filter((other) => other.namespace === namespace);
    const maker = sharing.find(({ beforeRoute }) => beforeRoute) ?? sharing[0];
    return {
      name: namespace,
      pool: pool.name,
      create: isMadeHere(namespace, observed.namespaces),
      maker: maker?.pool.name ?? pool.name,
      makers: [...names].sort(),
    };
  });
}
