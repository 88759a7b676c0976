import * as net from "node:net";
import * as tls from "node:tls";
import * as grpc from "@grpc/grpc-js";
import type { ContainerPort, HttpGetAction, Probe } from "./objects";

export interface Outcome {
  ok: boolean;
  message: string;
}

/** A pod's address and the ports of one of its containers, which probes may name. */
export interface Target {
  host: string;
  ports: readonly ContainerPort[];
}

/** Asks once, as the kubelet would. Never rejects: what goes wrong is the outcome. */
export async function check(probe: Probe, target: Target, timeoutMs: number): Promise<Outcome> {
  try {
    if (probe.httpGet !== undefined) return await httpGet(probe.httpGet, target, timeoutMs);
    if (probe.grpc !== undefined) return await grpcHealth(target.host, probe.grpc, timeoutMs);
    if (probe.tcpSocket !== undefined) {
      const host = probe.tcpSocket.host ?? target.host;
      await connected(host, portNumber(probe.tcpSocket.port, target.ports), timeoutMs);
      return { ok: true, message: "" };
    }
    return failed("the lab cannot run a probe of kind exec: there is no container to run it in");
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** @throws Error where no port of that name is declared. */
export function portNumber(port: number | string, ports: readonly ContainerPort[]): number {
  if (typeof port === "number") return port;
  const named = ports.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(named)) throw new Error(`couldn't find port: ${port}`);
  return named;
}

/**
 * One GET with a connection of its own, as the kubelet does it, so that success means that somebody listens now.
 * Written on a bare socket: hundreds of pods are probed every second, and only the status line matters.
 */
export function httpGet(action: HttpGetAction, target: Target, timeoutMs: number): Promise<Outcome> {
  const host = action.host ?? target.host;
  const port = portNumber(action.port, target.ports);
  const path = action.path ?? "/";
  const headers = new Map([
    ["host", `${host}:${port}`],
    ["user-agent", "kube-probe/lab"],
    ["accept", "*/*"],
  ]);
  for (const { name, value } of action.httpHeaders ?? []) headers.set(name.toLowerCase(), value);
  headers.set("connection", "close");
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  const secure = action.scheme?.toUpperCase() === "HTTPS";
  return new Promise((resolve) => {
    // The kubelet does not verify a pod's certificate either.
    const socket: net.Socket = secure
      ? tls.connect({ host, port, rejectUnauthorized: false })
      : net.connect({ host, port });
    let answer = "";
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const url = `http://${host}:${port}${path}`;
    const timer = setTimeout(
      () =>
        finish(
          failed(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`),
        ),
      timeoutMs,
    );
    socket.setEncoding("latin1");
    socket.once(secure ? "secureConnect" : "connect", () =>
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`),
    );
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (!answer.includes("\r\n")) return;
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0);
      const ok = status >= 200 && status < 400;
      finish({ ok, message: ok ? "" : `HTTP probe failed with statuscode: ${status}` });
    });
    socket.once("error", (error) => finish(failed(`Get "${url}": ${error.message}`)));
    socket.once("close", () => finish(failed(`Get "${url}": EOF`)));
  });
}

function connected(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: timeoutMs }, () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once("error", reject);
  });
}

const serving = 1;

/** grpc.health.v1.Health/Check. Its two messages have one field each, so no generated code is needed. */
function grpcHealth(
  host: string,
  { port, service }: { port: number; service?: string },
  timeoutMs: number,
): Promise<Outcome> {
  const client = new grpc.Client(`${host}:${port}`, grpc.credentials.createInsecure(), {
    // A channel that is shared could answer from a connection to a pod that has gone.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
  const name = Buffer.from(service ?? "");
  const request = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  return new Promise((resolve) => {
    client.makeUnaryRequest<Buffer, Buffer>(
      "/grpc.health.v1.Health/Check",
      (bytes) => bytes,
      (bytes) => bytes,
      request,
      { deadline: new Date().getTime() + timeoutMs },
      (error, answer) => {
        client.close();
        if (error !== null) {
          resolve(failed(`${host}:${port}: ${error.details || error.message}`));
          return;
        }
        const status = answer?.[0] === 0x08 ? (answer[1] ?? 0) : 0;
        const ok = status === serving;
        resolve({
          ok,
          message: ok ? "" : `service unhealthy (responded with "${healthNames[status] ?? status}")`,
        });
      },
    );
  });
}

const healthNames = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

function failed(message: string): Outcome {
  return { ok: false, message };
}
