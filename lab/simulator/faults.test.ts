import assert from "node:assert/strict";
import { it } from "node:test";
import { parseFaults } from "./faults";

it("reads a list of faults", () => {
  assert.deepEqual(
    parseFaults("crash-after:5s, never-ready,fail-adapter:food:v2,slow:2.5,hang-after:500ms,busy:2s"),
    [
      { kind: "crash", afterSeconds: 5 },
      { kind: "unready" },
      { kind: "fail-adapter", adapter: "food:v2" },
      { kind: "slow", factor: 2.5 },
      { kind: "hang", afterSeconds: 0.5 },
      { kind: "busy", seconds: 2 },
    ],
  );
  assert.deepEqual(parseFaults(""), []);
  assert.deepEqual(parseFaults("none"), []);
});

it("names the faults there are when it meets another", () => {
  for (const wrong of ["explode", "crash-after:soon", "slow:fast", "slow:0", "busy", "fail-adapter:"]) {
    assert.throws(() => parseFaults(wrong), /known faults: crash, crash-after:5s/, wrong);
  }
});
