import * as http from "node:http";
import { pickerName } from "../../components/names";
import type { ClusterReader, LiveObject } from "../../stacks/state/cluster-reader";
import { isSelected } from "../../stacks/state/selectors";
import { errorText } from "../../stacks/messages/user-error";

/*
 * How many requests each pool got, by its picker's own count: for servers that do not say which pool they belong to.
 */

export interface PickedPool {
  name: string;
  namespace: string;
}

/** Requests since the pickers started, by pool; or why they are not known. */
export type Counts =
  { outcome: "read"; byPool: Readonly<Record<string, number>> } | { outcome: "unknown"; why: string };

/** Source: the extension's metrics (v1.5.0); every request that the picker handles is counted, whatever its objective. */
const metric = "inference_objective_request_total";

/** Sum over all series of the metric; 0 where there is none yet. */
export function requestsIn(text: string): number {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Reads the counts from the pickers' pods, with the token that managed Prometheus has for them. */
export async function pickerCounts(reader: ClusterReader, pools: readonly PickedPool[]): Promise<Counts> {
  try {
    const counts = await Promise.all(
      pools.map(async (pool) => [pool.name, await countOf(reader, pool)] as const),
    );
    return { outcome: "read", byPool: Object.fromEntries(counts) };
  } catch (error) {
    return { outcome: "unknown", why: errorText(error) };
  }
}

async function countOf(reader: ClusterReader, pool: PickedPool): Promise<number> {
  const inside = `/api/v1/namespaces/${pool.namespace}`;
  const account = `${pool.name}-metrics`;
  const [pods, secret] = await Promise.all([
    reader.list(`${inside}/pods`),
    reader.get(`${inside}/secrets/${account}`),
  ]);
  const token = ((secret?.["data"] ?? {}) as { token?: string }).token;
  if (token === undefined)
    throw new Error(`no Secret ${pool.namespace}/${account} with a token for the picker's metrics`);
  const pickers = pods.filter((pod) => isSelected(pod, { app: pickerName(pool.name) })).map(addressOf);
  if (pickers.length === 0) throw new Error(`pool ${pool.name} has no picker in namespace ${pool.namespace}`);
  const bearer = Buffer.from(token, "base64").toString();
  const texts = await Promise.all(pickers.map((address) => metricsOf(address, bearer)));
  return texts.reduce((sum, text) => sum + requestsIn(text), 0);
}

interface Address {
  host: string;
  port: number;
}

function addressOf({ metadata, spec, status }: LiveObject): Address {
  const { podIP } = (status ?? {}) as { podIP?: string };
  const { containers = [] } = (spec ?? {}) as {
    containers?: { ports?: { name?: string; containerPort: number }[] }[];
  };
  const port = containers
    .flatMap(({ ports = [] }) => ports)
    .find(({ name }) => name === "metrics")?.containerPort;
  if (podIP === undefined || port === undefined)
    throw new Error(
      `picker ${metadata.name} has no ${podIP === undefined ? "address yet" : "port for metrics"}`,
    );
  return { host: podIP, port };
}

/** Pods can be reached from where the gateway's internal address can: in the network of the cluster. */
function metricsOf({ host, port }: Address, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`picker ${host}:${port}: ${why}`));
    const request = http.get(
      {
        host,
        port,
        path: "/metrics",
        timeout: 5000,
        agent: false,
        headers: { authorization: `Bearer ${token}` },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", (error) => fail(error.message));
        response.on("end", () =>
          response.statusCode === 200
            ? resolve(Buffer.concat(pieces).toString())
            : fail(`status ${response.statusCode ?? 0}`),
        );
      },
    );
    request.on("timeout", () => request.destroy(new Error("no response within 5 s")));
    request.on("error", (error) => fail(error.message));
  });
}

/** What came between two readings, by pool. */
export function countedBetween(before: Counts, after: Counts): Counts {
  if (before.outcome === "unknown") return before;
  if (after.outcome === "unknown") return after;
  const byPool = Object.fromEntries(
    Object.entries(after.byPool).map(([pool, count]) => [pool, count - (before.byPool[pool] ?? 0)]),
  );
  const restarted = Object.keys(byPool).find((pool) => (byPool[pool] ?? 0) < 0);
  return restarted === undefined
    ? { outcome: "read", byPool }
    : { outcome: "unknown", why: `the picker of ${restarted} was restarted meanwhile` };
}
