import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { isProperties, Secret, type Properties, type Value } from "../protocol/values";

/** A resource of the lab's cloud. */
export interface CloudRecord {
  type: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/**
 * The lab's cloud: what the gcp stand-in has made, one file each below `<lab>/cloud`, so that later updates, other
 * stacks and functions that look things up see it.
 */
export class Cloud {
  private readonly folder: string;

  constructor(readonly labFolder: string) {
    this.folder = path.join(labFolder, "cloud");
  }

  get(type: string, id: string): CloudRecord | undefined {
    return readJson(this.file(type, id));
  }

  put(record: CloudRecord): void {
    const file = this.file(record.type, record.id);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const temporary = `${file}.${randomBytes(4).toString("hex")}`;
    fs.writeFileSync(temporary, JSON.stringify(marked(record as unknown as Value), undefined, 1), {
      mode: 0o600,
    });
    fs.renameSync(temporary, file);
  }

  remove(type: string, id: string): void {
    fs.rmSync(this.file(type, id), { force: true });
  }

  list(type: string): CloudRecord[] {
    const folder = path.dirname(this.file(type, ""));
    if (!fs.existsSync(folder)) return [];
    return fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => readJson(path.join(folder, name)) ?? []);
  }

  /** Takes a pod CIDR for a node, the first that is free; no other process gets the same. @throws Error when all are taken */
  takeCidr(node: string): string {
    const cidrs = JSON.parse(fs.readFileSync(path.join(this.folder, "node-cidrs.json"), "utf8")) as string[];
    const folder = path.join(this.folder, "taken-cidrs");
    fs.mkdirSync(folder, { recursive: true });
    for (const [i, cidr] of cidrs.entries()) {
      try {
        fs.writeFileSync(path.join(folder, String(i)), node, { flag: "wx" });
        return cidr;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
    throw new Error(`the lab has room for ${cidrs.length} nodes, and all of them exist`);
  }

  /** Gives back what a node had. */
  releaseCidr(node: string): void {
    const folder = path.join(this.folder, "taken-cidrs");
    if (!fs.existsSync(folder)) return;
    for (const name of fs.readdirSync(folder)) {
      const file = path.join(folder, name);
      // Another process may be giving its own back at this moment.
      if (textOf(file) === node) fs.rmSync(file, { force: true });
    }
  }

  private file(type: string, id: string): string {
    const name = id.replace(/[^A-Za-z0-9.-]+/g, "_").slice(-80);
    const digest = createHash("sha256").update(id).digest("hex").slice(0, 8);
    return path.join(this.folder, type.replace(/[^A-Za-z0-9]+/g, "-"), `${name}-${digest}.json`);
  }
}

/** A file's text; undefined where it has gone. */
function textOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

const secretMark = "$secret";

function marked(value: Value): Value {
  if (value instanceof Secret) return { [secretMark]: marked(value.value) };
  if (Array.isArray(value)) return value.map(marked);
  return isProperties(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, marked(inner)]))
    : value;
}

function unmarked(value: Value): Value {
  if (Array.isArray(value)) return value.map(unmarked);
  if (!isProperties(value)) return value;
  if (secretMark in value) return new Secret(unmarked(value[secretMark] ?? null));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unmarked(inner)]));
}

function readJson(file: string): CloudRecord | undefined {
  try {
    return unmarked(JSON.parse(fs.readFileSync(file, "utf8")) as Value) as unknown as CloudRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
