import type { ServerWritableStream } from "@grpc/grpc-js";
import { spawn } from "node:child_process";
import {
  InstallDependenciesResponse,
  type InstallDependenciesRequest,
} from "@pulumi/pulumi/proto/language_pb";
import { locateModule } from "./child";

/** `pulumi install`: npm, unless the program's packages are there already. */
export async function installDependencies(
  call: ServerWritableStream<InstallDependenciesRequest, InstallDependenciesResponse>,
): Promise<void> {
  const folder = call.request.getInfo()?.getProgramDirectory() ?? call.request.getDirectory();
  const say = (bytes: Buffer): void => {
    const response = new InstallDependenciesResponse();
    response.setStdout(bytes);
    call.write(response);
  };
  try {
    locateModule("@pulumi/pulumi/cmd/run", folder, "");
    say(Buffer.from("Dependencies are installed already\n"));
    return;
  } catch {
    say(Buffer.from("Installing dependencies...\n\n"));
  }
  const npm = spawn("npm", ["install", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  npm.stdout.on("data", say);
  npm.stderr.on("data", say);
  const status = await new Promise<number | null>((resolve, reject) => {
    npm.once("error", reject);
    npm.once("close", resolve);
  });
  if (status !== 0) throw new Error(`npm install in ${folder} ended with status ${status ?? "none"}`);
}
