import * as fs from "node:fs";
import * as path from "node:path";
import type { Running, Supervisor } from "../../processes/supervisor";
import { EnvoyAdmin } from "./admin";
import { socketAddress } from "./clusters";
import type { ConfigFiles } from "./files";
import { fileSource } from "./listener";

export interface RunningEnvoy {
  process: Running;
  admin: EnvoyAdmin;
}

/** Starts Envoy with nothing to serve yet; its log is `envoy.log` in the supervisor's folder. */
export async function startEnvoy(options: {
  program: string;
  folder: string;
  control: string;
  files: ConfigFiles;
  supervisor: Supervisor;
}): Promise<RunningEnvoy> {
  const { folder, files } = options;
  files.write(files.listeners, []);
  files.write(files.clusters, []);
  const bootstrap = path.join(folder, "bootstrap.json");
  const addressFile = path.join(folder, "envoy-admin");
  fs.rmSync(addressFile, { force: true });
  const config = {
    node: { id: "gateway", cluster: "lab" },
    // A port that the kernel chooses cannot collide with another lab's.
    admin: { address: socketAddress(options.control, 0) },
    dynamic_resources: { lds_config: fileSource(files.listeners), cds_config: fileSource(files.clusters) },
  };
  fs.writeFileSync(bootstrap, JSON.stringify(config, undefined, 2));
  let admin: EnvoyAdmin | undefined;
  const process = await options.supervisor.start({
    name: "envoy",
    command: options.program,
    args: [
      ...["--config-path", bootstrap, "--admin-address-path", addressFile],
      ...["--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"],
    ],
    ready: async () => {
      const address = fs.readFileSync(addressFile, "utf8").trim();
      if (address === "") return false;
      admin ??= new EnvoyAdmin(`http://${address}`);
      return admin.isLive();
    },
    readySeconds: 30,
  });
  if (admin === undefined) throw new Error("Envoy is live without an admin address");
  return { process, admin };
}

/** What Envoy wrote since `offset`, and where its log ends now: the reason for a refusal is nowhere else. */
export function logSince(log: string, offset: number): { text: string; end: number } {
  const end = fs.statSync(log).size;
  const length = Math.min(Math.max(end - offset, 0), 65_536);
  const buffer = Buffer.alloc(length);
  const handle = fs.openSync(log, "r");
  try {
    fs.readSync(handle, buffer, 0, length, end - length);
  } finally {
    fs.closeSync(handle);
  }
  return { text: buffer.toString("utf8"), end };
}
