import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boundOfZero, chanceOf, doubtful, sigmaOf, wrong } from "../../../rollout/traffic/split-odds";

describe("the judgement of a split", () => {
  it("is exact at 0 and 100", () => {
    assert.equal(chanceOf({ requests: 600, candidate: 0 }, 0), 1);
    assert.equal(chanceOf({ requests: 600, candidate: 1 }, 0), 0);
    assert.equal(chanceOf({ requests: 600, candidate: 600 }, 1), 1);
    assert.equal(chanceOf({ requests: 600, candidate: 599 }, 1), 0);
  });

  it("agrees with the binomial distribution", () => {
    // P(X <= 0) = 0.9^10 and P(X >= 10) = 0.5^10, each doubled.
    assert.ok(Math.abs(chanceOf({ requests: 10, candidate: 0 }, 0.1) - 2 * 0.9 ** 10) < 1e-12);
    assert.ok(Math.abs(chanceOf({ requests: 10, candidate: 10 }, 0.5) - 2 * 0.5 ** 10) < 1e-12);
    assert.equal(chanceOf({ requests: 100, candidate: 50 }, 0.5), 1);
  });

  it("doubts a split beyond three sigma and not one within", () => {
    for (const expected of [0.1, 0.3, 0.6]) {
      const sigma = sigmaOf(600, expected);
      const at = (sigmas: number): number => Math.round(600 * (expected + sigmas * sigma));
      assert.ok(
        chanceOf({ requests: 600, candidate: at(2.5) }, expected) > doubtful,
        `${expected} + 2.5 sigma`,
      );
      assert.ok(
        chanceOf({ requests: 600, candidate: at(3.6) }, expected) < doubtful,
        `${expected} + 3.6 sigma`,
      );
    }
  });

  it("finds a split that is wrong by a third", () => {
    for (const [weight, real] of [
      [0.1, 0.17],
      [0.3, 0.4],
      [0.6, 0.5],
    ] as const) {
      assert.ok(chanceOf({ requests: 2400, candidate: Math.round(2400 * real) }, weight) < wrong);
    }
  });

  it("raises a false alarm in less than one run of 10,000 with 35 splits", () => {
    assert.ok(35 * doubtful * wrong < 1e-4);
  });

  it("keeps to its rates when splits are drawn at random", () => {
    // A fixed generator: the test says the same every time.
    let state = 42;
    const random = (): number => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    const draw = (n: number, p: number): number =>
      Array.from({ length: n }, random).filter((x) => x < p).length;
    const runs = 3000;
    const doubted = Array.from({ length: runs }, () => ({ requests: 200, candidate: draw(200, 0.3) })).filter(
      (split) => chanceOf(split, 0.3) < doubtful,
    ).length;
    assert.ok(doubted < runs * doubtful * 4, `${doubted} of ${runs} right splits were doubted`);
  });

  it("says what a zero excludes", () => {
    assert.ok(Math.abs(boundOfZero(600) - 0.00498) < 1e-5);
    assert.equal(boundOfZero(0), 1);
  });
});
