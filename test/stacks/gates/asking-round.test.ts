import assert from "node:assert/strict";
import type * as http from "node:http";
import { it, mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Way } from "../../../stacks/gates/asking";
import { AskingRound, wordsOf, type Asked, type RoundOptions } from "../../../stacks/gates/asking-round";
import { answering, yes } from "./answering";

const manyNames = Array.from({ length: 200 }, (_, i) => `adapter-${i}`);

async function round<T>(
  use: (round: AskingRound) => Promise<T>,
  options: Partial<RoundOptions> = {},
): Promise<T> {
  const one = new AskingRound({ who: "llm-new", deadline: Infinity, before: [], ...options });
  try {
    return await use(one);
  } finally {
    one.end();
  }
}

const askAll = (way: Way, options?: Partial<RoundOptions>): Promise<readonly Asked[]> =>
  round((one) => one.ask(way, manyNames), options);

/** Answers by the name that is asked for; undefined: not at all. */
const byName =
  (answer: (model: string) => number | undefined): http.RequestListener =>
  (request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      const status = answer((JSON.parse(body) as { model: string }).model);
      if (status === undefined) response.destroy();
      else response.writeHead(status).end(status === 200 ? yes : `{"error":{"message":"no such model"}}`);
    });
  };

const countOf = (asked: readonly Asked[], came: Asked["came"]): number =>
  asked.filter((one) => one.came === came).length;

it("asks for many names a few at a time, whoever asks, and tells of each in its place", async () => {
  let [now, most] = [0, 0];
  const listener: http.RequestListener = (request, response) => {
    most = Math.max(most, ++now);
    void sleep(2).then(() => {
      now--;
      byName((model) => (model.endsWith("7") ? 404 : 200))(request, response);
    });
  };
  await answering(listener, async (way) => {
    const both = await round((one) => Promise.all([one.ask(way, manyNames), one.ask(way, manyNames)]));
    for (const asked of both) {
      assert.equal(asked.length, manyNames.length);
      for (const [i, { came }] of asked.entries())
        assert.equal(came, i % 10 === 7 ? "fault" : "answer", manyNames[i]);
    }
    assert.ok(most <= 8, `${most} at once`);
  });
});

it("asks for no more names where nothing answers", async () => {
  let requests = 0;
  const listener = byName(() => {
    requests++;
    return undefined;
  });
  const gone = await answering(listener, async (way) => {
    const asked = await askAll(way);
    // The eight that begin together, and those that followed the first ones of them.
    assert.ok(requests < 16, `${requests} requests`);
    assert.equal(countOf(asked, "unasked"), 200 - requests);
    const words = wordsOf(way, asked);
    assert.match(words[0] ?? "", /^llm-new did not answer for model adapter-0: /);
    assert.equal(words.at(-1), "llm-new was not asked for its other model names");
  });
  // The same words for each name are said once.
  const words = wordsOf(gone, await askAll(gone));
  assert.equal(words.length, 2, words.join("\n"));
  assert.match(words[0] ?? "", /^could not connect to the gateway/);
});

it("waits once, not once for each few names, where a server hangs", async () => {
  let requests = 0;
  let hang = (): void => undefined;
  const isHanging = new Promise<void>((resolve) => (hang = resolve));
  const listener: http.RequestListener = (request) => {
    request.resume();
    if (++requests === 8) hang();
  };
  mock.timers.enable({ apis: ["setTimeout"] });
  let time = 1;
  const clock = mock.method(performance, "now", () => time);
  try {
    await answering(listener, async (way) => {
      const asking = askAll(way);
      await isHanging;
      time += 30_000;
      mock.timers.tick(30_000);
      assert.equal(countOf(await asking, "unasked"), 192);
      assert.equal(requests, 8);
    });
  } finally {
    clock.mock.restore();
    mock.timers.reset();
  }
});

it("asks for all names where a few do not answer: one broken adapter hides no other", async () => {
  const silent = ["adapter-3", "adapter-4", "adapter-90"];
  await answering(
    byName((model) => (silent.includes(model) ? undefined : model === "adapter-199" ? 404 : 200)),
    async (way) => {
      const asked = await askAll(way);
      const counts = (["answer", "fault", "nothing", "unasked"] as const).map((came) => countOf(asked, came));
      assert.deepEqual(counts, [196, 1, 3, 0]);
    },
  );
});

it("asks first for the names that were not asked before: the same ones do not stand in their way", async () => {
  await answering(
    byName((model) => (Number(model.split("-")[1]) < 40 ? undefined : 404)),
    async (way) => {
      let first: ReadonlySet<string> = new Set();
      const known = new Map<string, Asked["came"]>();
      for (let check = 0; check < 6; check++) {
        const one = new AskingRound({ who: "llm-new", deadline: Infinity, before: [], first });
        const asked = await one.ask(way, manyNames);
        one.end();
        first = one.unasked;
        // In the order of the names, whatever the order of the questions was.
        for (const [i, { came }] of asked.entries())
          if (came !== "unasked") known.set(manyNames[i] ?? "", came);
      }
      for (const [i, name] of manyNames.entries())
        assert.equal(known.get(name), i < 40 ? "nothing" : "fault", name);
    },
  );
});

it("goes on after the gate's time only while nothing is wrong", async () => {
  const deadline = performance.now() - 1;
  await answering(
    byName(() => 200),
    async (way) => assert.deepEqual(wordsOf(way, await askAll(way, { deadline })), []),
  );
  await answering(
    byName(() => 404),
    async (way) => assert.ok(countOf(await askAll(way, { deadline }), "unasked") > 180),
  );
});

it("asks for nothing once its check has failed elsewhere", async () => {
  await answering(
    byName(() => 200),
    async (way) => {
      const one = new AskingRound({ who: "llm-new", deadline: Infinity, before: [] });
      const asking = one.ask(way, manyNames);
      one.end();
      assert.ok(countOf(await asking, "unasked") >= 192);
    },
  );
});

it("says every ten seconds how many names it has answers for, and what was missing before", async () => {
  const held: http.ServerResponse[] = [];
  let requests = 0;
  const listener: http.RequestListener = (request, response) => {
    request.resume();
    if (requests++ === 0) response.end(yes);
    else held.push(response);
  };
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    await answering(listener, async (way) => {
      const reports: string[] = [];
      const report = (text: string): number => reports.push(text);
      await round(
        async (one) => {
          const asking = one.ask(way, ["a", "b", "c"]);
          const wanted = "llm-new has answered for 1 of 3 model names; missing before: llm-new is slow";
          for (let i = 0; i < 500 && reports.at(-1) !== wanted; i++) {
            await sleep(10);
            mock.timers.tick(10_000);
          }
          assert.equal(reports.at(-1), wanted);
          while (held.length < 2) await sleep(10);
          for (const response of held) response.end(yes);
          assert.deepEqual(wordsOf(way, await asking), []);
        },
        { before: ["llm-new is slow"], report },
      );
      const before = reports.length;
      mock.timers.tick(60_000);
      assert.equal(reports.length, before);
    });
  } finally {
    mock.timers.reset();
  }
});
