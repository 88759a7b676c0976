import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const checkout = path.join(__dirname, "..", "..");

/** What a start printed and how it ended. */
export interface Started {
  status: number;
  out: string;
  err: string;
}

/** A small project that is started as this one is, with the same start/. */
export class Project {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "start-test-"));
  /** The user's own cache. */
  readonly cache = path.join(this.folder, "home-cache");

  constructor(files: Readonly<Record<string, string>>) {
    fs.cpSync(path.join(checkout, "start"), path.join(this.folder, "start"), { recursive: true });
    fs.mkdirSync(path.join(this.folder, "node_modules"));
    for (const name of ["esbuild", "@esbuild", "zod"])
      fs.symlinkSync(path.join(checkout, "node_modules", name), path.join(this.folder, "node_modules", name));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const file = path.join(this.folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }

  /** Runs `script` in a process of its own, with `start` and `startLastGood`. */
  run(script = "start('index.ts').then((it) => it.main())", node = process.execPath): Started {
    const done = spawnSync(
      node,
      ["-e", `const { start, startLastGood } = require("./start/program"); ${script}`],
      { cwd: this.folder, encoding: "utf8", env: { ...process.env, XDG_CACHE_HOME: this.cache } },
    );
    return { status: done.status ?? -1, out: done.stdout.trim(), err: done.stderr };
  }

  /** Files kept in a folder, without what their names say of content and version; [] where there is no such folder. */
  kept(folder = path.join("node_modules", ".cache", "program")): string[] {
    try {
      return fs.readdirSync(path.join(this.folder, folder)).sort();
    } catch {
      return [];
    }
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
