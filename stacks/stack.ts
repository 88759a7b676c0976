import * as pulumi from "@pulumi/pulumi";
import type { DefinitionName } from "../components/inference-definitions";
import { confirmVersions } from "./adapter-waits";
import { describeMistakes, secretCommand } from "./config/mistakes";
import { UserError, withoutLibraryFrames } from "./user-error";
import { readRawConfig } from "./config/raw";
import { resolveConfig } from "./config/resolve";
import type { GatewayConfig, StackConfig } from "./config/resolved";
import { confirm } from "./confirm";
import { hardwareNotes, poolsWithoutGroups } from "./hardware-notes";
import { trafficHooks } from "./hooks";
import type { ClusterReader } from "./live/cluster-reader";
import { observe } from "./live/observe";
import { lazyReader, readable } from "./live/readable";
import { definitionsToInstall, newCluster, readDefinitions, readServed, type Served } from "./live/served";
import { templatesFor } from "./live/templates";
import { stackLabel } from "./names";
import { outputsOf } from "./outputs";
import { nothingDeployed, type Observed } from "./plan/observed";
import { plan as makePlan, type Plan } from "./plan/plan";
import { describeRefusals } from "./plan/text";
import {
  buildPlatform,
  namespaceOwners,
  platformOf,
  readerBefore,
  type Platform,
  type PlatformOptions,
} from "./platform";
import { lastUpdate } from "./record";
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
  const { raw, cloud, secrets } = readRawConfig();
  const { config, mistakes } = resolveConfig(raw, cloud, secrets);
  if (config === undefined) throw new UserError(describeMistakes(mistakes));
  if (config.role !== "platform" && config.service.gate.apiKey !== undefined && !secrets.has("gate")) {
    void pulumi.log.warn(
      `gate.apiKey stands in the stack's file in clear text. Replace the key, then: ${secretCommand("gate.apiKey")}`,
    );
  }
  return config.role === "platform" ? deployPlatform(config) : deployService(config);
}

type PlatformStack = Extract<StackConfig, { role: "platform" }>;
type ServiceStack = Exclude<StackConfig, { role: "platform" }>;

async function deployPlatform({ platform: config, allow }: PlatformStack): Promise<Record<string, unknown>> {
  const { owners, definitions } = await readable(async () => {
    const reader = await readerBefore(config.cluster);
    return {
      owners: await namespaceOwners(reader, config, thisStack()),
      definitions: await missingDefinitions(reader),
    };
  });
  const platform = buildPlatform(config, {
    owners,
    stack: thisStack(),
    definitions,
    deletable: allow.includes("destroy"),
  });
  return { kubeconfig: platform.kubeconfig, gateway: platform.gateway, nodes: platform.nodes };
}

async function deployService(config: ServiceStack): Promise<Record<string, unknown>> {
  const { service } = config;
  const given = await basisOf(config);
  const last = await lastUpdate();
  const { reader, observed, templates, served, definitions } = await readable(async () => {
    return look(await given.reader(), config, last.record, given.gateway);
  });
  const plan = makePlan(service, observed);
  for (const note of [...plan.notes, ...hardwareNotes(plan)]) void pulumi.log.warn(note);
  if (plan.refusals.length > 0) throw new UserError(describeRefusals(plan.refusals));

  const groupless = poolsWithoutGroups(plan, served);
  if (groupless !== undefined) throw new UserError(groupless);

  const platform = given.build({
    owners: reader === undefined ? {} : observed.namespaces,
    stack: thisStack(),
    definitions,
    deletable: service.allow.includes("destroy"),
  });
  const readerNow = lazyReader(platform.kubeconfig);
  const built = buildService(service, plan, {
    platform,
    stack: thisStack(),
    served,
    templates,
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
  return outputsOf(service, plan, platform, address, built.previewSecret, config.role === "all");
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
  reader: () => Promise<ClusterReader | undefined>;
  build: (options: PlatformOptions) => Platform;
}> {
  if (config.role === "service") {
    const given = await platformOf(config.platformStack);
    return { gateway: given.gateway, reader: given.reader, build: given.connect };
  }
  const { platform } = config;
  return {
    gateway: platform.gateway,
    reader: () => readerBefore(platform.cluster),
    build: (options) => buildPlatform(platform, options),
  };
}

async function look(
  reader: ClusterReader | undefined,
  { service, role }: ServiceStack,
  record: Observed["record"],
  gateway: GatewayConfig,
): Promise<{
  reader?: ClusterReader;
  observed: Observed;
  templates: Awaited<ReturnType<typeof templatesFor>>;
  served: Served;
  definitions: DefinitionName[] | undefined;
}> {
  // A service stack leaves them to its platform.
  const definitions = role === "service" ? [] : await missingDefinitions(reader);
  if (reader === undefined) {
    // Without a cluster there is no other clock.
    const nothing = { ...nothingDeployed, now: new Date() };
    return {
      observed: record === undefined ? nothing : { ...nothing, record },
      templates: {},
      served: newCluster,
      definitions,
    };
  }
  const [observed, served] = await Promise.all([
    observe(reader, service, record, thisStack(), gateway),
    readServed(reader),
  ]);
  return { reader, observed, served, definitions, templates: await templatesFor(reader, service) };
}

/** CRDs that the cluster lacks; undefined where it is still to be made. */
async function missingDefinitions(reader: ClusterReader | undefined): Promise<DefinitionName[] | undefined> {
  return reader === undefined
    ? undefined
    : definitionsToInstall(await readDefinitions(reader), thisStack(), "existing");
}

function thisStack(): string {
  return stackLabel(pulumi.getProject(), pulumi.getStack());
}
