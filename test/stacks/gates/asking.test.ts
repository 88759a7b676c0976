import assert from "node:assert/strict";
import { it, mock } from "node:test";
import { answerFor, listOf, type Way } from "../../../stacks/gates/asking";
import { answering, yes } from "./answering";

const wordsFor = async (way: Way): Promise<string> => {
  const answered = await answerFor(way, "chat");
  return answered.came === "nothing" ? answered.text : `${answered.came}, not nothing`;
};

it("tells a server that gives no answer from a gateway that cannot be reached", async () => {
  const gone = await answering(
    (request, response) => {
      request.resume();
      if (request.url === "/v1/models") {
        response.writeHead(200, { "content-length": 100 });
        response.write("{", () => response.destroy());
      } else response.destroy();
    },
    async (way) => {
      assert.match(await wordsFor(way), /^llm-new did not answer for model chat: /);
      assert.match(JSON.stringify(await listOf(way)), /^"llm-new did not answer for its list of models: /);
    },
  );
  assert.match(
    await wordsFor(gone),
    /^could not connect to the gateway at 127\.0\.0\.1:\d+ \(.*ECONNREFUSED/,
  );
});

it("tells of an address that nobody can connect to", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const endpoint = { port: 84433, tls: false };
    const way: Way = { who: "llm-new", address: "127.0.0.1", endpoint, api: "completions" };
    assert.match(await wordsFor(way), /^could not connect to the gateway at 127\.0\.0\.1:84433 /);
    mock.timers.tick(60_000);
  } finally {
    mock.timers.reset();
  }
});

it("takes a gateway's own timeout for no answer, and what a server refuses for one", async () => {
  const statuses = [504, 408, 404];
  await answering(
    (request, response) => {
      request.resume();
      response.writeHead(statuses.shift() ?? 500).end("{}");
    },
    async (way) => {
      assert.equal((await answerFor(way, "chat")).came, "nothing");
      assert.equal((await answerFor(way, "chat")).came, "nothing");
      assert.equal((await answerFor(way, "chat")).came, "fault");
    },
  );
});

it("gives up on an answer that comes in drops", async () => {
  let dropped = (): void => undefined;
  const isDropped = new Promise<void>((resolve) => (dropped = resolve));
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await answering(
      (request, response) => {
        request.resume();
        response.write(yes.slice(0, 5), dropped);
      },
      async (way) => {
        const answered = wordsFor(way);
        await isDropped;
        mock.timers.tick(29_000);
        mock.timers.tick(1_000);
        assert.equal(await answered, "llm-new did not answer for model chat: no whole answer within 30 s");
      },
    );
  } finally {
    mock.timers.reset();
  }
});
