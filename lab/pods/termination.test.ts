import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { restartDelay, restartsAfter, afterExit, stopHook } from "./termination";

describe("stopHook", () => {
  it("takes sleep and httpGet", () => {
    assert.deepEqual(stopHook(undefined), { kind: "none" });
    assert.deepEqual(stopHook({ sleep: { seconds: 30 } }), { kind: "sleep", ms: 30_000 });
    assert.deepEqual(stopHook({ httpGet: { path: "/x", port: 80 } }), {
      kind: "httpGet",
      action: { path: "/x", port: 80 },
    });
  });

  it("takes an exec that does nothing but sleep", () => {
    for (const command of [
      ["sleep", "5"],
      ["/usr/bin/sleep", "5"],
      ["/bin/sh", "-c", "sleep 5"],
      ["bash", "-c", "sleep 5s;"],
    ]) {
      assert.deepEqual(stopHook({ exec: { command } }), { kind: "sleep", ms: 5000 }, command.join(" "));
    }
    assert.deepEqual(stopHook({ exec: { command: ["sh", "-c", "sleep 5 && rm x"] } }), {
      kind: "unsupported",
      what: "exec sh -c sleep 5 && rm x",
    });
  });
});

describe("afterExit", () => {
  it("follows the pod's restart policy", () => {
    assert.equal(afterExit("Always", 0, "main", true), "restart");
    assert.equal(afterExit(undefined, 1, "main", true), "restart");
    assert.equal(afterExit("OnFailure", 0, "main", true), "done");
    assert.equal(afterExit("OnFailure", 1, "main", true), "restart");
    assert.equal(afterExit("Never", 1, "main", true), "done");
    assert.equal(afterExit("Always", 0, "init", true), "done");
    assert.equal(afterExit("Always", 1, "init", true), "restart");
    assert.equal(afterExit("Never", 0, "sidecar", true), "restart");
  });

  it("reports what would be a restart, where the lab is to notice", () => {
    assert.equal(afterExit("Always", 137, "main", false), "report");
    assert.equal(afterExit("Never", 1, "main", false), "done");
  });
});

it("backs off from one second to ten, and forgets after a calm minute", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 50].map(restartDelay), [1000, 2000, 4000, 8000, 10_000, 10_000]);
  assert.equal(restartsAfter(4, 59_000), 4);
  assert.equal(restartsAfter(4, 60_000), 0);
});
