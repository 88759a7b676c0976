import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Patience } from "./patience";

describe("patience", () => {
  it("is over after its time", async () => {
    let time = 0;
    const patience = new Patience(15, () => time);
    let looks = 0;
    while (await patience.pause(0)) {
      looks++;
      time += 1000;
    }
    assert.equal(looks, 15);
  });

  it("does not count what a machine stood still, but for a moment", async () => {
    let time = 0;
    const patience = new Patience(45, () => time);
    time += 3_600_000;
    assert.equal(await patience.pause(0), true);
    time += 3_600_000;
    assert.equal(await patience.pause(0), true);
    time += 3_600_000;
    assert.equal(await patience.pause(0), false);
  });
});
