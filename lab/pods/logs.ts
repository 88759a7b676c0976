import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/*
 * The part of a kubelet's API behind `kubectl logs`: the API server asks the node of a pod for the log of a container,
 * and passes on what it gets.
 */

/** Where API servers look for kubelets, unless a node says otherwise. */
export const kubeletPort = 10250;

export interface LogRequest {
  namespace: string;
  pod: string;
  container: string;
  follow: boolean;
  /** Lines from the end. Default: all. */
  tailLines?: number;
  /** Bytes from there. Default: all. */
  limitBytes?: number;
}

/** The log that is asked for; why it cannot be given; undefined: nothing of this API. */
export function logRequest(url: string): LogRequest | { refused: string } | undefined {
  const { pathname, searchParams } = new URL(url, "http://kubelet");
  const [, namespace, pod, container] = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
  if (namespace === undefined || pod === undefined || container === undefined) return undefined;
  const isGiven = (name: string): boolean => !["", "false", null].includes(searchParams.get(name));
  // Programs write their own times, or none; containers that ended write on in the same file.
  const unknown = ["previous", "timestamps", "sinceSeconds", "sinceTime"].filter(isGiven);
  if (unknown.length > 0) return { refused: `the lab's logs cannot be asked for ${unknown.join(", ")}` };
  const count = (name: string): object => {
    const value = searchParams.get(name);
    return value === null || !/^\d+$/.test(value) ? {} : { [name]: Number(value) };
  };
  return {
    ...{ namespace, pod, container, follow: isGiven("follow") },
    ...count("tailLines"),
    ...count("limitBytes"),
  };
}

/** Where the last lines of a text begin. */
export function tailStart(content: Buffer, lines: number | undefined): number {
  if (lines === undefined) return 0;
  if (lines === 0) return content.length;
  // The end of the last line is no beginning of another one.
  let at = content.length > 0 && content.at(-1) === 10 ? content.length - 1 : content.length;
  for (let found = 0; at > 0; at--) {
    if (content[at - 1] === 10 && ++found === lines) return at;
  }
  return 0;
}

export interface LogSource {
  /** The file of a container's log; undefined: no such container runs here. */
  file: (request: LogRequest) => string | undefined;
}

/** Milliseconds between two looks at a log that is followed. */
const every = 250;

export async function answerLogs(
  source: LogSource,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const asked = logRequest(request.url ?? "");
  const refuse = (status: number, text: string): void => {
    response.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
  };
  if (asked === undefined) {
    refuse(404, "the lab's kubelet has /containerLogs/ only");
    return;
  }
  if ("refused" in asked) {
    refuse(400, asked.refused);
    return;
  }
  const file = source.file(asked);
  if (file === undefined) {
    refuse(404, `container ${asked.container} of pod ${asked.pod} does not run`);
    return;
  }
  const read = (): Buffer => (fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0));
  const first = read();
  const from = tailStart(first, asked.tailLines);
  response.writeHead(200, { "content-type": "text/plain" });
  response.write(first.subarray(from, asked.limitBytes === undefined ? undefined : from + asked.limitBytes));
  let sent = first.length;
  while (asked.follow && !response.destroyed && source.file(asked) !== undefined) {
    await sleep(every);
    const now = read();
    if (now.length > sent) response.write(now.subarray(sent));
    sent = now.length;
  }
  response.end();
}

/** Listens where the API server looks for the kubelet of every node of the lab. */
export function serveLogs(
  source: LogSource,
  { host, certFile, keyFile }: { host: string; certFile: string; keyFile: string },
): Promise<https.Server> {
  const tls = { cert: fs.readFileSync(certFile), key: fs.readFileSync(keyFile) };
  const server = https.createServer(tls, (request, response) => {
    answerLogs(source, request, response).catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: kubeletPort, exclusive: true }, () => resolve(server));
  });
}
