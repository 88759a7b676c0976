import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { Engine, type EngineObserver, type Work } from "./engine";

const pace = { firstToken: 20, promptToken: 0, token: 10, cacheTokens: 1000 };
const silent: EngineObserver = {
  firstToken: () => undefined,
  finished: () => undefined,
  aborted: () => undefined,
};

/** An engine whose clock the test moves. */
function still(limits = { sequences: 2, adapters: 1 }): { engine: Engine; at: (ms: number) => void } {
  const now = mock.method(performance, "now", () => 0);
  const engine = new Engine(pace, limits, { add: () => undefined }, silent);
  const at = (ms: number): void => {
    now.mock.mockImplementation(() => ms);
    engine.tick(ms);
  };
  return { engine, at };
}

function work(got: number[], extra: Partial<Work> = {}): Work {
  const tokens = (count: number, last: boolean): void => void got.push(last ? -count : count);
  return { adapter: undefined, promptTokens: 1, maxTokens: 3, streams: true, tokens, ...extra };
}

describe("Engine", { concurrency: false }, () => {
  it("gives the first token after the prefill and the others one by one", () => {
    const { engine, at } = still();
    const got: number[] = [];
    engine.submit(work(got));
    at(19);
    assert.deepEqual(got, []);
    at(20);
    assert.deepEqual(got, [1]);
    at(30);
    at(40);
    assert.deepEqual(got, [1, 1, -1]);
    assert.equal(engine.running, 0);
  });

  it("catches up after a late tick, and calls a plain request once", () => {
    const { engine, at } = still();
    const streamed: number[] = [];
    const plain: number[] = [];
    engine.submit(work(streamed));
    engine.submit(work(plain, { streams: false }));
    at(35);
    assert.deepEqual([streamed, plain], [[2], []]);
    at(100);
    assert.deepEqual([streamed, plain], [[2, -1], [-1]]);
  });

  it("runs as many as it may and lets the rest wait in order", () => {
    const { engine, at } = still();
    const ended: string[] = [];
    for (const name of ["a", "b", "c"])
      engine.submit(work([], { tokens: (_, last) => last && ended.push(name) }));
    assert.deepEqual([engine.running, engine.waiting], [2, 1]);
    at(40);
    assert.deepEqual([engine.running, engine.waiting], [1, 0]);
    at(79);
    assert.deepEqual(ended, ["a", "b"]);
    at(80);
    assert.deepEqual(ended, ["a", "b", "c"]);
  });

  it("puts no more adapters into a batch than it may; others pass", () => {
    const { engine, at } = still({ sequences: 4, adapters: 1 });
    engine.submit(work([], { adapter: "a" }));
    engine.submit(work([], { adapter: "b" }));
    engine.submit(work([], { adapter: "a" }));
    at(1);
    assert.deepEqual([engine.running, engine.runningAdapters, engine.waitingAdapters], [2, ["a"], ["b"]]);
    at(41);
    assert.deepEqual([engine.running, engine.runningAdapters], [1, ["b"]]);
  });

  it("gives up a request whose client has gone, running or waiting", () => {
    const { engine } = still({ sequences: 1, adapters: 1 });
    const first = engine.submit(work([], { adapter: "a" }));
    const second = engine.submit(work([]));
    second();
    assert.deepEqual([engine.running, engine.waiting], [1, 0]);
    first();
    first();
    assert.deepEqual([engine.running, engine.runningAdapters], [0, []]);
  });

  it("holds KV cache for prompts and for what it has generated", () => {
    const { engine, at } = still();
    engine.submit(work([], { promptTokens: 99, maxTokens: 10 }));
    at(20);
    assert.equal(engine.cacheUsage(20), 0.1);
  });
});
