import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandWords, Flags, shellWords } from "./arguments";

describe("Flags", () => {
  const known = ["max-num-seqs", "max-loras", "max-lora-rank", "lora-modules", "port"];

  it("reads both forms, underscores, and the last of repeated flags", () => {
    const flags = new Flags(["--port", "8000", "--max_loras=4", "--port=9000"], known);
    assert.equal(flags.number("port"), 9000);
    assert.equal(flags.number("max-loras"), 4);
  });

  it("takes an abbreviation that fits one flag only, as argparse does", () => {
    // The inference extension's own manifest says --max-num-seq.
    const flags = new Flags(["--max-num-seq", "1024", "--max-lora", "2"], known);
    assert.equal(flags.number("max-num-seqs"), 1024);
    assert.equal(flags.number("max-loras"), undefined);
  });

  it("gathers the values of a flag that takes several, and takes the last of repeated ones", () => {
    const flags = (...words: string[]): string[] => new Flags(words, known).list("lora-modules");
    assert.deepEqual(flags("--lora-modules", "a=/a", "b=/b", "--port", "1"), ["a=/a", "b=/b"]);
    assert.deepEqual(flags("--lora-modules", "a=/a", "b=/b", "--lora-modules=c=/c"), ["c=/c"]);
    assert.deepEqual(flags("--lora_modules=a=/a", "b=/b"), ["a=/a"]);
    assert.deepEqual(flags("--port", "1"), []);
  });

  it("refuses a number that is none, in argparse's words", () => {
    assert.throws(
      () => new Flags(["--port", "http"], known).number("port"),
      /--port: invalid int value: 'http'/,
    );
  });
});

describe("commandWords", () => {
  it("takes a shell's script apart", () => {
    const script = `vllm serve "Qwen/Qwen3 8B" \\\n  --port 8000 --chat-template '{"a": 1}' a\\ b`;
    const expected = [
      "vllm",
      "serve",
      "Qwen/Qwen3 8B",
      "--port",
      "8000",
      "--chat-template",
      '{"a": 1}',
      "a b",
    ];
    assert.deepEqual(commandWords(["/bin/bash", "-c"], [script]), expected);
    assert.deepEqual(commandWords(["sh", "-ec", script], []), expected);
  });

  it("leaves a plain command as it is", () => {
    assert.deepEqual(commandWords(["python3", "-m", "vllm"], ["-c"]), ["python3", "-m", "vllm", "-c"]);
  });

  it("keeps words that quotes join", () => {
    assert.deepEqual(shellWords(`--model="a b"'c'`), ["--model=a bc"]);
  });
});
