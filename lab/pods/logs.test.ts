import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { answerLogs, logRequest, tailStart } from "./logs";

describe("what is asked of a log", () => {
  it("is a container, and how much of it", () => {
    assert.deepEqual(logRequest("/containerLogs/default/llm-1/vllm?follow=true&tailLines=10&limitBytes=5"), {
      ...{ namespace: "default", pod: "llm-1", container: "vllm", follow: true },
      ...{ tailLines: 10, limitBytes: 5 },
    });
    assert.deepEqual(logRequest("/containerLogs/default/llm-1/vllm?follow=false&previous=false"), {
      ...{ namespace: "default", pod: "llm-1", container: "vllm", follow: false },
    });
    assert.equal(logRequest("/exec/default/llm-1/vllm"), undefined);
  });

  it("is refused where a lab does not know it", () => {
    assert.deepEqual(logRequest("/containerLogs/a/b/c?timestamps=true&sinceSeconds=5"), {
      refused: "the lab's logs cannot be asked for timestamps, sinceSeconds",
    });
  });

  it("is the last lines, with and without an end of the last one", () => {
    const tail = (text: string, lines?: number): string =>
      Buffer.from(text)
        .subarray(tailStart(Buffer.from(text), lines))
        .toString();
    assert.deepEqual(
      [
        tail("a\nb\nc\n", 2),
        tail("a\nb\nc", 2),
        tail("a\nb\n", 5),
        tail("a\n", 0),
        tail("", 3),
        tail("a\nb\n"),
      ],
      ["b\nc\n", "b\nc", "a\nb\n", "", "", "a\nb\n"],
    );
  });
});

describe("a log that is asked for", () => {
  let server: http.Server;
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "lab-logs-")), "log");
  let runs = true;
  before(async () => {
    fs.writeFileSync(file, "one\ntwo\n");
    const source = { file: ({ pod }: { pod: string }) => (runs && pod === "llm-1" ? file : undefined) };
    server = http.createServer((request, response) => void answerLogs(source, request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    server.close();
    fs.rmSync(path.dirname(file), { recursive: true });
  });
  const ask = (rest: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/containerLogs/default/${rest}`);

  it("is its file; one of no container is not found", async () => {
    assert.equal(await (await ask("llm-1/vllm?tailLines=1")).text(), "two\n");
    assert.equal((await ask("llm-2/vllm")).status, 404);
    assert.equal((await ask("llm-1/vllm?previous=true")).status, 400);
  });

  it("is followed until the container has gone", async () => {
    const response = await ask("llm-1/vllm?follow=true");
    setTimeout(() => fs.appendFileSync(file, "three\n"), 300);
    setTimeout(() => (runs = false), 900);
    assert.equal(await response.text(), "one\ntwo\nthree\n");
  });
});
