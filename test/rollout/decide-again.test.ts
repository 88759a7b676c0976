import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { runRollback } from "../../rollout/commands/move";
import type { Session } from "../../rollout/commands/session";
import type { StackValues } from "../../rollout/steps/values";
import { Screen } from "../../rollout/terminal/screen";
import { at, Simulated, values } from "./steps/cases";

/* A rollback in a hurry, where the CLI then says something else than the files. */

const rolling = values(at(30));
const none = values({ ...at(0), candidate: "" });

/** @param files what the files say. @param cli what the CLI says. */
async function goneBack(
  files: StackValues,
  cli: StackValues,
): Promise<{ status: number; text: string; edits: StackValues[]; results: unknown[] }> {
  const world = new Simulated(values(at(0))).up().up(rolling);
  const output = new PassThrough();
  let printed = "";
  output.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const screen = new Screen(true, undefined, process.stdin, output as unknown as NodeJS.WriteStream);
  let text = "";
  screen.line = (line) => (text += `${line ?? ""}\n`);
  screen.bad = (line) => (text += `${line}\n`);
  screen.task = (_title, work) => work(() => undefined);
  const edits: StackValues[] = [];
  const done = { ok: true, cancelled: false, errors: [], warnings: [], begun: [] };
  let asked = false;
  // A stack without a rollout has nothing deployed either.
  const deployedOf = (said: StackValues): Simulated["deployed"] | undefined =>
    said === none ? undefined : world.deployed;
  const session = {
    ...{ screen, values: files, deployed: deployedOf(files), outputs: {} },
    engine: {
      stack: "dev",
      file: { name: "Pulumi.dev.yaml" },
      edit: (target: StackValues) => {
        edits.push(target);
        return Promise.resolve({ changed: true, undo: () => true });
      },
      up: () => Promise.resolve(done),
    },
    observe: () =>
      Promise.resolve(
        session.deployed === undefined
          ? { outcome: "unreadable", why: "nothing is there" }
          : { outcome: "read", observed: world.observed },
      ),
    isSure: () => true,
    confirmed: () => {
      const isSame = asked || files === cli;
      asked = true;
      [session.values, session.deployed] = [cli, deployedOf(cli)];
      return Promise.resolve(isSame);
    },
    refresh: () => Promise.resolve(),
    showStatus: () => Promise.resolve({ stack: "dev" }),
  };
  const status = await runRollback(session as unknown as Session, { yes: true });
  await new Promise((resolve) => setImmediate(resolve));
  const results = printed
    .trim()
    .split(/\n(?=\{)/)
    .filter((one) => one !== "")
    .map((one) => JSON.parse(one) as unknown);
  return { status, text, edits, results };
}

describe("a rollback that read files", () => {
  it("goes on where the CLI says the same", async () => {
    const { status, text, edits, results } = await goneBack(rolling, rolling);
    assert.equal(status, 0, text);
    assert.equal(edits.length, 1);
    assert.equal(results.length, 1);
    assert.doesNotMatch(text, /deciding again/);
  });

  it("decides again by what the CLI says, and edits that", async () => {
    const other = values({ ...at(30), ladder: [30, 60, 100] });
    const { status, text, edits, results } = await goneBack(rolling, other);
    assert.equal(status, 0, text);
    assert.match(text, /deciding again/);
    assert.deepEqual(
      edits.map((target) => target["inference-rollout:ladder"]),
      [other["inference-rollout:ladder"]],
    );
    assert.equal(results.length, 1);
  });

  it("refuses only what the CLI's word refuses, and says that nothing was done where nothing was", async () => {
    const { status, text, edits, results } = await goneBack(rolling, none);
    assert.notEqual(status, 0);
    assert.deepEqual(edits, []);
    assert.match(text, /: pulumi up moves the route\.[^]*deciding again[^]*nothing was changed/);
    assert.equal(results.length, 1);
    const allowed = await goneBack(none, rolling);
    assert.equal(allowed.status, 0, allowed.text);
    assert.equal(allowed.edits.length, 1);
    assert.equal(allowed.results.length, 1);
  });
});
