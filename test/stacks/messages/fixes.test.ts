import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fixText, keyText, pathOf, quoted, removeCommand, setCommand } from "../../../stacks/messages/edits";
import { configSchema } from "../../../stacks/config/schema";
import { sourceCase } from "../cases";
import { parsePath, runConfig, shellWords } from "./cli-model";
import { fixesOf, isTold, mistakesOf } from "./mistakes";
import { crossCases, orderCases, shapeCases } from "./mistake-cases";

/* Every command that a message about the config prints, carried out on a model of the CLI. */

describe("a config edit as a command", () => {
  const part = fc.oneof(
    fc.nat({ max: 3 }),
    fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !name.includes("\\")),
  );
  const anyPath = fc
    .tuple(fc.stringMatching(/^[a-z][a-zA-Z]{0,8}$/), fc.array(part, { maxLength: 3 }))
    .map(([first, rest]) => [first, ...rest]);

  it("names the key that is meant, whatever is in its name", () => {
    fc.assert(
      fc.property(anyPath, (parts) => {
        assert.deepEqual(parsePath(keyText(parts)), parts);
        assert.deepEqual(pathOf(keyText(parts)), parts);
      }),
    );
  });

  it("stores the value that is meant, as what it is", () => {
    const value = fc.oneof(
      fc.string({ maxLength: 20 }).filter((text) => !/[\0]/.test(text)),
      fc.integer({ min: -999, max: 99999 }),
      fc.boolean(),
      fc.constantFrom("8192", "true", "-1", "--flag", "it's", "a b", ""),
    );
    const names = fc.array(fc.stringMatching(/^[a-z."[\]' -]{1,8}$/), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(names, value, (rest, wanted) => {
        const parts = ["key", ...rest];
        const after = runConfig({}, setCommand(parts, wanted));
        const found = parts.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], after);
        assert.deepEqual(found, wanted);
        const without = runConfig(after, removeCommand(parts));
        const parent = parts
          .slice(0, -1)
          .reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], without);
        assert.deepEqual(parent, {});
      }),
    );
  });

  it("is one word for a shell", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("\0")),
        (text) => {
          assert.deepEqual(shellWords(quoted(text)), [text]);
        },
      ),
    );
  });

  it("is what was reported as wrong, put right", () => {
    assert.equal(
      setCommand("pools.a.server.args[1]", "8192"),
      "pulumi config set --path --type string 'pools.a.server.args[1]' 8192",
    );
    assert.equal(
      setCommand("pools.a.server.args[0]", "--max-model-len"),
      "pulumi config set --path 'pools.a.server.args[0]' -- --max-model-len",
    );
    assert.equal(removeCommand(["pools", "llama-3.1-8b"]), `pulumi config rm --path 'pools["llama-3.1-8b"]'`);
    assert.equal(setCommand("weight", "-1"), "pulumi config set weight -- -1");
  });
});

const fix = (config: Record<string, unknown>, key: string): string => {
  const found = mistakesOf({ ...sourceCase, ...config }).find((mistake) => mistake.key === key);
  return found === undefined ? "no such mistake" : fixText(found.fix);
};

describe("a mistake's fix", () => {
  it("keeps what the user meant where only its form was wrong", () => {
    const llm = { ...sourceCase.pools.llm, server: { args: ["--max-model-len", 8192] } };
    assert.equal(
      fix({ pools: { llm } }, "pools.llm.server.args[1]"),
      "pulumi config set --path --type string 'pools.llm.server.args[1]' 8192",
    );
    assert.equal(
      fix({ allow: "destroy" }, "allow"),
      "pulumi config rm allow && pulumi config set --path 'allow[0]' destroy",
    );
    assert.equal(
      fix({ ladder: "10" }, "ladder"),
      "pulumi config rm ladder && pulumi config set --path 'ladder[0]' 10",
    );
    assert.equal(
      fix({ aliases: "chat" }, "aliases"),
      "pulumi config rm aliases && pulumi config set --path 'aliases[0]' chat",
    );
    assert.equal(
      fix({ pools: { "llama-3.1-8b": sourceCase.pools.llm } }, 'pools["llama-3.1-8b"]'),
      `pulumi config rm --path 'pools["llama-3.1-8b"]'`,
    );
  });

  for (const [what, cases] of [
    ["of one key's shape", shapeCases],
    ["between several keys", (): typeof crossCases => crossCases],
  ] as const) {
    it(`ends the mistake when it is typed as printed: ${what}`, () => {
      const { fixes, without } = fixesOf(cases());
      assert.deepEqual(without, [], "a mistake whose fix names no command");
      assert.ok(fixes.length > 20);
      const failed = fixes.flatMap(({ config, mistake, commands }) => {
        try {
          const after = commands.reduce(
            (at, command) => runConfig(at, command, { secret: "a-secret" }),
            config,
          );
          return isTold(mistakesOf(after), mistake)
            ? [{ ...mistake, commands, why: "it is still told" }]
            : [];
        } catch (error) {
          return [{ ...mistake, commands, why: (error as Error).message }];
        }
      });
      assert.deepEqual(failed, []);
    });
  }

  it("ends every mistake of a config when all are typed, in the order in which they are told", () => {
    for (const config of [...crossCases, ...orderCases]) {
      const { fixes } = fixesOf([config]);
      const firsts = new Map(fixes.map(({ mistake, commands }) => [mistake, commands]));
      const told = mistakesOf(config);
      const after = [...firsts.values()]
        .flat()
        .reduce((at, command) => runConfig(at, command, { secret: "x" }), config);
      const left = told.filter((mistake) => isTold(mistakesOf(after), mistake));
      assert.deepEqual(left, [], JSON.stringify(config));
    }
  });

  it("is tried for every mistake that the code tells", () => {
    const told = fixesOf([...crossCases, ...shapeCases()]).fixes.map(({ mistake }) => mistake.allowed);
    // It wants to know which keys are secret: test/stacks/config/secrets.test.ts has a mark at every one.
    const secret = /^(a value that is not secret: |nothing while all of )/;
    const missing = writtenMessages()
      .filter(({ text }) => !secret.test(text))
      .filter(({ pattern }) => !told.some((allowed) => pattern.test(allowed)));
    assert.deepEqual(
      missing.map(
        ({ file, text }) =>
          `${file}: no case makes the mistake "${text}": add one to test/stacks/messages/mistake-cases.ts`,
      ),
      [],
    );
  });
});

describe("every config command that is written anywhere", () => {
  const root = path.join(__dirname, "..", "..", "..");
  const files = ["README.md", "docs", "stacks", "rollout", "components", "policy", "examples"]
    .flatMap((name) =>
      fs.statSync(path.join(root, name)).isDirectory()
        ? fs
            .readdirSync(path.join(root, name), { recursive: true, encoding: "utf8" })
            .map((file) => path.join(name, file))
        : [name],
    )
    .filter((file) => /\.(md|ts|yaml)$/.test(file) && !file.includes("node_modules"));

  it("is one that the CLI carries out, for a key that there is", () => {
    const wrong: string[] = [];
    let count = 0;
    for (const file of files) {
      for (const line of fs.readFileSync(path.join(root, file), "utf8").split("\n")) {
        for (const [written] of line.matchAll(
          /pulumi config (?:set|rm) (?:--\S+ )*(?:'[^']*'|[^\s`'");]+)[^`"&;,)]*/g,
        )) {
          // What a program puts together is tried where it is printed.
          if (written.includes("${") || written.includes("(.+)") || /\b(KEY|\.\.\.)/.test(written)) continue;
          count++;
          const why = problemOf(written);
          if (why !== undefined) wrong.push(`${file}: ${written.trim()}: ${why}`);
        }
      }
    }
    assert.ok(count > 40, String(count));
    assert.deepEqual(wrong, []);
  });
});

/** Why the CLI would not do what a command in a text means; undefined: it would. */
function problemOf(written: string): string | undefined {
  const words = shellWords(written);
  const key = words.slice(3).find((word) => !word.startsWith("-") && word !== "string") ?? "";
  if (/[.[]/.test(key) && !words.includes("--path")) return "a key inside another needs --path";
  const name = String(pathOf(key)[0]);
  if (!(name in configSchema) && !name.startsWith("gcp:") && !name.startsWith("inference-rollout:"))
    return `no key ${name}`;
  if (
    !words.includes("--path") &&
    ["allow", "ladder", "aliases", "pools", "objectives"].includes(key) &&
    words[2] === "set"
  )
    return "a list or an object cannot be set as a whole";
  const at = words.indexOf(key);
  const command = [...words.slice(0, at + 2)].map(quoted).join(" ");
  try {
    runConfig({}, command, { secret: "x" });
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    return /index out of range/.test(message) ? undefined : message;
  }
}

/** What is written after `allowed:`, and what `missing(key, allowed, ...)` is given, in the sources of the config. */
function writtenMessages(): { file: string; text: string; pattern: RegExp }[] {
  const folder = path.join(__dirname, "..", "..", "..", "stacks", "config");
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const source = fs.readFileSync(path.join(folder, file), "utf8");
      const literal = '("(?:[^"\\\\]|\\\\.)*"|`(?:[^`\\\\]|\\\\.)*`)';
      const found = [
        ...source.matchAll(new RegExp(`\\ballowed:\\s*${literal}`, "g")),
        ...source.matchAll(new RegExp(`\\bmissing\\(\\s*[^,]+,\\s*${literal}`, "g")),
      ];
      return found.map(([, quotedText = ""]) => {
        const text = quotedText.slice(1, -1);
        const pattern = text
          .split(/\$\{[^}]*\}/)
          .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*");
        return { file, text, pattern: new RegExp(`^${pattern}$`) };
      });
    });
}
