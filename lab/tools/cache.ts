import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, startTimeOf } from "../processes/identity";

/**
 * Where built tools live: outside the checkout, so that every clone shares them.
 * An entry is a folder that appears by one rename, so a half-written one can never be used.
 */
export class ToolCache {
  constructor(readonly root: string = defaultRoot()) {}

  /** Folder of a finished entry; `key` is everything that decides its content. */
  folder(name: string, version: string, key: readonly string[]): string {
    const digest = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 10);
    return path.join(this.root, `${name}-${version}-${digest}`);
  }

  has(folder: string): boolean {
    return fs.existsSync(folder);
  }

  /**
   * Makes `folder` by running `fill` on an empty folder and renaming it. Of two processes that want the same
   * entry one works and the other waits; should both work, the first rename wins and both get a whole entry.
   */
  async make(
    folder: string,
    fill: (temporary: string) => Promise<void>,
    waiting: (holder: number) => void = () => undefined,
  ): Promise<void> {
    fs.mkdirSync(this.root, { recursive: true });
    const release = await this.lock(`${folder}.lock`, waiting, () => this.has(folder));
    try {
      if (this.has(folder)) return;
      const temporary = path.join(this.root, `.making-${process.pid}-${randomBytes(4).toString("hex")}`);
      fs.mkdirSync(temporary);
      try {
        await fill(temporary);
        try {
          fs.renameSync(temporary, folder);
        } catch (error) {
          if (!this.has(folder)) throw error;
        }
      } finally {
        fs.rmSync(temporary, { recursive: true, force: true });
      }
    } finally {
      release();
    }
  }

  /** Removes what builds that were killed left behind; returns how many folders went. */
  sweep(): number {
    if (!fs.existsSync(this.root)) return 0;
    const orphans = fs.readdirSync(this.root).filter((name) => {
      const pid = /^\.making-(\d+)-/.exec(name)?.[1];
      return pid !== undefined && !isAlive(Number(pid));
    });
    for (const name of orphans) fs.rmSync(path.join(this.root, name), { recursive: true, force: true });
    return orphans.length;
  }

  /** The lock only saves work: correctness rests on the rename, so losing a race for a stale lock is harmless. */
  private async lock(
    file: string,
    waiting: (holder: number) => void,
    finished: () => boolean,
  ): Promise<() => void> {
    const mine = `${process.pid} ${startTimeOf(process.pid) ?? ""}`;
    let reported = false;
    for (;;) {
      try {
        fs.writeFileSync(file, mine, { flag: "wx" });
        return () => fs.rmSync(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const [pid, started] = readIfThere(file).split(" ");
      if (pid === undefined || pid === "" || !isAlive(Number(pid), started)) {
        fs.rmSync(file, { force: true });
        continue;
      }
      if (finished()) return () => undefined;
      if (!reported) waiting(Number(pid));
      reported = true;
      await sleep(500);
    }
  }
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** `INFERENCE_LAB_CACHE`, else the XDG cache folder. */
export function defaultRoot(): string {
  const base = process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache");
  return process.env["INFERENCE_LAB_CACHE"] ?? path.join(base, "gke-inference-rollout", "tools");
}
