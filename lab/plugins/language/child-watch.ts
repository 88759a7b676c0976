import { watchVariable } from "./variables";
import { Socket } from "node:net";

/**
 * Loaded into the Pulumi program before anything else: ends it when its language host is gone, even by SIGKILL.
 * The host holds the other end of a pipe that the kernel closes with it.
 */
const fd = process.env[watchVariable];
// Not for the processes that the program itself may start: there the descriptor is something else.
// eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the name is a constant shared with the host
delete process.env[watchVariable];
if (fd !== undefined) {
  const pipe = new Socket({ fd: Number(fd) });
  const end = (): void => process.exit(137);
  pipe.once("end", end).once("error", end).once("close", end);
  pipe.resume();
  pipe.unref();
}
