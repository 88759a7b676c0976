import * as fs from "node:fs";
import * as https from "node:https";
import { ApiRefused, type ClusterApi } from "../cluster/cluster-api";
import type { Pod } from "../pods/objects";
import { gaugeName, scraped, valueOf, type Monitoring, type ScrapedPod } from "./pod-metrics";

/*
 * custom.metrics.k8s.io, as the Custom Metrics Stackdriver Adapter serves it: metrics of pods, which autoscalers of pods
 * read. The controller that asks is the real one. The adapter itself asks Cloud Monitoring, so it has no place here.
 */

const group = "custom.metrics.k8s.io";
const version = `${group}/v1beta2`;
const root = `/apis/${version}`;
const service = { namespace: "kube-system", name: "lab-custom-metrics" };

export interface MetricsApi {
  control: string;
  port: number;
  /** Certificate and key to serve with: those of the API server, which is the only one that asks. */
  certFile: string;
  keyFile: string;
}

/** Serves the metrics and has the API server know of them. */
export async function serveCustomMetrics(api: ClusterApi, options: MetricsApi): Promise<void> {
  const { control, port, certFile, keyFile } = options;
  const server = https.createServer({ cert: fs.readFileSync(certFile), key: fs.readFileSync(keyFile) });
  server.on("request", (request, response) => {
    void answer(api, new URL(request.url ?? "/", "https://lab"))
      .catch((error: unknown) => failure(error instanceof ApiRefused ? error.status : 500, String(error)))
      .then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: control, port, exclusive: true }, resolve);
  });
  await register(api, control, port);
}

/** The API server refuses loopback addresses in endpoints; a name outside the cluster may be one. */
async function register(api: ClusterApi, control: string, port: number): Promise<void> {
  await create(api, `/api/v1/namespaces/${service.namespace}/services`, {
    apiVersion: "v1",
    kind: "Service",
    metadata: service,
    spec: { type: "ExternalName", externalName: control, ports: [{ port, protocol: "TCP" }] },
  });
  await create(api, "/apis/apiregistration.k8s.io/v1/apiservices", {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: `v1beta2.${group}` },
    spec: {
      ...{ group, version: "v1beta2", groupPriorityMinimum: 100, versionPriority: 200 },
      service: { ...service, port },
      insecureSkipTLSVerify: true,
    },
  });
}

/** After a restart it is there already, and says the same. */
async function create(api: ClusterApi, path: string, object: object): Promise<void> {
  await api.post(path, object).catch((error: unknown) => {
    if (!(error instanceof ApiRefused) || error.status !== 409) throw error;
  });
}

interface Answer {
  status: number;
  body: object;
}

const failure = (code: number, message: string): Answer => ({
  status: code,
  body: { kind: "Status", apiVersion: "v1", status: "Failure", code, message },
});

async function answer(api: ClusterApi, { pathname, searchParams }: URL): Promise<Answer> {
  if (pathname === root) {
    return {
      status: 200,
      body: { kind: "APIResourceList", apiVersion: "v1", groupVersion: version, resources: [] },
    };
  }
  const [, namespace, metric = ""] =
    /^\/namespaces\/([^/]+)\/pods\/\*\/([^/]+)$/.exec(
      pathname.startsWith(`${root}/`) ? decodeURIComponent(pathname.slice(root.length)) : "",
    ) ?? [];
  const gauge = gaugeName(metric);
  if (namespace === undefined || gauge === undefined) return failure(404, `no metric at ${pathname}`);
  const items = await valuesIn(api, namespace, searchParams.get("labelSelector") ?? "", gauge);
  if (items.length === 0) return failure(404, `no pod in namespace ${namespace} has the metric ${metric}`);
  const timestamp = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return {
    status: 200,
    body: {
      kind: "MetricValueList",
      apiVersion: version,
      metadata: {},
      items: items.map(({ name, value }) => ({
        describedObject: { kind: "Pod", namespace, name, apiVersion: "/v1" },
        metric: { name: metric, selector: null },
        timestamp,
        value: `${Math.round(value * 1000)}m`,
      })),
    },
  };
}

async function valuesIn(
  api: ClusterApi,
  namespace: string,
  selector: string,
  gauge: string,
): Promise<{ name: string; value: number }[]> {
  const [pods, monitorings] = await Promise.all([
    api.get<{ items: Pod[] }>(
      `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`,
    ),
    api.get<{ items: Monitoring[] }>(
      `/apis/monitoring.googleapis.com/v1/namespaces/${namespace}/podmonitorings`,
    ),
  ]);
  const found = await Promise.all(scraped(pods.items, monitorings.items).map((pod) => read(pod, gauge)));
  return found.flatMap((one) => one ?? []);
}

/** A pod that does not answer has no value, as in managed Prometheus. */
async function read(
  { name, url }: ScrapedPod,
  gauge: string,
): Promise<{ name: string; value: number } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const value = response.ok ? valueOf(await response.text(), gauge) : undefined;
    return value === undefined ? undefined : { name, value };
  } catch {
    return undefined;
  }
}
