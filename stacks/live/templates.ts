import { podSelector } from "../names";
import { annotations } from "../names";
import type { PodTemplate } from "../../components/pod-template";
import type { OwnedPool, ServiceConfig } from "../config/resolved";
import type { ClusterReader, LiveObject } from "./cluster-reader";
import { deploymentsPath } from "./model-servers";
import { poolsPath } from "./paths";
import { selectorOf, selectsPodsOf } from "./selectors";

/**
 * Pod templates for the pools that take one over from a pool of somebody else. Once a pool is made, the copy that
 * is kept on it counts: the original may change or go, and the pool's pods must not.
 */
export async function templatesFor(
  reader: ClusterReader,
  config: ServiceConfig,
): Promise<Readonly<Record<string, PodTemplate>>> {
  const wanted = [config.stable, config.candidate]
    .map((name) => (name === undefined ? undefined : config.pools[name]))
    .filter((pool): pool is OwnedPool => pool?.existing === false && pool.templateOf !== undefined);
  const found = await Promise.all(
    wanted.map(
      async (pool) => [pool.name, (await kept(reader, pool)) ?? (await original(reader, pool))] as const,
    ),
  );
  return Object.fromEntries(
    found.filter((entry): entry is readonly [string, PodTemplate] => entry[1] !== undefined),
  );
}

async function kept(reader: ClusterReader, pool: OwnedPool): Promise<PodTemplate | undefined> {
  const deployments = await reader.list(deploymentsPath(pool.namespace));
  const own = deployments.find((deployment) => selectsPodsOf(podSelector(pool.name), deployment));
  const text = own?.metadata.annotations?.[annotations.template];
  return text === undefined ? undefined : (JSON.parse(text) as PodTemplate);
}

async function original(reader: ClusterReader, { templateOf }: OwnedPool): Promise<PodTemplate | undefined> {
  if (templateOf === undefined) return undefined;
  const [pool, deployments] = await Promise.all([
    reader.get(`${poolsPath(templateOf.namespace)}/${templateOf.name}`),
    reader.list(deploymentsPath(templateOf.namespace)),
  ]);
  const selector = selectorOf(pool);
  const server = deployments.find((deployment) => selectsPodsOf(selector, deployment));
  return server === undefined ? undefined : templateOfDeployment(server);
}

function templateOfDeployment(deployment: LiveObject): PodTemplate {
  return (deployment["spec"] as { template: PodTemplate }).template;
}
