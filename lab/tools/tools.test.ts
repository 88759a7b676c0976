import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ToolCache } from "./cache";
import { catalogue, engineIsRecent, type Tool } from "./catalogue";
import { checksumIn, downloadRelease } from "./release";
import { pinned, pinsOf, reasons } from "./outdated";
import { resolveTool, ToolUnavailable } from "./resolve";

const temporary = (): string => fs.mkdtempSync(path.join(os.tmpdir(), "tools-"));

describe("the cache of tools", () => {
  it("shows an entry only when it is whole", async () => {
    const cache = new ToolCache(temporary());
    const folder = cache.folder("tool", "1", []);
    await assert.rejects(
      cache.make(folder, (unfinished) => {
        fs.writeFileSync(path.join(unfinished, "tool"), "half");
        return Promise.reject(new Error("the build broke off"));
      }),
      /broke off/,
    );
    assert.ok(!cache.has(folder));
    assert.deepEqual(fs.readdirSync(cache.root), []);
  });

  it("lets one of two builds work and the other wait", async () => {
    const cache = new ToolCache(temporary());
    const folder = cache.folder("tool", "1", []);
    let builds = 0;
    const build = async (unfinished: string): Promise<void> => {
      builds++;
      await sleep(50);
      fs.writeFileSync(path.join(unfinished, "tool"), "whole");
    };
    await Promise.all([cache.make(folder, build), cache.make(folder, build)]);
    assert.equal(builds, 1);
    assert.equal(fs.readFileSync(path.join(folder, "tool"), "utf8"), "whole");
  });

  it("takes over the lock of a build that was killed, and sweeps up after it", async () => {
    const cache = new ToolCache(temporary());
    const folder = cache.folder("tool", "1", []);
    fs.mkdirSync(cache.root, { recursive: true });
    fs.writeFileSync(`${folder}.lock`, "999999999 1");
    fs.mkdirSync(path.join(cache.root, ".making-999999999-abcd"));
    await cache.make(folder, () => Promise.resolve());
    assert.ok(cache.has(folder));
    assert.equal(cache.sweep(), 1);
  });

  it("keeps different contents apart", () => {
    const cache = new ToolCache("/nowhere");
    assert.notEqual(cache.folder("tool", "1", ["a"]), cache.folder("tool", "1", ["b"]));
  });
});

describe("a tool that cannot be had", () => {
  it("is named with its version, what was tried and how to provide it", async () => {
    const before = { PATH: process.env["PATH"], RELEASES: process.env["INFERENCE_LAB_RELEASES"] };
    process.env["PATH"] = temporary();
    process.env["INFERENCE_LAB_RELEASES"] = "off";
    try {
      await assert.rejects(resolveTool("etcd", undefined, new ToolCache(temporary())), (error: unknown) => {
        assert.ok(error instanceof ToolUnavailable);
        assert.match(error.message, /^Could not get etcd 3\.7\.3\. Tried:/);
        assert.match(error.message, /go build/);
        assert.match(error.message, /put etcd 3\.7\.3 on PATH/);
        return true;
      });
    } finally {
      process.env["PATH"] = before.PATH;
      if (before.RELEASES === undefined) delete process.env["INFERENCE_LAB_RELEASES"];
      else process.env["INFERENCE_LAB_RELEASES"] = before.RELEASES;
    }
  });
});

describe("a program on PATH", () => {
  it("is used when it is the version that the lab was tried with, and not when it is another", async () => {
    const folder = temporary();
    const program = path.join(folder, "etcd");
    const before = process.env["PATH"];
    process.env["PATH"] = `${folder}${path.delimiter}${before ?? ""}`;
    try {
      fs.writeFileSync(program, "#!/bin/sh\necho etcd Version: 3.7.3\n", { mode: 0o755 });
      assert.deepEqual((await resolveTool("etcd")).path, program);
      fs.writeFileSync(program, "#!/bin/sh\necho etcd Version: 3.5.0\n", { mode: 0o755 });
      const other = catalogue.find(({ name }) => name === "etcd");
      assert.ok(other?.accepts("etcd Version: 3.5.0") === false);
    } finally {
      process.env["PATH"] = before;
    }
  });

  it("may be a newer engine, and not one in which a failing hook passes", () => {
    assert.ok(engineIsRecent("v3.250.0") && engineIsRecent("v3.238.0") && engineIsRecent("3.300.1"));
    assert.ok(!engineIsRecent("v3.237.9") && !engineIsRecent("v4.0.0") && !engineIsRecent("nonsense"));
  });
});

describe("reasons for older versions", () => {
  it("are given for what is pinned, and for nothing else", () => {
    const names = pinned();
    assert.ok(names.length > 20);
    assert.deepEqual(
      Object.keys(reasons).filter((name) => !names.includes(name)),
      [],
    );
  });

  it("need one version of a package that the program and the lab both use", () => {
    const ofProgram = pinsOf("package.json");
    const shared = Object.entries(pinsOf("lab/package.json")).filter(([name]) => name in ofProgram);
    assert.ok(shared.length > 5);
    for (const [name, version] of shared) assert.equal(version, ofProgram[name], name);
  });
});

describe("an official release", () => {
  const content = "#!/bin/sh\n";
  const sum = createHash("sha256").update(content).digest("hex");

  async function serving(checksums: string, run: (base: string) => Promise<void>): Promise<void> {
    const server = http.createServer((request, response) =>
      response.end(request.url === "/tool" ? content : checksums),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.close();
    }
  }

  const tool = { name: "etcd", version: "0" } as Tool;

  it("is kept when it matches its checksum", async () => {
    await serving(`${sum}  tool\n`, async (base) => {
      const folder = temporary();
      await downloadRelease(tool, { url: () => `${base}/tool`, checksums: () => `${base}/sums` }, folder);
      assert.equal(fs.readFileSync(path.join(folder, "etcd"), "utf8"), content);
    });
  });

  it("is thrown away when it does not", async () => {
    await serving(`${"0".repeat(64)}  tool\n`, async (base) => {
      const folder = temporary();
      const release = { url: () => `${base}/tool`, checksums: () => `${base}/sums` };
      await assert.rejects(downloadRelease(tool, release, folder), /SHA-256/);
      assert.deepEqual(fs.readdirSync(folder), []);
    });
  });

  it("is found in both forms of checksum files", () => {
    assert.equal(checksumIn(`${sum}\n`, "tool"), sum);
    assert.equal(checksumIn(`${"1".repeat(64)}  other\n${sum} *tool\n`, "tool"), sum);
    assert.equal(checksumIn("<html>not found</html>", "tool"), undefined);
  });
});
