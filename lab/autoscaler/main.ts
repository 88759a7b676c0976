import * as fs from "node:fs";
import * as http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ClusterApi } from "../cluster/cluster-api";
import { Cloud } from "../plugins/gcp/cloud";
import { ScaledPool, scaledPools } from "./scaled-pool";
import { idleNodes, pendingPods } from "./cluster-view";
import { serveCustomMetrics } from "./custom-metrics";
import { nodesToAdd, nodesToRemove, podsFor, type PendingPod } from "./decide";
import { Explanations } from "./explanations";

/*
 * The lab's cluster autoscaler: `main.ts --config FILE.json`. It reads the node pools that the gcp stand-in has
 * written down, and adds and removes nodes of those that have autoscaling. It also serves the metrics that the real
 * controller of HorizontalPodAutoscalers reads.
 */

const schema = z.strictObject({
  folder: z.string(),
  control: z.string(),
  adminPort: z.number(),
  metricsPort: z.number(),
  /** The lab's own folder, where its cloud is. */
  lab: z.string(),
  server: z.string(),
  caFile: z.string(),
  keyFile: z.string(),
  tokenFile: z.string(),
  /** A node that carries nothing for so long goes; ten minutes on GKE. */
  idleSeconds: z.number(),
});

const everyMs = 400;

async function main(): Promise<void> {
  const [flag, file] = process.argv.slice(2);
  if (flag !== "--config" || file === undefined) throw new Error("usage: main.ts --config FILE.json");
  const config = schema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
  const api = ClusterApi.ofFiles(config);
  const cloud = new Cloud(config.lab);
  const { control, metricsPort: port, caFile: certFile, keyFile } = config;
  await serveCustomMetrics(api, { control, port, certFile, keyFile });
  http
    .createServer((_, response) => response.end("ok\n"))
    .listen({ host: config.control, port: config.adminPort, exclusive: true });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
  const idleSince = new Map<string, Map<string, number>>();
  const explanations = new Explanations(api);
  for (;;) {
    try {
      await scaleUp(api, cloud, explanations);
      await scaleDown(api, cloud, idleSince, config.idleSeconds * 1000);
    } catch (error) {
      // The API server may be away for a while; nothing is lost by looking again.
      console.error(error instanceof Error ? error.message : error);
      await sleep(2000);
    }
    await sleep(everyMs);
  }
}

async function scaleUp(api: ClusterApi, cloud: Cloud, explanations: Explanations): Promise<void> {
  const pods = await pendingPods(api);
  if (pods.length === 0) return;
  const pools = await scaledPools(api, cloud);
  const [open, exhausted] = [false, true].map((is) => pools.filter((pool) => pool.isExhausted === is));
  for (const [pool, count] of toAdd(pods, open)) {
    console.log(`${pool.view.id}: adding ${count} nodes for ${pods.length} unschedulable pods`);
    await explanations.triggered(pool, podsFor(pool.view, pods), count);
    await pool.add(count);
  }
  // Another pool, a fallback say, may have room for them.
  const stuck = pods.filter((pod) => toAdd([pod], open).length === 0);
  for (const [pool] of toAdd(stuck, exhausted)) await explanations.failed(pool, podsFor(pool.view, stuck));
}

function toAdd(pods: readonly PendingPod[], pools: readonly ScaledPool[] = []): [ScaledPool, number][] {
  const counts = nodesToAdd(
    pods,
    pools.map(({ view }) => view),
  );
  return pools.flatMap((pool): [ScaledPool, number][] => {
    const count = counts.get(pool.view.id);
    return count === undefined ? [] : [[pool, count]];
  });
}

async function scaleDown(
  api: ClusterApi,
  cloud: Cloud,
  idleSince: Map<string, Map<string, number>>,
  idleMs: number,
): Promise<void> {
  const now = performance.now();
  for (const pool of await scaledPools(api, cloud)) {
    const before = idleSince.get(pool.view.id) ?? new Map<string, number>();
    const idle = new Map((await idleNodes(api, pool.nodes)).map((name) => [name, before.get(name) ?? now]));
    idleSince.set(pool.view.id, idle);
    await removeIdle(pool, nodesToRemove(pool.view, idle, now, idleMs));
  }
}

async function removeIdle(pool: ScaledPool, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  console.log(`${pool.view.id}: removing idle nodes: ${names.join(", ")}`);
  await pool.remove(names);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
