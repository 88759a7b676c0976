import { overriddenBy } from "../../stacks/plan/rival-routes";
import { ownerOutput, whoseIs } from "../../stacks/plan/claims";
import type { GatewayConfig } from "../../components/gateways/gateway";
import type { ServiceConfig } from "../../stacks/plan/service-config";
import type { DeploymentRecord, Observed } from "../../stacks/plan/observed";
import { completeGateway, gatewayFor, type GivenGateway } from "../../components/gateways/endpoint";
import { nodesFor } from "../../components/accelerators/placement";
import { clusterReader, type ClusterReader } from "../../stacks/state/cluster-reader";
import { atOneMoment } from "../../stacks/state/one-moment";
import { poolsPath } from "../../stacks/state/paths";
import { selectorOf } from "../../stacks/state/selectors";
import { WaitingPods } from "../../stacks/state/waiting-pods";
import { ownedObject } from "../../stacks/state/inventory";
import { namespacesOf, observe, type Belongs } from "../../stacks/state/observe";
import { routeProgress } from "../../stacks/gates/programmed";
import { stackLabel } from "../../components/names";
import { routedPools } from "../../stacks/plan/plan";
import { resolveValues, type ServiceStack } from "../steps/resolve-values";
import type { LiveState } from "../steps/status";
import { project, type StackValues } from "../steps/values";
import type { Engine } from "./pulumi-engine";
import { errorText } from "../../stacks/messages/user-error";

/**
 * How long to wait for a cluster: somebody waits for the status, or goes back. The same for all, so that they share one
 * client and its credentials.
 */
export const patience = { answer: 5, credentials: 20 };

/** What the plan is made from, as it is in the cluster; or why it cannot be read. */
export type Seen = { outcome: "read"; observed: Observed } | { outcome: "unreadable"; why: string };

/** The cluster of a stack, and what is read of it. */
interface Reached {
  reader: ClusterReader;
  gateway: GatewayConfig;
  service: ServiceConfig;
  observed: Promise<Observed>;
}

/**
 * Reads the live route and pools with the kubeconfig of the stack's outputs, or of its platform's: what a decision
 * needs, and nothing more.
 */
export function observeCluster(
  engine: Engine,
  values: StackValues,
  outputs: Readonly<Record<string, unknown>>,
): Promise<Seen> {
  return readCluster(engine, values, outputs, async ({ observed }) => ({
    outcome: "read",
    observed: await observed,
  }));
}

/** The same, with what a person wants to know beside it. */
export function lookAtCluster(
  engine: Engine,
  values: StackValues,
  outputs: Readonly<Record<string, unknown>>,
): Promise<LiveState> {
  return readCluster(engine, values, outputs, async ({ reader, gateway, service, observed: asked }) => {
    const route = { namespace: service.namespace, name: service.route };
    const [observed, confirmed] = await Promise.all([asked, routeProgress(reader, route, gateway)]);
    return {
      outcome: "read",
      observed,
      waits: await podWaitsOf(reader, service, observed),
      unconfirmed: confirmed.state === "waiting" ? confirmed.missing : [],
      overridden: overriddenBy(service, observed.others, routedPools(service, observed)),
    };
  });
}

async function readCluster<T>(
  engine: Engine,
  values: StackValues,
  outputs: Readonly<Record<string, unknown>>,
  read: (reached: Reached) => Promise<T>,
): Promise<T | Extract<Seen, { outcome: "unreadable" }>> {
  const resolved = resolveValues(values);
  if (resolved.outcome !== "resolved")
    return { outcome: "unreadable", why: `the config has mistakes: ${resolved.mistakes.join("; ")}` };
  const { config } = resolved;
  try {
    const { kubeconfig, gateway } = await platformOf(engine, config, outputs);
    if (kubeconfig === undefined || gateway === undefined)
      return { outcome: "unreadable", why: "the stack's outputs have no readable kubeconfig" };
    const reader = await clusterReader(kubeconfig, patience);
    const { service } = config;
    const record = outputs["deployed"] as DeploymentRecord | undefined;
    const moment = atOneMoment(reader, [service.namespace]);
    const observed = observe(moment, service, record, belongsBy(outputs, service, engine), {
      ...gateway,
      configurable: config.role === "all",
    });
    return await read({ reader, gateway, service, observed });
  } catch (error) {
    return { outcome: "unreadable", why: errorText(error) };
  }
}

/** What the pods of this service's pools wait for, a line each, as the gate says it. */
async function podWaitsOf(
  reader: ClusterReader,
  { pools }: ServiceConfig,
  observed: Observed,
): Promise<string[]> {
  const waits = new WaitingPods(reader);
  const known = observed.pools.filter(({ name }) => pools[name] !== undefined);
  const lines = await Promise.all(
    known.map(async ({ name, namespace }) => {
      const selector = selectorOf(await reader.get(`${poolsPath(namespace)}/${name}`));
      const pool = pools[name];
      const nodes = pool?.existing === false ? { nodes: nodesFor(pool.replicas, pool.placement) } : {};
      const reasons = await waits.reasons({ namespace, selector, ...nodes });
      return reasons.map((reason) => `${name}: ${reason}`);
    }),
  );
  return lines.flat();
}

/** Whether an object is this stack's, by its mark and the stack's outputs: nothing is changed by the answer. */
function belongsBy(
  outputs: Readonly<Record<string, unknown>>,
  config: ServiceConfig,
  engine: Engine,
): Belongs {
  const record = outputs["deployed"] as DeploymentRecord | undefined;
  const kept = outputs[ownerOutput];
  const label = stackLabel(project, engine.shortName);
  const self = { id: typeof kept === "string" ? kept : "", stack: "", label };
  const place = { home: config.namespace, namespaces: namespacesOf(config, record) };
  const recorded = {
    service: config.service,
    place,
    ...(record === undefined ? {} : { pools: record.pools }),
    preview: true,
  };
  return (live, kind) => whoseIs(ownedObject(live, kind), self, undefined, recorded) !== "theirs";
}

/** What a service stands on, by the stack's own config and outputs or by those of its platform's. */
export async function platformOf(
  engine: Pick<Engine, "platformOutputs">,
  config: ServiceStack,
  outputs: Readonly<Record<string, unknown>>,
): Promise<{ kubeconfig?: string; gateway?: GatewayConfig }> {
  const given = config.role === "service" ? await engine.platformOutputs(config.platformStack) : outputs;
  const { kubeconfig } = given;
  const theirs = given["gateway"] as GivenGateway | undefined;
  const gateway =
    config.role !== "service"
      ? config.platform.gateway
      : theirs === undefined
        ? undefined
        : completeGateway(theirs);
  return {
    // Without the right to decrypt, the CLI prints a mark instead.
    ...(typeof kubeconfig !== "string" || kubeconfig === "[secret]" ? {} : { kubeconfig }),
    ...(gateway === undefined ? {} : { gateway: gatewayFor(gateway, config.service.hostname) }),
  };
}
