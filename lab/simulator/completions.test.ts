import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventsOf, post, TestSimulator } from "./test-simulator";

interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

interface Choice {
  index: number;
  text?: string;
  message?: { role: string; content: string };
  delta?: { role?: string; content?: string };
  finish_reason: string | null;
  logprobs: Logprobs | null;
}

interface Logprobs {
  content?: { token: string; logprob: number; bytes: number[]; top_logprobs: { token: string }[] }[];
  tokens?: string[];
  text_offset?: number[];
  token_logprobs?: number[];
  top_logprobs?: Record<string, number>[];
}

interface Answer {
  id: string;
  object: string;
  choices: Choice[];
  usage?: Usage;
  error: { message: string; type: string; param: string | null; code: number };
}

/** What real clients ask of vLLM's API beyond one prompt and one choice; clients/ has the clients themselves. */
describe("answers of a model server", () => {
  let simulator: TestSimulator;
  let url = "";
  before(async () => {
    simulator = await TestSimulator.start();
    ({ url } = await simulator.server(["--model", "Qwen/Qwen3-8B", "--max-model-len", "2000"]));
  });
  after(() => simulator.stop());

  const messages = [{ role: "user", content: "hi" }];
  const ask = (chat: boolean, body: object): Promise<Response> =>
    post(`${url}/v1/${chat ? "chat/" : ""}completions`, {
      model: "Qwen/Qwen3-8B",
      ...(chat ? { messages } : { prompt: "hi" }),
      ...body,
    });
  const whole = async (chat: boolean, body: object): Promise<Answer> =>
    (await (await ask(chat, body)).json()) as Answer;
  const stream = async (chat: boolean, body: object): Promise<Answer[]> =>
    eventsOf<Answer>(await ask(chat, { stream: true, ...body }));
  const textOf = ({ text, message, delta }: Choice): string =>
    text ?? message?.content ?? delta?.content ?? "";

  it("has a choice for each prompt and each of n, with an index, and counts the tokens of all", async () => {
    const one = await whole(false, { prompt: "12345678", max_tokens: 3 });
    assert.deepEqual(one.usage, { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 });
    const prompts = [
      ["12345678", "1234"],
      [[1, 2], [3]],
    ];
    for (const prompt of prompts) {
      const answer = await whole(false, { prompt, n: 2, max_tokens: 3 });
      assert.deepEqual(
        answer.choices.map(({ index }) => index),
        [0, 1, 2, 3],
      );
      assert.deepEqual(answer.usage, { prompt_tokens: 3, completion_tokens: 12, total_tokens: 15 });
    }
    assert.equal((await whole(false, { prompt: [1, 2, 3], max_tokens: 1 })).choices.length, 1);
    assert.deepEqual(
      (await whole(true, { n: 3, max_tokens: 1 })).choices.map(({ index }) => index),
      [0, 1, 2],
    );
  });

  it("streams every choice to its own end, and ends the stream once", async () => {
    for (const chat of [false, true]) {
      const options = { n: 2, max_tokens: 4, stream_options: { include_usage: true } };
      const chunks = await stream(chat, options);
      const last = chunks.pop();
      assert.deepEqual([last?.choices, last?.usage?.completion_tokens], [[], 8]);
      assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
      const choices = chunks.flatMap((chunk) => chunk.choices);
      for (const index of [0, 1]) {
        const mine = choices.filter((choice) => choice.index === index);
        assert.equal(mine.map(textOf).join(""), "The model in this");
        assert.deepEqual(mine.map(({ finish_reason: reason }) => reason).filter(Boolean), ["length"]);
        if (chat) assert.deepEqual(mine[0]?.delta, { role: "assistant", content: "" });
      }
    }
  });

  it("reports a stream's usage as its options say; without a word of theirs, once", async () => {
    const counts = async (options: object | null): Promise<(number | undefined)[]> =>
      (await stream(false, { max_tokens: 3, stream_options: options })).map(
        ({ usage }) => usage?.completion_tokens,
      );
    const none = [undefined, undefined, undefined];
    assert.deepEqual(await counts(null), none);
    assert.deepEqual(await counts({ include_usage: false }), none);
    assert.deepEqual(await counts({ include_usage: false, continuous_usage_stats: true }), none);
    assert.deepEqual(await counts({ include_usage: true }), [...none, 3]);
    assert.deepEqual(await counts({}), [...none, 3]);
    assert.deepEqual(await counts({ include_usage: true, continuous_usage_stats: true }), [1, 2, 3, 3]);
    const chat = await stream(true, { max_tokens: 1, stream_options: { continuous_usage_stats: true } });
    assert.deepEqual(
      chat.map(({ usage }) => usage?.completion_tokens),
      [0, 1, 1],
    );
  });

  it("ends a chat that names no limit by itself, and says so; a limit says length", async () => {
    const end = async (chat: boolean, body: object): Promise<unknown> => {
      const { choices, usage } = await whole(chat, body);
      return [choices[0]?.finish_reason, usage?.completion_tokens];
    };
    assert.deepEqual(await end(true, {}), ["stop", 16]);
    assert.deepEqual(await end(true, { max_completion_tokens: null, max_tokens: null }), ["stop", 16]);
    assert.deepEqual(await end(true, { max_completion_tokens: 3 }), ["length", 3]);
    assert.deepEqual(await end(true, { max_completion_tokens: 3, max_tokens: 9 }), ["length", 3]);
    assert.deepEqual(await end(false, {}), ["length", 16]);
    // 2,000 tokens are all there is room for: this chat leaves 8.
    const content = "x".repeat(4 * (2000 - 4 - 8));
    assert.deepEqual(await end(true, { messages: [{ role: "user", content }] }), ["length", 8]);
    const streamed = await stream(true, {});
    assert.equal(streamed.at(-1)?.choices[0]?.finish_reason, "stop");
  });

  it("shows log probabilities where they are asked for, in the form of each API", async () => {
    assert.equal((await whole(true, { max_tokens: 1 })).choices[0]?.logprobs, null);
    const chat = (await whole(true, { max_tokens: 3, logprobs: true, top_logprobs: 2 })).choices[0];
    const content = chat?.logprobs?.content ?? [];
    assert.equal(content.map(({ token }) => token).join(""), chat?.message?.content);
    for (const { token, bytes, logprob, top_logprobs: top } of content) {
      assert.deepEqual(bytes, [...Buffer.from(token)]);
      assert.ok(logprob < 0);
      assert.deepEqual([top.length, top[0]?.token], [2, token]);
    }
    assert.deepEqual(
      (await whole(true, { max_tokens: 1, logprobs: true })).choices[0]?.logprobs?.content?.[0]?.top_logprobs,
      [],
    );
    const completion = (await whole(false, { max_tokens: 3, logprobs: 1 })).choices[0];
    assert.deepEqual(completion?.logprobs?.tokens, ["The", " model", " in"]);
    assert.deepEqual(completion.logprobs.text_offset, [0, 3, 9]);
    assert.equal(completion.logprobs.token_logprobs?.length, 3);
    assert.deepEqual(
      completion.logprobs.top_logprobs?.map((top) => Object.keys(top).length),
      [2, 2, 2],
    );
    const chunks = await stream(false, { max_tokens: 3, logprobs: 0 });
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]?.logprobs?.text_offset),
      [[0], [3], [9]],
    );
  });

  it("refuses in vLLM's words what vLLM refuses", async () => {
    const refusal = async (chat: boolean, body: object): Promise<unknown> => {
      const response = await ask(chat, body);
      const { error } = (await response.json()) as Answer;
      assert.deepEqual([response.status, error.type, error.code], [400, "BadRequestError", 400]);
      return error.message;
    };
    for (const chat of [false, true]) {
      assert.equal(
        await refusal(chat, { stream_options: { include_usage: true } }),
        "Stream options can only be defined when `stream=True`.",
      );
      assert.equal(await refusal(chat, { n: 0 }), "n must be at least 1, got 0.");
    }
    assert.equal(await refusal(false, { prompt: [] }), "please provide at least one prompt");
    assert.equal(await refusal(false, { prompt: ["a", [1, "b"]] }), "Input should be a valid string");
    assert.match(String(await refusal(false, { logprobs: 21 })), /greater than max allowed: 20/);
    assert.match(String(await refusal(true, { top_logprobs: 1 })), /`logprobs` must be set to true/);
  });

  it("lists its models with what vLLM permits", async () => {
    const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
      data: { object: string; created: number; owned_by: string; permission: { object: string }[] }[];
    };
    assert.deepEqual([data[0]?.object, data[0]?.owned_by], ["model", "vllm"]);
    assert.ok(Number.isInteger(data[0]?.created));
    assert.deepEqual(
      data[0]?.permission.map(({ object }) => object),
      ["model_permission"],
    );
  });
});
