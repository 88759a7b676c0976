import { completeGateway, type GivenGateway } from "../../stacks/config/endpoint";
import type { GatewayConfig } from "../../stacks/config/resolved";
import { clusterReader } from "../../stacks/live/cluster-reader";
import { observe } from "../../stacks/live/observe";
import { lookAtRoute } from "../../stacks/live/programmed";
import { routeName, stackLabel } from "../../stacks/names";
import type { DeploymentRecord, Observed } from "../../stacks/plan/observed";
import { resolveValues, type ServiceStack } from "../decide/resolved";
import { project, type StackValues } from "../decide/values";
import type { Engine } from "./engine";

/** What the cluster itself says, or why it could not be asked. */
export type Live =
  | {
      observed: Observed;
      /** What the gateway has yet to say before the route is known to be in force; empty: it is. */
      unconfirmed: readonly string[];
    }
  | { unreadable: string };

/** Seconds for a cluster to answer: a status is asked for by somebody who waits. */
const patience = 5;

/** Reads the live route and pools with the kubeconfig of the stack's outputs, or of its platform's. */
export async function lookAtCluster(
  engine: Engine,
  values: StackValues,
  outputs: Readonly<Record<string, unknown>>,
): Promise<Live> {
  const resolved = resolveValues(values);
  if ("mistakes" in resolved)
    return { unreadable: `the config has mistakes: ${resolved.mistakes.join("; ")}` };
  const { config } = resolved;
  try {
    const { kubeconfig, gateway } = await platformOf(engine, config, outputs);
    if (kubeconfig === undefined || gateway === undefined)
      return { unreadable: "the stack's outputs have no kubeconfig that can be read" };
    const reader = await clusterReader(kubeconfig, patience);
    const { service } = config;
    const route = { namespace: service.namespace, name: routeName(service.service) };
    const record = outputs["deployed"] as DeploymentRecord | undefined;
    const [observed, confirmed] = await Promise.all([
      observe(reader, service, record, stackLabel(project, engine.shortName), gateway),
      lookAtRoute(reader, route, gateway),
    ]);
    return { observed, unconfirmed: "missing" in confirmed ? confirmed.missing : [] };
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
}

/** What a service stands on, by the stack's own config and outputs or by those of its platform's. */
export async function platformOf(
  engine: Pick<Engine, "outputs">,
  config: ServiceStack,
  outputs: Readonly<Record<string, unknown>>,
): Promise<{ kubeconfig?: string; gateway?: GatewayConfig }> {
  const given = config.role === "service" ? await engine.outputs(config.platformStack) : outputs;
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
    ...(gateway === undefined ? {} : { gateway }),
  };
}
