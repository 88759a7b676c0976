import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { describe, it } from "node:test";

/* The page and the checked rules say the same. */

const root = path.join(__dirname, "..");
const page = fs.readFileSync(path.join(root, "docs", "architecture.md"), "utf8");

interface Rule {
  name: string;
  to: { pathNot?: string };
}

const { forbidden } = createRequire(__filename)(path.join(root, ".dependency-cruiser.cjs")) as {
  forbidden: Rule[];
};

const diagram = /```mermaid\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

/** Folder of each node of the diagram, by its id; a file stands for the folder it is in. */
const folders = new Map(
  [...diagram.matchAll(/(\w+)\["([\w/]*)(?:\*|index)?/g)].map(([, id = "", folder = ""]) => [
    id,
    folder.replace(/\/$/, ""),
  ]),
);

describe("docs/architecture.md", () => {
  it("draws no import that the check refuses", () => {
    const edges = [...diagram.matchAll(/^ *(\w+)(?:\[.*?\])? --> (\w+)/gm)];
    assert.ok(edges.length > 10);
    for (const [, from = "", to = ""] of edges) {
      const [importer, imported] = [folders.get(from), folders.get(to)];
      assert.ok(importer !== undefined && imported !== undefined, `${from} --> ${to}`);
      const rule = forbidden.find(({ name }) => name === `${importer.replace("/", "-")}-imports`);
      // Nothing stands above index.ts: it may import everything.
      if (from === "index") continue;
      assert.match(`${imported}/file.ts`, new RegExp(rule?.to.pathNot ?? "(?!)"), `${from} --> ${to}`);
    }
  });

  it("names only files that exist", () => {
    const named = [...page.matchAll(/`((?:components|stacks|rollout|lab|test)\/[\w/.-]+)`/g)].map(
      ([, file = ""]) => file,
    );
    assert.ok(named.length > 20);
    for (const file of named) assert.ok(fs.existsSync(path.join(root, file)), file);
  });
});

describe("the product's files", () => {
  const all = ["components", "stacks", "rollout"].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => path.join(folder, file)),
  );

  it("have names of their own: a name says which file is meant", () => {
    const names = all.map((file) => path.basename(file));
    assert.ok(names.length > 150);
    assert.deepEqual(
      all.filter((file) => names.filter((name) => name === path.basename(file)).length > 1),
      [],
    );
  });

  it("name in their comments only files that exist", () => {
    const folders = ["components", "stacks", "rollout", "start", "policy", "lab", "test", "docs"];
    const known = folders.flatMap((folder) =>
      fs
        .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => !file.includes("node_modules"))
        .map((file) => `/${path.join(folder, file)}`),
    );
    const stale = all.flatMap((file) =>
      fs
        .readFileSync(path.join(root, file), "utf8")
        .split("\n")
        .flatMap((line) => /^\s*(?:\/?\*|\/\/)(.*)/.exec(line)?.[1] ?? [])
        .flatMap((comment) => [...comment.matchAll(/(?<![\w@/.-])[\w/.-]*\w\.(?:ts|js|md)\b/g)])
        .filter(([name]) => !known.some((one) => one.endsWith(`/${name}`)))
        .map(([name]) => `${file}: ${name}`),
    );
    assert.deepEqual(stale, []);
  });

  it("never stand alone in a folder", () => {
    const alone = all.filter((file) => fs.readdirSync(path.join(root, path.dirname(file))).length === 1);
    assert.deepEqual(alone, []);
  });
});
