import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { TestFile, type FileResult } from "./file";
import { lines, summary } from "./report";

/** What a run of tests must tell whatever a test does: a file that hangs would otherwise hide all the others. */
describe("a test file", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "test-file-"));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** For a file whose tests are done and which does not end. */
  const hasty = { seconds: 60, afterTests: 1, toEnd: 1 };
  let made = 0;
  function run(source: string, limits = { seconds: 60, afterTests: 20, toEnd: 1 }): Promise<FileResult> {
    const file = path.join(folder, `${++made}.test.js`);
    const head = `const { describe, test, before } = require("node:test"); const assert = require("node:assert/strict");`;
    fs.writeFileSync(file, `${head}\n${source}`);
    return new TestFile(file, limits).result;
  }

  test("that passes is told with its tests, what is left, and what it printed", async () => {
    const result = await run(`
      describe("a", () => { test("one", () => console.log("70/30")); test.skip("two"); });
      test("three", (t) => t.test("four", () => undefined));`);
    const { passed, tests, left, failures, problem, output } = result;
    assert.deepEqual(
      { passed, tests, left, failures, problem, output },
      { passed: true, tests: 3, left: 1, failures: [], problem: undefined, output: "70/30\n" },
    );
    assert.match(lines(result), /^✔ .*1\.test\.js \(3 tests, 1 skipped, \d+ s\)\n {4}70\/30$/);
  });

  test("that fails is told with each failure, where it is, and nothing of the suites around it", async () => {
    const result = await run(`
      describe("a", () => { test("b", (t) => t.test("c", () => assert.equal(1, 2))); test("d", () => undefined); });
      describe("e", () => { before(() => { throw new Error("in before") }); test("f", () => undefined); });`);
    assert.equal(result.passed, false);
    assert.equal(result.tests, 1);
    const [first, ...others] = result.failures;
    assert.equal(first?.test, "a › b › c");
    assert.match(first.error, /1 !== 2[\s\S]*\.test\.js:3/);
    assert.ok(others.some((one) => one.test === "e" && one.error.includes("in before")));
    assert.match(
      summary("here", 1, [result], 1),
      /^here: FAILED[\s\S]*✖ .*2\.test\.js\n {6}a › b › c\n[\s\S]*npm test -- /,
    );
  });

  test("whose test failed and left its load running is ended, and the failure is told", async () => {
    const { passed, failures, problem } = await run(
      `
      test("load", () => { setInterval(() => undefined, 10); assert.fail("the route was late"); });`,
      hasty,
    );
    assert.equal(passed, false);
    assert.match(failures[0]?.error ?? "", /the route was late/);
    assert.match(problem ?? "", /did not end within 1 s/);
  });

  test("in which a test waits for ever is ended, and the test is named", async () => {
    const { passed, problem, output } = await run(
      `describe("a", () => { test("b", () => undefined); test("c", () => new Promise((resolve) => {
        console.log("waiting"); setInterval(resolve, 1e9); })); });`,
      { seconds: 8, afterTests: 20, toEnd: 1 },
    );
    assert.equal(passed, false);
    assert.match(problem ?? "", /not done after 8 s: .*3?\.test\.js › a › c/);
    assert.equal(output, "waiting\n");
  });

  test("that ends before its tests, or cannot be loaded, fails", async () => {
    const early = await run(`test("a", () => process.exit(0)); test("b", () => undefined);`);
    assert.equal(early.passed, false);
    assert.match(early.problem ?? "", /ended before its tests/);
    const broken = await run(`throw new Error("at the top");`);
    assert.equal(broken.passed, false);
    assert.match(lines(broken), /at the top/);
  });

  test("that ignores SIGTERM is ended all the same", async () => {
    const { passed, problem } = await run(
      `process.on("SIGTERM", () => undefined); test("a", () => undefined); setInterval(() => undefined, 10);`,
      hasty,
    );
    assert.equal(passed, false);
    assert.match(problem ?? "", /did not end/);
  });

  test("in which something fails outside of the tests is told with that", async () => {
    const { passed, output } = await run(
      `test("a", (t) => { t.diagnostic("70/30"); setTimeout(() => { throw new Error("too late"); }, 50); });`,
    );
    assert.equal(passed, false);
    assert.match(output, /70\/30[^]*too late/);
  });

  test("whose output a process holds that it left behind is done when it is done", async () => {
    const from = performance.now();
    const { passed, output, notes } =
      await run(`test("a", () => { console.log("begun"); require("node:child_process")
      .spawn(process.execPath, ["-e", "setTimeout(() => undefined, 20000)"], { stdio: "inherit", detached: true }).unref(); });`);
    assert.equal(passed, true);
    assert.equal(output, "begun\n");
    assert.match(notes.join(), /a process that it started and left/);
    assert.ok(performance.now() - from < 20_000);
  });
});
