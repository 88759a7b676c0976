import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A stack's config file, changed as a whole or not at all. */
export class ConfigFile {
  /** @throws Error where there is none. */
  constructor(readonly path: string) {
    if (!fs.existsSync(path)) {
      throw new Error(
        `${path} does not exist: run this command in the project's folder, with --stack NAME for one of its stacks`,
      );
    }
  }

  get name(): string {
    return path.basename(this.path);
  }

  /** A copy that `pulumi --config-file` takes, gone when `use` is done. */
  async withCopy<T>(use: (copy: string) => Promise<T>): Promise<T> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rollout-"));
    const copy = path.join(folder, this.name);
    try {
      fs.copyFileSync(this.path, copy);
      return await use(copy);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Puts a file's content in its place, in one rename. @returns how to undo it. */
  replaceBy(file: string): Replaced {
    const before = fs.readFileSync(this.path);
    const after = fs.readFileSync(file);
    this.write(after);
    return {
      changed: !before.equals(after),
      undo: () => {
        // Somebody else's edit meanwhile is not ours to take back.
        if (!fs.readFileSync(this.path).equals(after)) return false;
        this.write(before);
        return true;
      },
    };
  }

  private write(content: Buffer): void {
    // A link stays one: what it points to is replaced.
    const target = fs.realpathSync(this.path);
    const temporary = `${target}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, content, { mode: fs.statSync(target).mode });
    fs.renameSync(temporary, target);
  }
}

export interface Replaced {
  changed: boolean;
  /** @returns whether the old content is back: not where somebody changed the file meanwhile. */
  undo: () => boolean;
}
