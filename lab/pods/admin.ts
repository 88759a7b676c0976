import * as http from "node:http";
import type { Kubelet } from "./kubelet";
import { identify } from "./objects";

/** GET /healthz, and GET /state: every pod with its containers, ports, process ids and probe results. */
export function serveAdmin(kubelet: Kubelet, host: string, port: number): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const body = request.url === "/healthz" ? {} : request.url === "/state" ? state(kubelet) : undefined;
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? { error: "there are /healthz and /state" }));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function state(kubelet: Kubelet): unknown {
  const pods = kubelet.running.map(({ current, views }) => ({
    ...identify(current),
    node: current.spec?.nodeName,
    address: current.status?.podIP,
    deleting: current.metadata?.deletionTimestamp !== undefined,
    containers: views,
  }));
  return { pods };
}
