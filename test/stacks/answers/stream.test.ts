import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EventReader, type ServerEvent } from "../../../stacks/answers/events";
import type { Fault } from "../../../stacks/answers/fault";
import { StreamJudge } from "../../../stacks/answers/stream";
import { brokenStreams, streamText, wholeStreams, type RecordedStream } from "./streams";

const all = [...wholeStreams, ...brokenStreams];

/** Cuts bytes at any places, also within a character. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...at.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((place, i) => bytes.subarray(places[i], place));
}

function judged(
  { endpoint }: Pick<RecordedStream, "endpoint">,
  pieces: readonly Buffer[],
  status = 200,
): Fault | undefined {
  const judge = new StreamJudge(endpoint);
  for (const piece of pieces) judge.take(piece);
  return judge.end(status);
}

const cuts = fc.array(fc.nat(), { maxLength: 40 });

describe("a stream", () => {
  for (const stream of all) {
    const { what, endpoint, fault } = stream;
    it(`of ${endpoint} is ${fault === undefined ? "whole" : "broken"}: ${what}`, () => {
      const found = judged(stream, [Buffer.from(streamText(stream))]);
      if (fault === undefined) assert.equal(found, undefined);
      else {
        assert.equal(found?.kind, fault[0], JSON.stringify(found));
        assert.match(found.text, fault[1]);
      }
    });
  }

  it("is judged the same wherever its bytes are cut", () => {
    fc.assert(
      fc.property(fc.constantFrom(...all), cuts, (stream, at) => {
        const bytes = Buffer.from(streamText(stream));
        assert.deepEqual(judged(stream, cut(bytes, at)), judged(stream, [bytes]));
      }),
    );
    // Each byte by itself.
    for (const stream of all) {
      const bytes = Buffer.from(streamText(stream));
      const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
      assert.deepEqual(judged(stream, single), judged(stream, [bytes]), stream.what);
    }
  });

  it("is judged the same with any ends of lines, comments between its events, and fields of others", () => {
    const between = fc.constantFrom("", ": keep-alive\n\n", ":\n", "id: 7\n", "retry: 3000\n\n", "\n");
    fc.assert(
      fc.property(
        fc.constantFrom(...wholeStreams),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.array(between, { minLength: 30, maxLength: 30 }),
        cuts,
        (stream, end, comments, at) => {
          const blocks = streamText(stream).split(/(?<=\n\n)/);
          const text = blocks
            .map((block, i) => `${comments[i] ?? ""}${block}`)
            .join("")
            .replaceAll("\n", end);
          assert.equal(judged(stream, cut(Buffer.from(text), at)), undefined);
        },
      ),
    );
  });

  it("that ends anywhere before its end mark is broken", () => {
    fc.assert(
      fc.property(fc.constantFrom(...wholeStreams), fc.nat(), cuts, (stream, place, at) => {
        const bytes = Buffer.from(streamText(stream).trimEnd());
        // A response's last event says that it is complete before its own last line has ended.
        const left = bytes.subarray(0, place % bytes.length);
        assert.equal(judged(stream, cut(left, at))?.kind, "broken");
      }),
    );
  });

  it("with an error anywhere is broken, whatever else comes", () => {
    const error = `data: {"error": {"message": "boom", "code": 500}}\n\n`;
    fc.assert(
      fc.property(fc.constantFrom(...wholeStreams), fc.nat(), (stream, place) => {
        const blocks = streamText(stream).split(/(?<=\n\n)/);
        blocks.splice(place % (blocks.length + 1), 0, error);
        assert.match(judged(stream, [Buffer.from(blocks.join(""))])?.text ?? "", /boom/);
      }),
    );
  });

  it("with another status is what its body says", () => {
    const text = '{"error": {"message": "The model `chat` does not exist."}}';
    assert.deepEqual(judged({ endpoint: "completions" }, [Buffer.from(text)], 404), {
      kind: "name",
      text: "The model `chat` does not exist.",
    });
  });
});

describe("events", () => {
  const read = (text: string, at: readonly number[] = []): ServerEvent[] => {
    const reader = new EventReader();
    return [...cut(Buffer.from(text), at).flatMap((piece) => reader.take(piece)), ...reader.end()];
  };

  it("are what the standard says", () => {
    assert.deepEqual(read("data: a\ndata: b\n\n"), [{ name: "message", data: "a\nb" }]);
    assert.deepEqual(read("event: x\ndata:a\n\ndata: b\n\n"), [
      { name: "x", data: "a" },
      { name: "message", data: "b" },
    ]);
    assert.deepEqual(read(":comment\n\nid: 1\n\ndata\n\n"), [{ name: "message", data: "" }]);
    assert.deepEqual(read("\ufeffdata: a\r\n\r\ndata: b\r\r"), [
      { name: "message", data: "a" },
      { name: "message", data: "b" },
    ]);
    assert.deepEqual(read("data: a"), [{ name: "message", data: "a" }]);
  });

  it("come back as they were sent, whatever they hold and wherever they are cut", () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
    // Of several lines each: half of a line's end must not count for an empty line.
    const event = fc.array(line, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(event), fc.constantFrom("\n", "\r\n", "\r"), cuts, (events, end, at) => {
        const text = events
          .map((lines) => `${lines.map((data) => `data: ${data}${end}`).join("")}${end}`)
          .join("");
        const found = read(text, at).map(({ data }) => data);
        assert.deepEqual(
          found,
          events.map((lines) => lines.join("\n")),
        );
      }),
    );
  });
});
