import { Server, ServerCredentials } from "@grpc/grpc-js";
import { record } from "./record";

const megabytes400 = 400 * 1024 * 1024;

/** A server with the limits of Pulumi's own plugins. */
export function newServer(): Server {
  return new Server({
    "grpc.max_receive_message_length": megabytes400,
    "grpc.max_send_message_length": megabytes400,
  });
}

/** Listens on a port of loopback that the kernel chooses. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(error);
      else resolve(port);
    });
  });
}

/**
 * Ends this process as soon as its engine is gone, however that died: the engine holds the other end of our
 * standard input, and the kernel closes it with the engine.
 */
export function endWithEngine(beforeExit: () => void = () => undefined): void {
  const end = (why: string) => (): void => {
    record(`ends: ${why}`);
    beforeExit();
    process.exit(0);
  };
  const parent = process.ppid;
  process.stdin.once("end", end("the engine closed standard input"));
  process.stdin.once("error", end("standard input failed"));
  process.stdin.resume();
  // Standard input is no pipe when a plugin is started by hand.
  setInterval(() => {
    if (process.ppid !== parent) end("the parent process is gone")();
  }, 1000).unref();
  // The engine interrupts a plugin's process group when it has no more use for it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end(signal));
}

/** Tells the engine where to call. It reads this line and nothing else from standard output. */
export function announce(port: number): void {
  process.stdout.write(`${port}\n`);
}
