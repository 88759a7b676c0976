import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, it } from "node:test";
import {
  clusterReader,
  ClusterUnreadable,
  patiently,
  type Answer,
} from "../../../stacks/state/cluster-reader";
import { UserError } from "../../../stacks/messages/user-error";

const quick = { pauses: [1, 1, 1], lastTry: 5000 };
const unreachable = new ClusterUnreadable("unreachable", "https://10.0.0.1 does not answer: ECONNRESET");

/** Gives one answer after the other, the last one for ever. */
function answers(...given: (number | Error)[]): { ask: () => Promise<Answer>; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    ask: () => {
      const next = given[Math.min(asked++, given.length - 1)] ?? 500;
      return typeof next === "number" ? Promise.resolve({ status: next, body: "" }) : Promise.reject(next);
    },
  };
}

describe("an API server that is asked", () => {
  for (const [what, given, status, times] of [
    ["and answers", [200], 200, 1],
    ["and has nothing", [404], 404, 1],
    ["and refuses", [403], 403, 1],
    ["while it is short of breath", [429, 503, 200], 200, 3],
    ["over a connection that has gone stale", [unreachable, 200], 200, 2],
    ["and stays as it is", [503], 503, 4],
  ] as const) {
    it(`${what}: ${status} after ${times}`, async () => {
      const { ask, asked } = answers(...given);
      assert.equal((await patiently(ask, quick)).status, status);
      assert.equal(asked(), times);
    });
  }

  it("that is not there is told in the end", async () => {
    const { ask, asked } = answers(unreachable);
    await assert.rejects(patiently(ask, quick), unreachable);
    assert.equal(asked(), 4);
  });

  it("that let a whole timeout pass is not asked again", async () => {
    const { ask, asked } = answers(unreachable);
    await assert.rejects(patiently(ask, { ...quick, lastTry: -1 }), unreachable);
    assert.equal(asked(), 1);
  });

  it("is not asked again without credentials", async () => {
    const { ask, asked } = answers(new ClusterUnreadable("unauthorized", "no credentials"));
    await assert.rejects(patiently(ask, quick), ClusterUnreadable);
    assert.equal(asked(), 1);
  });
});

describe("a kubeconfig that cannot be read", () => {
  for (const [what, given] of [
    ["no such file", "marked-secret"],
    ["no YAML", "users:\n  - token: marked-secret\n  - {marked-secret\n"],
    ["nothing in it", "# marked-secret\n"],
    ["another thing", '{"token": "marked-secret"}'],
  ] as const) {
    it(`is told without what is in it: ${what}`, async () => {
      await assert.rejects(clusterReader(given), (error: Error) => {
        assert.doesNotMatch(`${error.message}\n${error.stack ?? ""}`, /marked-secret/);
        return error instanceof ClusterUnreadable || error instanceof UserError;
      });
    });
  }
});

describe("a kubeconfig", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubeconfig-"));
  after(() => fs.rmSync(folder, { recursive: true }));
  const kubeconfig = (cluster: object): string => {
    const file = path.join(folder, "config");
    const named = { name: "x", context: { cluster: "x", user: "x" } };
    const content = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "x", contexts: [named] },
      clusters: [{ name: "x", cluster: { server: "https://10.255.255.1", ...cluster } }],
      users: [{ name: "x", user: { token: "t" } }],
    };
    fs.writeFileSync(file, JSON.stringify(content));
    return file;
  };

  it("that is given by its path has its relative paths count from there", async () => {
    const reader = await clusterReader(kubeconfig({ "certificate-authority": "missing.pem" }), { answer: 1 });
    await assert.rejects(reader.get("/version"), (error: Error) =>
      error.message.includes(path.join(folder, "missing.pem")),
    );
  });

  it("with a proxy is read through it", async () => {
    const asked: string[] = [];
    const proxy = http.createServer();
    proxy.on("connect", ({ url }, socket) => {
      asked.push(url ?? "");
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = proxy.address() as AddressInfo;
      const reader = await clusterReader(kubeconfig({ "proxy-url": `http://127.0.0.1:${port}` }), {
        answer: 1,
      });
      await assert.rejects(reader.get("/version"));
      assert.deepEqual([...new Set(asked)], ["10.255.255.1:443"]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});
