import * as fs from "node:fs";
import * as path from "node:path";
import { digestOf } from "./names";
import type { Resource } from "./types";

/**
 * The files that Envoy reads its configuration from and watches. Each is replaced by a rename, so Envoy never
 * sees half of one; its version is the digest of its content, so equal content is an equal version.
 */
export class ConfigFiles {
  readonly listeners: string;
  readonly clusters: string;

  constructor(private readonly folder: string) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.listeners = path.join(folder, "listeners.json");
    this.clusters = path.join(folder, "clusters.json");
  }

  /** File of a route configuration; names of Gateways may hold what file names may not. */
  routes(name: string): string {
    return path.join(this.folder, `routes-${digestOf(name)}.json`);
  }

  /** Returns the version that Envoy will show once it has taken the file. */
  write(file: string, resources: readonly Resource[]): string {
    const version = digestOf(resources);
    const temporary = `${file}.new`;
    // Listeners hold private keys of certificates.
    fs.writeFileSync(temporary, JSON.stringify({ version_info: version, resources }), { mode: 0o600 });
    fs.renameSync(temporary, file);
    return version;
  }

  remove(file: string): void {
    fs.rmSync(file, { force: true });
  }
}
