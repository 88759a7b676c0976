import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A stack's config file, changed as a whole or not at all. */
export class ConfigFile {
  /** What a command has read and bases its edits on. */
  private known: Buffer | undefined;

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

  /** The file's text; edits are based on it from now on. */
  read(): string {
    this.known = fs.readFileSync(this.path);
    return this.known.toString();
  }

  /**
   * Somebody's edit meanwhile would be taken back by ours, and be deployed or not without anybody having seen it.
   * @throws Error where the file is not what was read.
   */
  unchanged(): Buffer {
    const now = fs.readFileSync(this.path);
    if (this.known !== undefined && !now.equals(this.known)) {
      throw new Error(
        `${this.name} was changed while this command ran, so it was not edited. Look at the change, and run the command again`,
      );
    }
    return now;
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

  /** Puts a file's content in its place, in one rename. @returns how to undo it. @throws Error */
  replaceBy(file: string): Replaced {
    const before = this.unchanged();
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
    try {
      fs.writeFileSync(temporary, content, { mode: fs.statSync(target).mode });
      fs.renameSync(temporary, target);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
    this.known = content;
  }
}

export interface Replaced {
  changed: boolean;
  /** @returns whether the old content is back: not where somebody changed the file meanwhile. */
  undo: () => boolean;
}
