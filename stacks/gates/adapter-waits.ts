import { nodesFor } from "../../components/accelerators/placement";
import { adapterListFor, newVersions, versionsToProve } from "../plan/adapter-versions";
import type { ServiceConfig } from "../plan/service-config";
import type { Observed } from "../plan/observed";
import type { Plan, PlannedPool } from "../plan/model";
import type { ClusterReader } from "../state/cluster-reader";
import { WaitingPods } from "../state/waiting-pods";
import { serversProgress, type Failing, type ServersTask } from "./servers";
import { until, type Progress } from "./wait";
import { shareIn, sharesOf } from "../plan/shares";
import { UserError } from "../messages/user-error";
import * as pulumi from "@pulumi/pulumi";

/** What waiting for adapters needs to know of an update. */
export interface AdapterWaits {
  config: ServiceConfig;
  observed: Observed;
  plan: Pick<Plan, "pools" | "backends">;
  reader: () => Promise<ClusterReader>;
}

/**
 * For a pool with adapters that is new, or that this update makes larger: everything that names it waits until its
 * servers have loaded them, as the provider would wait for a pool without. A pool whose share falls is never waited
 * for: going back must not wait for a pool that is broken.
 */
export function loadedBefore(
  waits: AdapterWaits,
): (planned: PlannedPool) => (() => Promise<void>) | undefined {
  const { observed, plan } = waits;
  return (planned) => {
    const { name } = planned.pool;
    const task = taskFor(waits, planned);
    const live = observed.pools.find((pool) => pool.owned && pool.name === name);
    const isNew = observed.record?.pools[name] === undefined;
    const grows = live?.replicas !== undefined && planned.replicas > live.replicas;
    const [now, next] = [observed.route?.backends ?? [], plan.backends].map((backends) =>
      shareIn(sharesOf(backends), name),
    ) as [number, number];
    if (task === undefined || !(isNew || grows) || next < now) return undefined;
    const { replicas } = planned;
    const loading = planned.pool.server.loadingMinutes * 60;
    return () => waitFor(waits, { ...task, replicas }, "Its traffic was not increased", loading);
  };
}

/**
 * Before a pool's requests are rewritten to versions that were not serving before: every pod of it has them, or
 * nothing changes.
 */
export async function proveVersions(waits: AdapterWaits, pool: string): Promise<void> {
  const planned = waits.plan.pools.find((entry) => entry.pool.name === pool);
  if (planned === undefined) return;
  const versions = versionsToProve(waits.config, waits.observed, planned.pool);
  const task = taskFor(waits, planned);
  if (versions.length === 0 || task === undefined) return;
  if (waits.config.gate.via === "off") {
    await pulumi.log.warn(`gate.via is off: not checked whether ${versions.join(", ")} is loaded`);
    return;
  }
  await waitFor(waits, task, `The split of the requests to ${versions.join(", ")} was not changed`);
}

/** A version that was staged is loaded everywhere before the update counts as done, also while it has no weight. */
export async function confirmVersions(waits: AdapterWaits): Promise<void> {
  const versions = newVersions(waits.config, waits.observed);
  if (versions.length === 0) return;
  for (const planned of waits.plan.pools) {
    const task = taskFor(waits, planned);
    if (task !== undefined) await waitFor(waits, task, `Do not give ${versions.join(", ")} any weight yet`);
  }
}

function taskFor({ config }: AdapterWaits, planned: PlannedPool): ServersTask | undefined {
  const { pool, namespace, settled } = planned;
  const list = adapterListFor(config, pool);
  if (list === undefined) return undefined;
  const nodes = nodesFor(settled, pool.placement);
  return { pool: { name: pool.name, namespace }, revision: list.revision, nodes };
}

/** Longer than the loaders let pass between two attempts (LONGEST_RETRY_SECONDS). */
const patienceSeconds = 12;

/** @throws UserError naming pool, pod, adapter and the server's own words. */
async function waitFor(
  { config, reader }: AdapterWaits,
  task: ServersTask,
  consequence: string,
  timeoutSeconds = config.gate.timeoutSeconds,
): Promise<void> {
  const client = await reader();
  const waits = new WaitingPods(client);
  let failingSince: number | undefined;
  const check = async (): Promise<Progress<"ready" | Failing>> => {
    const progress = await serversProgress(client, task, waits);
    if (progress.state === "waiting" || progress.value === "ready") {
      failingSince = undefined;
      return progress;
    }
    failingSince ??= performance.now();
    // The store may have been fixed a moment ago: the next attempt is waited for.
    return performance.now() - failingSince < patienceSeconds * 1000
      ? { state: "waiting", missing: progress.value.failing }
      : progress;
  };
  const result = await until(check, {
    timeoutSeconds,
    report: (text) => void pulumi.log.info(`adapters: ${text}`, undefined, undefined, true),
  });
  if (result.state === "done" && result.value === "ready") return;
  const texts = result.state === "done" ? (result.value as Failing).failing : result.missing;
  const why = result.state === "done" ? "" : ` after ${timeoutSeconds} s`;
  throw new UserError(
    [
      `Pool ${task.pool.name} has not loaded all adapters${why}. ${consequence}.`,
      ...texts.map((text) => `  - ${text}`),
      "Fix the adapter (adapters in the config) and run pulumi up again, or remove the candidate version from the config.",
    ].join("\n"),
  );
}
