import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { Way } from "../../../stacks/gates/asking";

/** What a model answers. */
export const yes = JSON.stringify({ choices: [{ text: "yes", index: 0, finish_reason: "stop" }] });

/** A server that answers like this for as long as somebody asks. @returns how to ask where it was. */
export async function answering(
  listener: http.RequestListener,
  ask: (way: Way) => Promise<void>,
): Promise<Way> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = { port, tls: false };
  const way: Way = { who: "llm-new", address: "127.0.0.1", endpoint, api: "completions" };
  try {
    await ask(way);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return way;
}
