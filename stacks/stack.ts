import { gatewayFor } from "../components/gateways/endpoint";
import { checkHostname } from "./config/gateway-keys";
import { ownerOutput } from "./plan/claims";
import { keepOutputs, type KeptPlatform } from "./state/kept-outputs";
import { droppedGatewayNotes, droppedGatewayRefusals, gatewayRefusals } from "./plan/gateway-change";
import { mirrorRefusals } from "./plan/rules/node-rules";
import { platformRefusals } from "./plan/rules/platform-rules";
import type { CopiedPods } from "../components/model-server/copied/adapt";
import { stackLabel } from "../components/names";
import { readRawConfig } from "./config/read-config";
import { resolveConfig, type StackConfig } from "./config/resolve";
import { confirmUpdate, type UpdateContext } from "./gates/confirm";
import { trafficHooks } from "./gates/hooks";
import { watchPods } from "./gates/pod-watch";
import { hardwareNotes, pickerNotes, poolsWithoutGroups } from "./hardware-notes";
import {
  readPlatformState,
  readServiceState,
  type PlatformStack,
  type ServiceStack,
  type ServiceState,
} from "./live-state";
import { secretCommand } from "./messages/edits";
import { describeMistakes } from "./messages/mistakes";
import { describeRefusals } from "./messages/refusals";
import { UserError } from "./messages/user-error";
import { outputsOf } from "./outputs";
import type { ApprovedPlan, Outcome, Plan } from "./plan/model";
import type { ServiceConfig } from "./plan/service-config";
import type { Observed } from "./plan/observed";
import { plan as makePlan } from "./plan/plan";
import { waive, waivedBy, waiverWords } from "./plan/waivers";
import { ownPlatform, sharedPlatform, type PlatformSource } from "./platform";
import { buildService } from "./service";
import { claimEverything, gatewayOfAnother } from "./state/ownership";
import { lazyReader } from "./state/readable";
import { lastUpdate, waivedOutput, type LastUpdate } from "./state/last-update";
import * as pulumi from "@pulumi/pulumi";

/**
 * One update of a stack: read the config, read what is deployed, plan, and only then register resources. Mistakes and
 * refusals end the update before anything is registered, all of them in one message.
 * @returns the stack's outputs.
 */
export async function deployStack(): Promise<Record<string, unknown>> {
  const config = await readConfig();
  return config.role === "platform" ? deployPlatform(config) : deployService(config);
}

/** @throws UserError with every mistake of the config. */
async function readConfig(): Promise<StackConfig> {
  const { raw, cloud, secrets } = await readRawConfig();
  const { config, mistakes } = resolveConfig(raw, cloud, secrets);
  if (config === undefined) throw new UserError(describeMistakes(mistakes));
  const isKept = secrets.has("gate") || secrets.has("gate.apiKey");
  if (config.role !== "platform" && config.service.gate.apiKey !== undefined && !isKept) {
    void pulumi.log.warn(
      `gate.apiKey is in clear text in the stack's config file. Rotate the key, then: ${secretCommand("gate.apiKey")}`,
    );
  }
  return config;
}

async function deployPlatform(config: PlatformStack): Promise<Record<string, unknown>> {
  const { allow, waivers } = config;
  const source = ownPlatform(config.platform);
  const last = await lastUpdate();
  const state = await readPlatformState(config, source, last);
  const { owners, definitions, ownership } = state;
  const found = [
    ...platformRefusals({ held: ownership.held, wanted: { role: "platform", ...source.wanted } }),
    ...gatewayOfAnother(source.gateway, ownership),
    ...droppedGatewayRefusals(source.gateway, state.dropped),
    ...gatewayRefusals(source.gateway, state.gateway),
    ...mirrorRefusals(state.mirrorUse, Object.keys(source.imageMirrors).length),
  ];
  const words = { named: waivers, used: last.waived ?? [] };
  const { refusals, waived, spent: used } = waive(found, words);
  const spent = stillNeeded(state.dropped, used);
  if (refusals.length > 0) throw new UserError(describeRefusals(refusals, words));
  for (const note of droppedGatewayNotes(state.dropped)) void pulumi.log.warn(note);
  claimEverything(ownership, waived.includes("take-over-service"));
  const { kubeconfig, gateway, nodes, imageMirrors } = source.build({
    owners,
    stack: thisStack(),
    definitions,
    deletable: allow.includes("destroy"),
  });
  return {
    ...{ kubeconfig, gateway, nodes, [ownerOutput]: ownership.self.id },
    ...(imageMirrors === undefined ? {} : { imageMirrors }),
    ...(spent.length === 0 ? {} : { [waivedOutput]: spent }),
  };
}

async function deployService(config: ServiceStack): Promise<Record<string, unknown>> {
  const source = reachedBy(
    config.service,
    config.role === "service"
      ? await sharedPlatform(config.platformStack, config.service)
      : ownPlatform(config.platform),
  );
  // Starts the request to Google Cloud for the cluster, which the steps below then need not wait for.
  source.reader().catch(() => undefined);
  const last = await lastUpdate();
  const state = await readServiceState(config, source, last);
  const outcome = makePlan(config.service, state.observed);
  for (const line of newCopies(outcome.plan, state.observed)) void pulumi.log.info(line);
  const notes = [
    ...outcome.plan.notes,
    ...hardwareNotes(outcome.plan, state.observed),
    ...pickerNotes(outcome.plan, systemNodesOf(config)),
  ];
  for (const note of notes) void pulumi.log.warn(note);
  const { plan, takeOver } = approved(config, outcome, source, state);
  for (const note of droppedGatewayNotes(state.dropped)) void pulumi.log.warn(note);
  claimEverything(state.ownership, takeOver);
  return buildApproved(config, plan, source, state, last);
}

/** The engine refuses to delete a protected Gateway: the update that follows `pulumi state unprotect` needs the waiver too. */
const stillNeeded = (dropped: ServiceState["dropped"], spent: readonly string[]): string[] =>
  spent.filter((word) => dropped.length === 0 || waivedBy(word) !== "address-dropped");

/**
 * A platform as this service's clients reach it: under the service's own name, where it has one.
 * @throws UserError where the platform's Gateway takes no requests for it.
 */
function reachedBy({ hostname }: ServiceConfig, source: PlatformSource): PlatformSource {
  const mistakes = checkHostname(hostname, source.gateway.hostname);
  if (mistakes.length > 0) throw new UserError(describeMistakes(mistakes));
  const gateway = gatewayFor(source.gateway, hostname);
  return { ...source, gateway, build: (options) => ({ ...source.build(options), gateway }) };
}

/** The most system nodes of a cluster that this stack creates. */
function systemNodesOf(config: ServiceStack): number | undefined {
  if (config.role !== "all" || config.platform.cluster.mode !== "create") return undefined;
  return config.platform.cluster.systemNodes;
}

/**
 * @returns the plan, and whether objects of another stack become this one's.
 * @throws UserError with every reason why the update must not happen.
 */
function approved(
  config: ServiceStack,
  outcome: Outcome,
  { gateway }: PlatformSource,
  { observed, ownership, served, gateway: use, dropped }: ServiceState,
): { plan: ApprovedPlan; takeOver: boolean } {
  const { role, service } = config;
  const { allow } = service;
  const ofGateway = [
    ...(role === "all" ? gatewayOfAnother(gateway, ownership) : []),
    ...droppedGatewayRefusals(role === "all" ? gateway : undefined, dropped, service.service),
    ...(role !== "all" || allow.includes("destroy") ? [] : gatewayRefusals(config.platform.gateway, use)),
  ];
  const words = waiverWords(service, observed);
  const atGateway = waive(ofGateway, words);
  const refusals = [...(outcome.outcome === "refused" ? outcome.refusals : []), ...atGateway.refusals];
  if (outcome.outcome === "refused" || refusals.length > 0)
    throw new UserError(describeRefusals(refusals, words));
  const { plan } = outcome;
  const groupless = poolsWithoutGroups(plan, served);
  if (groupless !== undefined) throw new UserError(groupless);
  const waived = [...new Set([...plan.waived, ...atGateway.waived])];
  const spent = stillNeeded(dropped, [...new Set([...plan.spent, ...atGateway.spent])]);
  return { plan: { ...plan, waived, spent }, takeOver: waived.includes("take-over-service") };
}

/** Registers what the plan says; the outputs wait for the gateway. */
function buildApproved(
  { role, service, hasHuggingFaceToken }: ServiceStack,
  plan: ApprovedPlan,
  source: PlatformSource,
  { observed, served, definitions, ownership }: ServiceState,
  last: LastUpdate,
): Record<string, unknown> {
  const platform = source.build({
    owners: observed.namespaces,
    stack: thisStack(),
    definitions,
    deletable: service.allow.includes("destroy"),
    kept: service.allow.includes("release"),
  });
  const context: UpdateContext = {
    config: service,
    plan,
    observed,
    gateway: platform.gateway,
    reader: lazyReader(platform.kubeconfig),
  };
  const waiting = sayWhyPodsWait(context);
  const { route, previewSecret } = buildService(service, plan, {
    platform,
    stack: thisStack(),
    served,
    copies: copiedPods(observed),
    hooks: (handles) => trafficHooks({ ...context, ...handles, reached: () => waiting.abort() }),
    ...(hasHuggingFaceToken
      ? { huggingFaceToken: new pulumi.Config().requireSecret("huggingFaceToken") }
      : {}),
  });
  const confirm = (): Promise<string> => {
    waiting.abort();
    return confirmUpdate(context);
  };
  // A preview waits for no gateway: where it answered last is where it will; before the first update it is unknown.
  const address = route.resource.metadata.apply(async (): Promise<string> =>
    pulumi.runtime.isDryRun() ? (last.address ?? (pulumi.unknown as string)) : confirm(),
  );
  const outputs = {
    ...outputsOf(service, plan, platform, address, previewSecret, role === "all"),
    [ownerOutput]: ownership.self.id,
  };
  if (!pulumi.runtime.isDryRun()) {
    const { shared } = source;
    keepForRollback(
      outputs,
      shared === undefined ? undefined : { ...shared, kubeconfig: platform.kubeconfig },
    );
  }
  return outputs;
}

/** Once the gateway has confirmed, as the outputs themselves. */
function keepForRollback(
  outputs: Record<string, unknown>,
  platform: pulumi.Input<KeptPlatform> | undefined,
): void {
  pulumi
    .all([outputs, platform])
    .apply(([known, of]) =>
      keepOutputs(process.cwd(), pulumi.getStack(), known, of === undefined ? {} : { platform: of }),
    );
}

/** While the provider waits for model servers; the gate says it for itself. */
function sayWhyPodsWait({ plan, reader }: UpdateContext): AbortController {
  const waiting = new AbortController();
  if (pulumi.runtime.isDryRun()) return waiting;
  void watchPods({
    plan,
    reader,
    signal: waiting.signal,
    report: (text) => void pulumi.log.info(text, undefined, undefined, true),
  }).catch(() => undefined);
  return waiting;
}

/** Pods to render, by the pool that copies them. */
function copiedPods({ copies = {} }: Observed): Record<string, CopiedPods> {
  return Object.fromEntries(
    Object.entries(copies).flatMap(([name, { pods }]) => (pods === undefined ? [] : [[name, pods]])),
  );
}

/** What this update copies for the first time, for the log; later the outputs say it. */
function newCopies({ pools }: Plan, { copies = {} }: Observed): string[] {
  return pools.flatMap(({ pool, copied }) =>
    copied === undefined || copies[pool.name]?.state === "made"
      ? []
      : [
          `${pool.name} copies ${copied.from}. Copied: ${copied.taken.join("; ")}. Removed: ${copied.left.join("; ") || "nothing"}.`,
        ],
  );
}

function thisStack(): string {
  return stackLabel(pulumi.getProject(), pulumi.getStack());
}
