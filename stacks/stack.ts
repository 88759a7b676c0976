import { ownerOutput } from "./plan/claims";
import type { GatewayConfig } from "../components/gateways/gateway";
import { nothingDeployed, type Observed, type Plan } from "./plan/model";
import * as pulumi from "@pulumi/pulumi";
import type { DefinitionName } from "../components/definitions/inference-definitions";
import type { CopiedPods } from "../components/model-server/copied/adapt";
import { confirmVersions } from "./gates/adapter-waits";
import { describeMistakes, secretCommand } from "./messages/mistakes";
import { UserError, withoutLibraryFrames } from "./messages/user-error";
import { readRawConfig } from "./config/raw";
import { resolveConfig } from "./config/resolve";
import type { PlatformConfig, StackConfig } from "./config/resolved";
import { confirm } from "./gates/confirm";
import { hardwareNotes, poolsWithoutGroups } from "./hardware-notes";
import { trafficHooks } from "./gates/hooks";
import type { ClusterReader } from "./state/cluster-reader";
import { namespacesOf, observe } from "./state/observe";
import { lazyReader, readable } from "./state/readable";
import { definitionsToInstall, newCluster, readDefinitions, readServed, type Served } from "./state/served";
import { observedCopies } from "./state/copies";
import { stackLabel } from "../components/names";
import { outputsOf } from "./outputs";
import { plan as makePlan } from "./plan/plan";
import { describeRefusals } from "./messages/refusals";
import {
  buildPlatform,
  namespaceOwners,
  platformOf,
  readerBefore,
  type Platform,
  type PlatformOptions,
} from "./platform";
import { claimEverything, gatewayOfAnother, ownershipOf, type Ownership } from "./state/ownership";
import { lastUpdate, type LastUpdate } from "./state/record";
import { buildService } from "./service";

/**
 * One update of a stack: read the config, look at what is deployed, plan, and only then register resources. What a
 * user got wrong ends here, before anything is registered, with everything that is wrong in one message.
 */
export async function deployStack(): Promise<Record<string, unknown>> {
  try {
    return await deploy();
  } catch (error) {
    throw withoutLibraryFrames(error);
  }
}

async function deploy(): Promise<Record<string, unknown>> {
  const { raw, cloud, secrets } = await readRawConfig();
  const { config, mistakes } = resolveConfig(raw, cloud, secrets);
  if (config === undefined) throw new UserError(describeMistakes(mistakes));
  const isKept = secrets.has("gate") || secrets.has("gate.apiKey");
  if (config.role !== "platform" && config.service.gate.apiKey !== undefined && !isKept) {
    void pulumi.log.warn(
      `gate.apiKey stands in the stack's file in clear text. Replace the key, then: ${secretCommand("gate.apiKey")}`,
    );
  }
  return config.role === "platform" ? deployPlatform(config) : deployService(config);
}

type PlatformStack = Extract<StackConfig, { role: "platform" }>;
type ServiceStack = Exclude<StackConfig, { role: "platform" }>;

async function deployPlatform({ platform: config, allow }: PlatformStack): Promise<Record<string, unknown>> {
  const last = await lastUpdate();
  const { owners, definitions, ownership } = await readable(async () => {
    const reader = await readerBefore(config.cluster);
    const found = await ownershipOf(reader, last, { namespaces: platformNamespaces(config), allow });
    return {
      ownership: found,
      owners: await namespaceOwners(reader, config, found.belongs),
      definitions: await missingDefinitions(reader, found),
    };
  });
  const takeOver = allow.includes("take-over-service");
  const taken = takeOver ? [] : gatewayOfAnother(config.gateway, ownership);
  if (taken.length > 0) throw new UserError(describeRefusals(taken));
  claimEverything(ownership, takeOver);
  const platform = buildPlatform(config, {
    owners,
    stack: thisStack(),
    definitions,
    deletable: allow.includes("destroy"),
  });
  return {
    kubeconfig: platform.kubeconfig,
    gateway: platform.gateway,
    nodes: platform.nodes,
    [ownerOutput]: ownership.self.id,
  };
}

const platformNamespaces = ({ namespace, gateway }: PlatformConfig): string[] => [
  namespace,
  gateway.namespace,
];

async function deployService(config: ServiceStack): Promise<Record<string, unknown>> {
  const { service } = config;
  const given = await basisOf(config);
  const last = await lastUpdate();
  const { reader, observed, served, definitions, ownership } = await readable(async () =>
    look(await given.reader(), config, last, given),
  );
  const result = makePlan(service, observed);
  const { plan } = result;
  for (const line of copiedNow(plan, observed)) void pulumi.log.info(line);
  for (const note of [...plan.notes, ...hardwareNotes(plan)]) void pulumi.log.warn(note);
  const theirGateway = config.role === "all" ? gatewayOfAnother(given.gateway, ownership) : [];
  const isAllowed =
    service.allow.includes("take-over-service") &&
    observed.record?.waived.includes("take-over-service") !== true;
  const takeOver = plan.waived.includes("take-over-service") || (isAllowed && theirGateway.length > 0);
  const refusals = [
    ...(result.outcome === "refused" ? result.refusals : []),
    ...(takeOver ? [] : theirGateway),
  ];
  if (result.outcome === "refused" || refusals.length > 0) throw new UserError(describeRefusals(refusals));

  const groupless = poolsWithoutGroups(plan, served);
  if (groupless !== undefined) throw new UserError(groupless);

  claimEverything(ownership, takeOver);
  const platform = given.build({
    owners: reader === undefined ? {} : observed.namespaces,
    stack: thisStack(),
    definitions,
    deletable: service.allow.includes("destroy"),
  });
  const readerNow = lazyReader(platform.kubeconfig);
  const built = buildService(service, result.plan, {
    platform,
    stack: thisStack(),
    served,
    copies: podsOf(observed),
    hooks: (handles) =>
      trafficHooks({
        config: service,
        plan,
        observed,
        gateway: platform.gateway,
        reader: readerNow,
        ...handles,
      }),
    ...(config.hasHuggingFaceToken
      ? { huggingFaceToken: new pulumi.Config().requireSecret("huggingFaceToken") }
      : {}),
  });
  // A preview asks no gateway: where it answered last is where it will, and before that nobody knows.
  const address = built.route.resource.metadata.apply(async (): Promise<string> =>
    pulumi.runtime.isDryRun()
      ? (last.address ?? (pulumi.unknown as string))
      : confirmed(service, plan, observed, platform.gateway, readerNow),
  );
  return {
    ...outputsOf(service, plan, platform, address, built.previewSecret, config.role === "all"),
    [ownerOutput]: ownership.self.id,
  };
}

/** The gateway's word, and that of every pod that was to load a new version of an adapter. */
async function confirmed(
  config: ServiceStack["service"],
  plan: Plan,
  observed: Observed,
  gateway: Platform["gateway"],
  reader: () => Promise<ClusterReader>,
): Promise<string> {
  const address = await confirm(config, plan, gateway, reader);
  await confirmVersions({ config, observed, plan, reader });
  return address;
}

/** What a service stands on: a platform that this stack makes, or another stack's. */
async function basisOf(config: ServiceStack): Promise<{
  gateway: GatewayConfig;
  /** Whether accelerator nodes are made for each pool. */
  ownNodes: boolean;
  reader: () => Promise<ClusterReader | undefined>;
  build: (options: PlatformOptions) => Platform;
}> {
  if (config.role === "service") {
    const given = await platformOf(config.platformStack);
    return {
      gateway: given.gateway,
      ownNodes: given.ownNodes,
      reader: given.reader,
      build: given.connect,
    };
  }
  const { platform } = config;
  return {
    gateway: platform.gateway,
    ownNodes: platform.cluster.mode !== "kubeconfig",
    reader: () => readerBefore(platform.cluster),
    build: (options) => buildPlatform(platform, options),
  };
}

async function look(
  reader: ClusterReader | undefined,
  config: ServiceStack,
  last: LastUpdate,
  given: { gateway: GatewayConfig; ownNodes: boolean },
): Promise<{
  reader?: ClusterReader;
  observed: Observed;
  served: Served;
  definitions: DefinitionName[] | undefined;
  ownership: Ownership;
}> {
  const { service, role } = config;
  const { record } = last;
  const ownership = await ownershipOf(reader, last, {
    namespaces: [
      ...namespacesOf(service, record),
      ...(role === "all" ? platformNamespaces(config.platform) : []),
    ],
    service,
    allow: service.allow,
  });
  // A service stack leaves them to its platform.
  const definitions = role === "service" ? [] : await missingDefinitions(reader, ownership);
  if (reader === undefined) {
    // Without a cluster there is no other clock.
    const nothing = { ...nothingDeployed, now: new Date() };
    return {
      observed: record === undefined ? nothing : { ...nothing, record },
      served: newCluster,
      definitions,
      ownership,
    };
  }
  const [observed, served] = await Promise.all([
    observe(reader, service, record, ownership.belongs, { ...given.gateway, configurable: role === "all" }),
    readServed(reader),
  ]);
  const copies = await observedCopies(reader, service, observed, given.ownNodes);
  return {
    reader,
    observed: { ...observed, copies, claims: ownership.claims },
    served,
    definitions,
    ownership,
  };
}

/** Pods to render, by the pool that copies them. */
function podsOf({ copies = {} }: Observed): Record<string, CopiedPods> {
  return Object.fromEntries(
    Object.entries(copies).flatMap(([name, { pods }]) => (pods === undefined ? [] : [[name, pods]])),
  );
}

/** What is copied by this update, once: the outputs say it from then on. */
function copiedNow({ pools }: Plan, { copies = {} }: Observed): string[] {
  return pools.flatMap(({ pool, copied }) =>
    copied === undefined || copies[pool.name]?.state === "made"
      ? []
      : [
          `${pool.name} copies ${copied.from}. Taken over: ${copied.taken.join("; ")}. Left behind: ${copied.left.join("; ") || "nothing"}.`,
        ],
  );
}

/** CRDs that the cluster lacks; undefined where it is still to be made. */
async function missingDefinitions(
  reader: ClusterReader | undefined,
  { belongs }: Ownership,
): Promise<DefinitionName[] | undefined> {
  const kind = { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" };
  return reader === undefined
    ? undefined
    : definitionsToInstall(await readDefinitions(reader), (live) => belongs(live, kind), "existing");
}

function thisStack(): string {
  return stackLabel(pulumi.getProject(), pulumi.getStack());
}
