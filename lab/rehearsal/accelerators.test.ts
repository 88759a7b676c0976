import { acceleratorHours, type Held } from "./accelerators";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const hour = 3_600_000;
const node = (name: string, pool: string, count: number, from: number, to = Infinity): Held => ({
  node: name,
  pool,
  count,
  from: from * hour,
  to: to * hour,
});

describe("accelerator-hours of a rehearsal", () => {
  it("counts what was there in the span, and only that", () => {
    const held = [node("a", "llm", 8, -5), node("b", "llm", 8, 0, 1), node("c", "new", 1, 1, 3)];
    const found = acceleratorHours(held, 0, 2 * hour);
    assert.equal(found.seconds, 7200);
    assert.equal(found.hours, 16 + 8 + 1);
    assert.deepEqual(found.pools, { llm: { hours: 24, most: 16 }, new: { hours: 1, most: 1 } });
  });

  it("compares with every pool at its largest all along", () => {
    const held = [node("a", "llm", 1, 0, 1), node("b", "llm", 1, 1, 2), node("c", "new", 4, 1, 2)];
    assert.equal(acceleratorHours(held, 0, 2 * hour).fullHours, 2 * (1 + 4));
  });

  it("is nothing where nothing was", () => {
    const gone = [node("a", "llm", 1, 0, 1), node("b", "llm", 1, 3)];
    assert.deepEqual(acceleratorHours(gone, hour, 2 * hour), {
      seconds: 3600,
      hours: 0,
      fullHours: 0,
      pools: {},
    });
  });
});
