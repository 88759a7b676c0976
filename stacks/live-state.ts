import type { DefinitionName } from "../components/definitions/inference-definitions";
import type { PlatformConfig, StackConfig } from "./config/resolve";
import type { DroppedGateway, GatewayUse } from "./plan/gateway-change";
import type { NamespaceOwners } from "./plan/namespaces";
import { nothingDeployed } from "./plan/model";
import type { MirrorUse } from "./plan/standing";
import { newPools, poolsWithoutZones } from "./plan/zones";
import type { Observed } from "./plan/observed";
import { namespaceOwners, type PlatformSource } from "./platform";
import type { ClusterReader } from "./state/cluster-reader";
import { observedCopies } from "./state/copies";
import { hasWorkloadIdentity, searchZones } from "./state/machine-zones";
import { readMirrorUse } from "./state/mirror-use";
import { missingOfSettings } from "./state/missing-of-settings";
import { readDroppedGateways, readGatewayUse } from "./state/gateway-use";
import { namespacesOf, observe } from "./state/observe";
import { ownershipOf, type Ownership } from "./state/ownership";
import { atOneMoment } from "./state/one-moment";
import { readable } from "./state/readable";
import type { LastUpdate } from "./state/last-update";
import { definitionsToInstall, newCluster, readDefinitions, readServed, type Served } from "./state/served";

/*
 * What is deployed before an update, read once: from the live cluster, and from what the last update recorded.
 */

export type PlatformStack = Extract<StackConfig, { role: "platform" }>;
export type ServiceStack = Exclude<StackConfig, { role: "platform" }>;

export interface PlatformState {
  ownership: Ownership;
  /** Who made the namespaces that exist. */
  owners: NamespaceOwners;
  /** CRDs that the cluster lacks; undefined: the cluster is still to be made. */
  definitions: DefinitionName[] | undefined;
  /** The Gateway that this stack created, and who uses it; absent: none. */
  gateway?: GatewayUse;
  /** Gateways that it created and the config no longer has. */
  dropped: readonly DroppedGateway[];
  /** Who uses mirrors of registries that the config no longer has. */
  mirrorUse: readonly MirrorUse[];
}

export interface ServiceState {
  observed: Observed;
  /** What the cluster serves beyond Kubernetes. */
  served: Served;
  ownership: Ownership;
  /** CRDs that the cluster lacks; undefined: the cluster is still to be made. */
  definitions: DefinitionName[] | undefined;
  /** The Gateway that this stack created, and who uses it; absent: none. */
  gateway?: GatewayUse;
  /** Gateways that it created and the config no longer has. */
  dropped: readonly DroppedGateway[];
}

/** @throws UserError where the cluster exists and cannot be read. */
export function readPlatformState(
  { platform, allow }: PlatformStack,
  source: PlatformSource,
  last: LastUpdate,
): Promise<PlatformState> {
  return readable(async () => {
    const found = await source.reader();
    const reader = found && atOneMoment(found, platformNamespaces(platform));
    const [ownership, live, gateway] = await Promise.all([
      ownershipOf(reader, last, { namespaces: platformNamespaces(platform), allow }),
      reader === undefined ? undefined : readDefinitions(reader),
      readGatewayUse(reader, platform.gateway),
    ]);
    return {
      ...(gateway === undefined ? {} : { gateway }),
      dropped: await readDroppedGateways(reader, ownership.held, platform.gateway),
      mirrorUse: await readMirrorUse(reader, ownership.held, source.otherMirrors),
      ownership,
      owners: await namespaceOwners(reader, platform, ownership.belongs),
      definitions: missingDefinitions(live, ownership),
    };
  });
}

/** @throws UserError where the cluster exists and cannot be read. */
export function readServiceState(
  config: ServiceStack,
  source: PlatformSource,
  last: LastUpdate,
): Promise<ServiceState> {
  return readable(async () => {
    const found = await source.reader();
    const { service, role } = config;
    const reader = found && atOneMoment(found, [service.namespace]);
    const [ownership, served, live, gateway] = await Promise.all([
      ownershipOf(reader, last, {
        namespaces: [
          ...namespacesOf(service, last.record),
          ...(role === "all" ? platformNamespaces(config.platform) : []),
        ],
        service,
        allow: service.allow,
      }),
      reader === undefined ? newCluster : readServed(reader),
      // A service stack leaves them to its platform.
      reader === undefined || role === "service" || service.clusterScoped === false
        ? undefined
        : readDefinitions(reader),
      role === "all" ? readGatewayUse(reader, config.platform.gateway) : undefined,
    ]);
    const observed =
      reader === undefined
        ? stateOfNewCluster(last)
        : await stateOfCluster(reader, config, source, last, ownership);
    const place = source.nodesIn;
    const [zones, workloadIdentity] = await Promise.all([
      place === undefined ? undefined : searchZones(poolsWithoutZones(service, observed), place),
      place === undefined || source.createsCluster || newPools(service, observed).length === 0
        ? undefined
        : hasWorkloadIdentity(place),
    ]);
    const registered = role === "all" ? config.platform.gateway : undefined;
    return {
      ownership,
      ...(gateway === undefined ? {} : { gateway: { ...gateway, own: service.service } }),
      dropped: await readDroppedGateways(reader, ownership.held, registered),
      // A service stack leaves them to its platform.
      definitions:
        role === "service" || service.clusterScoped === false ? [] : missingDefinitions(live, ownership),
      observed: {
        ...{ ...observed, imageMirrors: source.imageMirrors },
        ...(zones === undefined ? {} : { zones }),
        ...(source.otherMirrors === undefined ? {} : { otherMirrors: source.otherMirrors }),
        cluster: {
          ...served.cluster,
          created: source.createsCluster,
          ...(workloadIdentity === undefined ? {} : { workloadIdentity }),
        },
        standing: { held: ownership.held, wanted: { role, ...source.wanted } },
      },
      served,
    };
  });
}

function stateOfNewCluster({ record }: LastUpdate): Observed {
  // Without a cluster, this computer's clock is the only one.
  return { ...nothingDeployed, now: new Date(), ...(record === undefined ? {} : { record }) };
}

async function stateOfCluster(
  reader: ClusterReader,
  { service, role }: ServiceStack,
  { gateway, nodesIn }: PlatformSource,
  { record }: LastUpdate,
  { belongs, claims, self }: Ownership,
): Promise<Observed> {
  const observed = await observe(reader, service, record, belongs, {
    ...gateway,
    configurable: role === "all",
  });
  const ownNodes = nodesIn !== undefined;
  const [copies, settings] = await Promise.all([
    observedCopies(reader, service, observed, ownNodes),
    missingOfSettings(reader, service, observed),
  ]);
  return { ...observed, copies, settings, claims, stack: self.stack, ownNodes };
}

const platformNamespaces = ({ namespace, gateway }: PlatformConfig): string[] => [
  namespace,
  gateway.namespace,
];

/** @param live what is there of them; undefined: the cluster is still to be made. */
function missingDefinitions(
  live: Awaited<ReturnType<typeof readDefinitions>> | undefined,
  { belongs }: Ownership,
): DefinitionName[] | undefined {
  const kind = { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" };
  return live === undefined
    ? undefined
    : definitionsToInstall(live, (definition) => belongs(definition, kind), "existing");
}
