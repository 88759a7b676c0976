import type { OwnedPool, ServiceConfig } from "../plan/service-config";
import type { Observed } from "../plan/observed";
import type { Plan, PlannedPool, RoutedPool, RisingPool } from "../plan/model";
import { adapterListFor, versionsOf } from "../plan/adapter-versions";
import { baseNamesOf, clientNames } from "../plan/client-names";
import { offOtherRoutes, otherTraffic, rivalsFor } from "../plan/rival-routes";
import { asksStable, withoutTheList } from "../plan/rising";
import { nodesFor } from "../../components/accelerators/placement";
import { engineNamed, pickerNameOf } from "../../components/engines/catalogue";
import { previewHeader, stableValue } from "../../components/route/inference-route";
import { loadedBefore, proveVersions } from "./adapter-waits";
import type { UpdateContext } from "./confirm";
import { endpointOf } from "../../components/gateways/endpoint";
import type { LiveObject } from "../state/cluster-reader";
import { passGate, passReadiness, type GateTask } from "./gate";
import { knownOf, observedRoute } from "../state/observe";
import { readOtherRoutes } from "../state/other-routes";
import { routePath } from "../state/paths";
import { untouched } from "./untouched";
import type { WaitOptions } from "./wait";
import { annotations, labels, previewRouteName, servedName } from "../../components/names";
import type { StableTask } from "./stable-names";
import { otherModeFor } from "./one-namespace";
import { commandText, fixText, setCommand } from "../messages/edits";
import { waiverEdit, waiverWords } from "../plan/waivers";
import type { OtherRoutes } from "../plan/routes";
import { sharesOf, shareIn } from "../plan/shares";
import * as pulumi from "@pulumi/pulumi";

/** Hooks of the resources that move or hold traffic; none under Pulumi's mocks, which cannot run them. */
export interface ServiceHooks {
  route?: pulumi.ResourceHookBinding;
  beforeDelete?: pulumi.ResourceHook[];
  /** Of what rewrites model names on a pool. */
  names?: pulumi.ResourceHookBinding;
  /** Waits for a pool's model servers; undefined for a pool that nothing has to wait for. */
  loaded?: (planned: PlannedPool) => (() => Promise<void>) | undefined;
}

export interface HookContext extends UpdateContext {
  /** Value of the preview header; absent: there is no candidate. */
  previewSecret?: pulumi.Output<string>;
  /** Called when the provider has no pod left to wait for, and the gate begins to. Default: not called. */
  reached?: () => void;
}

/**
 * The engine refuses a `pulumi destroy` that does not run the program, and prints only the name of the hook, so the
 * name says what to run. Every state contains the name: changing it would break existing stacks.
 */
const guardName =
  "traffic-guard (customers are connected; to take the service down: pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program)";

/**
 * The hooks that stand before the resources that move or hold traffic. They are registered in every update, because
 * the engine refuses to delete a resource whose state names a hook that the program did not register.
 */
export function trafficHooks(context: HookContext): ServiceHooks {
  const gate = new pulumi.ResourceHook("candidate-gate", () => gateHook(context));
  const guard = new pulumi.ResourceHook(guardName, (args) => guardHook(context, args));
  const versions = new pulumi.ResourceHook("version-gate", (args) =>
    proveVersions(context, poolOf(args.newInputs)),
  );
  // A stack that leaves is taken down without the program, which would plan for what is no longer there: no resource
  // may name a hook then. What serves is kept, and the cluster's own guard stands before the pools.
  const deletion = context.config.allow.includes("release") ? [] : [guard];
  return {
    names: { beforeCreate: [versions], beforeUpdate: [versions] },
    ...(pulumi.runtime.isDryRun() ? {} : { loaded: loadedBefore(context) }),
    route: { beforeCreate: [gate], beforeUpdate: [gate], beforeDelete: deletion },
    beforeDelete: deletion,
  };
}

/** The pool that an object says it belongs to; "" where it says none. */
function poolOf(inputs: unknown): string {
  return (inputs as Partial<LiveObject> | undefined)?.metadata?.labels?.[labels.pool] ?? "";
}

/** Before the route changes: a pool whose share rises is ready for it, or the route stays as it is. */
async function gateHook(context: HookContext): Promise<void> {
  const { config, plan, observed, reader, reached } = context;
  reached?.();
  // Whoever went back while pods started is told at once, not after the gate's timeout.
  if (plan.rising.length > 0) await untouched(context);
  for (const rising of plan.rising) {
    if (config.gate.via === "off") {
      await pulumi.log.warn(
        `gate.via is off: readiness check skipped for ${rising.pool} (${rising.share} %)`,
      );
    } else if (rising.pool === plan.candidate?.name) {
      await candidateGate(context, rising, plan.candidate);
    } else {
      const nodes = nodesOf(plan, rising.pool);
      await passReadiness(await reader(), rising, waiting(config), {
        waive: commandText(waiverEdit("unready-stable", waiverWords(config, observed))),
        ...(nodes === undefined ? {} : { nodes }),
      });
    }
  }
  await untouched(context);
}

/** A candidate proves itself through its preview route. */
async function candidateGate(
  { config, plan, observed, gateway, reader, previewSecret }: HookContext,
  rising: RisingPool,
  candidate: RoutedPool,
): Promise<void> {
  if (config.gate.via === "off" || previewSecret === undefined) return;
  const secret = await valueOf(previewSecret);
  const nodes = nodesOf(plan, candidate.name);
  const task: GateTask = {
    via: config.gate.via,
    pool: candidate,
    ...(rising.needs === undefined ? {} : { replicas: rising.needs }),
    ...(nodes === undefined ? {} : { nodes }),
    groups: hasGroups(config, candidate.name),
    existing: config.pools[candidate.name]?.existing === true,
    ...(rising.scaledBy === undefined ? {} : { scaledBy: rising.scaledBy }),
    models: modelNames(config),
    api: config.gate.endpoint,
    ...(config.gate.apiKey === undefined ? {} : { apiKey: config.gate.apiKey }),
    ...(asksStable(config) && !plan.waived.includes("stable-names")
      ? { stable: stableTask(config, plan, observed, stableValue(secret)) }
      : {}),
    ...servesOf(config, plan),
    ...metricsTask(config, plan, observed),
    previewRoute: { namespace: config.namespace, name: previewRouteName(config.service) },
    gateway,
    endpoint: endpointOf(gateway, config.gate.address),
    header: { name: previewHeader, value: secret },
    ...otherModeOf(config, [candidate]),
  };
  await passGate(await reader(), task, waiting(config));
}

function otherModeOf(config: ServiceConfig, pools: readonly RoutedPool[]): Pick<GateTask, "otherMode"> {
  const otherMode = otherModeFor(config, pools);
  return otherMode === undefined ? {} : { otherMode };
}

function waiting({ gate }: ServiceConfig): WaitOptions {
  return {
    timeoutSeconds: gate.timeoutSeconds,
    report: (text) => void pulumi.log.info(`gate: ${text}`, undefined, undefined, true),
  };
}

/** Nodes of a pool of this stack, as the plan sizes it. */
function nodesOf({ pools }: Plan, name: string): number | undefined {
  const planned = pools.find(({ pool }) => pool.name === name);
  return planned === undefined ? undefined : nodesFor(planned.settled, planned.pool.placement);
}

function hasGroups(config: ServiceConfig, name: string): boolean {
  const pool = config.pools[name];
  return pool?.existing === false && pool.placement.hosts > 1;
}

/** Every name that clients of the stable pool ask for, and the candidate's own. */
function modelNames(config: ServiceConfig): string[] {
  const own = config.candidate === undefined ? [] : baseNamesOf(config.pools[config.candidate]);
  return [...new Set([...clientNames(config), ...own])];
}

/** What the gate has to know to compare the candidate with what the stable pool itself lists. */
function stableTask(config: ServiceConfig, plan: Plan, observed: Observed, value: string): StableTask {
  const candidate = config.candidate === undefined ? undefined : config.pools[config.candidate];
  const before = Object.entries(observed.record?.adapters ?? {}).flatMap(([name, adapter]) => [
    servedName(name, adapter.version),
    ...(adapter.candidate === undefined ? [] : [servedName(name, adapter.candidate.version)]),
  ]);
  return {
    pool: plan.stable,
    header: { name: previewHeader, value },
    versions: [...config.adapters.flatMap(versionsOf).map(({ served }) => served), ...before],
    without: fixText(withoutTheList(waiverWords(config, observed))),
    remedy:
      candidate === undefined || candidate.existing
        ? { by: "theirs" }
        : { by: "aliases", next: config.aliases.length, model: baseNamesOf(candidate).length > 0 },
  };
}

/** The engine that a pool's picker takes pods for; undefined: its own config has metrics of its own. */
function engineRead({ server, picker }: OwnedPool): string | undefined {
  const engine = pickerNameOf(engineNamed(server.engine));
  if (picker?.config?.by !== "document") return engine;
  const { plugins = [] } = picker.config.document as {
    plugins?: { type?: string; parameters?: Record<string, unknown> }[];
  };
  const { parameters = {} } = plugins.find(({ type }) => type === "core-metrics-extractor") ?? {};
  if (parameters["engineConfigs"] !== undefined || parameters["engineLabelKey"] !== undefined)
    return undefined;
  return typeof parameters["defaultEngine"] === "string" ? parameters["defaultEngine"] : engine;
}

/** What the picker of a candidate of this stack reads; of other pickers nobody knows it. */
function metricsTask(config: ServiceConfig, plan: Plan, observed: Observed): Pick<GateTask, "metrics"> {
  const pool = plan.pools.find((planned) => planned.pool.name === plan.candidate?.name)?.pool;
  if (pool === undefined || plan.waived.includes("blind-picker")) return {};
  const engine = engineRead(pool);
  if (engine === undefined) return {};
  const without = commandText(waiverEdit("blind-picker", waiverWords(config, observed)));
  return { metrics: { engine, without: `${without} (for one update)` } };
}

/** What a candidate of this stack has to have loaded: its base model, and every version of every adapter. */
function servesOf(config: ServiceConfig, plan: Plan): Pick<GateTask, "serves" | "revision"> {
  const pool = plan.pools.find((planned) => planned.pool.name === plan.candidate?.name)?.pool;
  const bases = pool === undefined || pool.templateOf !== undefined ? [] : baseNamesOf(pool);
  if (pool === undefined || bases.length === 0) return {};
  const list = adapterListFor(config, pool);
  return {
    serves: [...bases, ...(list?.adapters ?? []).map(({ name }) => name)],
    ...(list === undefined ? {} : { revision: list.revision }),
  };
}

/** Before anything is deleted that customers may be connected to: reads the live routes. */
async function guardHook(context: HookContext, args: pulumi.ResourceHookArgs): Promise<void> {
  const { config, gateway, reader } = context;
  const object = args.oldInputs as Partial<LiveObject> | undefined;
  const live = await reader();
  const [route, others] = await Promise.all([
    live.get(routePath(config.namespace, config.route)),
    readOtherRoutes(live, config, { ...gateway, configurable: false }, [
      ...new Set([config.namespace, object?.metadata?.namespace ?? config.namespace]),
    ]),
  ]);
  if (object?.kind === "HTTPRoute" && object.metadata?.name !== config.route) {
    // The route that this stack had before `route` named another one.
    mayGo(object, others, context);
    return;
  }
  guardPool(object, others, context);
  if (route === undefined) return;
  const known = { ...knownOf(config, context.observed.record), kept: context.plan.shape !== undefined };
  const shares = sharesOf(observedRoute(route, undefined, known).backends);
  if (object?.kind === "HTTPRoute") {
    if (Object.keys(shares).length === 0 || route.metadata.annotations?.[annotations.deletable] === "true")
      return;
    throw new Error(
      `HTTPRoute ${config.namespace}/${config.route} carries the customers' traffic. ` +
        "To take the whole service down: pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program",
    );
  }
  const pool = object?.metadata?.labels?.[labels.pool];
  const share = pool === undefined ? 0 : shareIn(shares, pool);
  if (pool === undefined || share === 0) return;
  throw new Error(
    `pool ${pool} serves customers: the live route sends it ${Math.round(share)} % of the traffic. ` +
      "First move its traffic to the other pool: pulumi config set weight ... && pulumi up",
  );
}

/** A pool that another route sends to stays, whatever the customers' route says. */
function guardPool(
  object: Partial<LiveObject> | undefined,
  others: OtherRoutes,
  { config, plan }: HookContext,
): void {
  const { name, namespace, labels: marks } = object?.metadata ?? {};
  const pool = object?.kind === "InferencePool" ? name : marks?.[labels.pool];
  if (pool === undefined || namespace === undefined) return;
  const text = otherTraffic({ name: pool, namespace }, { others });
  const isWaived = config.allow.includes("destroy") || plan.waived.includes("routes-unknown");
  if (text === undefined && others.unseen.length > 0 && !isWaived) {
    throw new Error(
      `pool ${pool} cannot be removed: other routes cannot be read (${others.unseen.join("; ")}), so one may send to it. Grant the rights in docs/permissions.md`,
    );
  }
  if (text === undefined) return;
  throw new Error(
    `pool ${pool} serves customers: ${text}. ${fixText(offOtherRoutes({ name: pool, namespace }, { others }))}`,
  );
}

/** A former route of this stack goes only where the customers' route, or an older one, gets its requests. */
function mayGo(object: Partial<LiveObject>, others: OtherRoutes, { config, plan }: HookContext): void {
  const { name = "", namespace = "" } = object.metadata ?? {};
  const pools = [plan.stable, ...(plan.candidate === undefined ? [] : [plan.candidate])];
  const { winning, beside } = rivalsFor(config, others, pools);
  const serves = [...winning, ...beside].some(
    ({ route }) => route.name === name && route.namespace === namespace,
  );
  if (others.customers !== undefined && !serves) return;
  throw new Error(
    `HTTPRoute ${namespace}/${name} gets customers' requests that HTTPRoute ${config.namespace}/${config.route} would not get. ` +
      `Restore its name: ${setCommand("route", name)} && pulumi up`,
  );
}

function valueOf(output: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => output.apply(resolve));
}
