import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, describe, test } from "node:test";
import { Project } from "./project";

/* How the program is started: from a bundle that is always of the sources as they are. */

const projects: Project[] = [];
function project(files: Readonly<Record<string, string>> = {}): Project {
  const made = new Project({
    "index.ts": `import { text } from "./parts/text";\nexport const main = (): void => console.log(text());\n`,
    "parts/text.ts": `export const text = (): string => "one";\n`,
    ...files,
  });
  projects.push(made);
  return made;
}

afterEach(() => {
  for (const one of projects.splice(0)) one.remove();
});

describe("a start", () => {
  test("bundles once, and loads the same bundle from then on", () => {
    const it = project();
    assert.equal(it.run().out, "one");
    const [first] = [it.kept()];
    assert.equal(first.length, 4, first.join(" "));
    const bundle = path.join(
      it.folder,
      "node_modules/.cache/program",
      first.find((name) => name.endsWith(".js"))!,
    );
    const before = fs.statSync(bundle).mtimeMs;
    assert.equal(it.run().out, "one");
    assert.equal(fs.statSync(bundle).mtimeMs, before);
    assert.deepEqual(it.kept(), first);
  });

  const edits: Record<
    string,
    { change: (it: Project) => void; out: string; files?: Record<string, string> }
  > = {
    "a source": {
      change: (it) => it.write("parts/text.ts", `export const text = () => "two";\n`),
      out: "two",
    },
    "a source, to the same length and with the time of before": {
      change: (it) => {
        const file = path.join(it.folder, "parts/text.ts");
        const { atime, mtime } = fs.statSync(file);
        it.write("parts/text.ts", fs.readFileSync(file, "utf8").replace("one", "two"));
        fs.utimesSync(file, atime, mtime);
      },
      out: "two",
    },
    "a new file that an import means from now on": {
      files: {
        "parts/text.ts": "",
        "parts/text/index.ts": `export const text = () => "folder";\n`,
        "index.ts": `import { text } from "./parts/pick";\nexport const main = () => console.log(text());\n`,
        "parts/pick/index.ts": `export const text = () => "folder";\n`,
        "parts/keep.ts": "export {};\n",
      },
      change: (it) => {
        it.write(
          "index.ts",
          `import "./parts/keep";\nimport { text } from "./parts/pick";\nexport const main = () => console.log(text());\n`,
        );
        assert.equal(it.run().out, "folder");
        it.write("parts/pick.ts", `export const text = () => "file";\n`);
      },
      out: "file",
    },
    "a package": {
      files: {
        "index.ts": `import { name } from "a-package";\nexport const main = () => console.log(name);\n`,
        "node_modules/a-package/package.json": `{"name":"a-package","main":"main.js"}`,
        "node_modules/a-package/main.js": `exports.name = "old";\n`,
      },
      change: (it) => it.write("node_modules/a-package/main.js", `exports.name = "newer";\n`),
      out: "newer",
    },
    "a JSON file that is imported": {
      files: {
        "index.ts": `import data from "./parts/data.json";\nexport const main = () => console.log(data.text);\n`,
        "parts/data.json": `{"text":"old"}`,
      },
      change: (it) => it.write("parts/data.json", `{"text":"new"}`),
      out: "new",
    },
    "a file that the program reads beside itself": {
      files: {
        "parts/text.ts": `import * as fs from "node:fs";\nimport * as path from "node:path";\nexport const text = (): string => fs.readFileSync(path.join(__dirname, "text.txt"), "utf8");\n`,
        "parts/text.txt": "old",
      },
      change: (it) => it.write("parts/text.txt", "new"),
      out: "new",
    },
  };
  for (const [what, { change, out, files }] of Object.entries(edits)) {
    test(`sees an edit of ${what}`, () => {
      const it = project(files);
      const first = it.run();
      assert.equal(first.status, 0, first.err);
      change(it);
      assert.equal(it.run().out, out);
      assert.equal(it.kept().filter((name) => name.endsWith(".js")).length, 1, "old bundles are removed");
    });
  }

  test("keeps the bundle in the user's cache where the checkout cannot be written", () => {
    const it = project();
    it.write("node_modules/.cache", "a file, so that no folder can be made here, not even by root");
    assert.equal(it.run().out, "one");
    const [folder] = fs.readdirSync(path.join(it.cache, "gke-inference-rollout/program"));
    const place = path.join("home-cache/gke-inference-rollout/program", folder!);
    assert.equal(it.kept(place).length, 4);
    assert.equal(fs.statSync(path.join(it.folder, place)).mode & 0o777, 0o700);
    assert.equal(it.run().out, "one");
  });

  test("runs without keeping anything where nothing can be written", () => {
    const it = project();
    for (const name of ["node_modules/.cache", "home-cache"]) it.write(name, "no folder");
    for (const time of ["first", "second"]) {
      const { out, err } = it.run();
      assert.equal(out, "one", `${time}: ${err}`);
      assert.equal(err, "");
    }
  });

  test("of several at once gives each the program", async () => {
    const it = project();
    const { spawn } = await import("node:child_process");
    const outs = await Promise.all(
      Array.from({ length: 6 }, () => {
        const child = spawn(
          process.execPath,
          ["-e", `require("./start/program").start("index.ts").then((it) => it.main())`],
          { cwd: it.folder },
        );
        let out = "";
        child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
        return new Promise<string>((resolve) => child.once("close", () => resolve(out.trim())));
      }),
    );
    assert.deepEqual(new Set(outs), new Set(["one"]));
    assert.equal(it.kept().filter((name) => /\.\d+$/.test(name)).length, 0, "nothing half-written is left");
  });

  test("of a bundle whose compiled code is damaged compiles it again", () => {
    const it = project();
    it.run();
    const compiled = it.kept().find((name) => name.includes(".js.v"))!;
    it.write(path.join("node_modules/.cache/program", compiled), "no code of V8's");
    assert.equal(it.run().out, "one");
    assert.ok(fs.statSync(path.join(it.folder, "node_modules/.cache/program", compiled)).size > 100);
  });
});

describe("an error", () => {
  test("in the syntax names file, line and column, and no stack", () => {
    const it = project({ "parts/text.ts": "export const text = (): string => {\n  return 'a' 'b';\n};\n" });
    const { err, status } = it.run(
      "start('index.ts').catch((e) => { console.error(e.name, e.message); process.exitCode = 3; })",
    );
    assert.equal(status, 3);
    assert.match(err, /^SyntaxError parts\/text\.ts:2:14: /);
  });

  test("of a missing import says which, and where", () => {
    const it = project({ "parts/text.ts": `import "./nothing";\nexport const text = () => "";\n` });
    const { err } = it.run("start('index.ts').catch((e) => console.error(e.message))");
    assert.match(err, /^parts\/text\.ts:1:8: Could not resolve "\.\/nothing"/);
  });

  const throwing = `export function text(): string {\n  const reason: string = "broken";\n  throw new Error(reason);\n}\n`;
  for (const [how, script] of Object.entries({
    "that nobody catches": "start('index.ts').then((it) => setTimeout(() => it.main(), 0))",
    "in a promise, with a listener as Pulumi's runner has one":
      "process.on('unhandledRejection', (e) => { console.error(e.stack); process.exitCode = 1; }); start('index.ts').then((it) => it.main())",
  })) {
    test(`${how} names the position in the source`, () => {
      const it = project({ "parts/text.ts": throwing });
      for (const time of ["first start", "later start"]) {
        const { err, status } = it.run(script);
        assert.equal(status, 1, `${time}: ${err}`);
        assert.match(err, /Error: broken/);
        assert.match(err, /parts\/text\.ts:3:9/);
        assert.match(err, /index\.ts:2:/);
      }
    });
  }

  test("shows no frames of packages", () => {
    const it = project({
      "index.ts": `import { call } from "a-package";\nexport const main = (): void =>\n  call(() => JSON.parse("{"));\n`,
      "node_modules/a-package/package.json": `{ "name": "a-package", "main": "main.js" }`,
      "node_modules/a-package/main.js": `exports.call = (work) => work();\n`,
    });
    for (const time of ["first start", "later start"]) {
      const { err } = it.run(
        "process.on('unhandledRejection', (e) => console.error(e.stack)); start('index.ts').then((it) => it.main())",
      );
      assert.match(err, /index\.ts:3:/, time);
      assert.doesNotMatch(err, /node_modules|a-package/, time);
    }
  });
});

test("a bundle that was damaged, or made while its sources were edited, is made again", () => {
  const it = project();
  it.run();
  const folder = "node_modules/.cache/program";
  const bundle = it.kept().find((name) => name.endsWith(".js"))!;
  it.write(path.join(folder, bundle), "");
  assert.equal(it.run().out, "one");
  // As somebody who saves a file while the bundling runs: its time is later than the beginning.
  const later = new Date(new Date().getTime() + 3_600_000);
  it.write("parts/text.ts", `export const text = (): string => "later";\n`);
  fs.utimesSync(path.join(it.folder, "parts/text.ts"), later, later);
  assert.equal(it.run().out, "later");
  assert.deepEqual(
    it.kept().filter((name) => name.endsWith(".js")),
    [bundle],
    "nothing is kept of it",
  );
});

test("what bundles and cannot be loaded does not replace what could", () => {
  const it = project();
  it.run();
  it.write("parts/text.ts", `throw new Error("not now");\nexport const text = (): string => "";\n`);
  const { out, err } = it.run("startLastGood('index.ts').then((it) => it.main())");
  assert.equal(out, "one", err);
});

test("a checkout without its packages says what to run", () => {
  const it = project();
  fs.rmSync(path.join(it.folder, "node_modules", "esbuild"));
  const { err } = it.run("start('index.ts').catch((e) => console.error(e.name, e.message))");
  assert.match(err, /^SyntaxError packages .* not installed\. Run: npm ci$/m);
});

test("what must start whatever is broken runs as it was when it could be started", () => {
  const it = project();
  assert.equal(it.run().out, "one");
  it.write("parts/text.ts", "export const text = ( => {");
  assert.notEqual(it.run().status, 0);
  const { out, err } = it.run("startLastGood('index.ts').then((it) => it.main())");
  assert.equal(out, "one");
  assert.match(err, /parts\/text\.ts:1:23: .*\n.*its last version that could be/);
});

/** Modules that are loaded with an entry of this checkout, at its second start. */
function modulesOf(entry: string): { kind: string; files: string[] } {
  const script = `
    const { start } = require("./start/program");
    start(${JSON.stringify(entry)}).then((program) => {
      const files = Object.keys(require.cache);
      console.log(JSON.stringify({ kind: typeof program, files }));
    });`;
  const checkout = path.join(__dirname, "..", "..");
  const run = (): { kind: string; files: string[] } => {
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], {
      cwd: checkout,
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    return JSON.parse(stdout) as { kind: string; files: string[] };
  };
  run();
  return run();
}

test("this program loads neither TypeScript nor a transpiler, and few modules", () => {
  const { kind, files } = modulesOf("index.ts");
  assert.equal(kind, "function");
  const packages = files.filter((file) => !file.includes("@pulumi/pulumi/"));
  assert.deepEqual(
    packages.filter((file) =>
      /node_modules\/(typescript|ts-node|@swc|esbuild\/lib|zod|@kubernetes)/.test(file),
    ),
    [],
  );
});

for (const entry of ["rollout/command-line.ts", "rollout/early.ts", "rollout/now-line.ts"]) {
  test(`${entry} loads nothing of Pulumi's SDK: a rollback has no time for it`, () => {
    const { files } = modulesOf(entry);
    assert.deepEqual(
      files.filter((file) => file.includes("node_modules") && file.endsWith(".js")),
      [],
    );
  });
}
