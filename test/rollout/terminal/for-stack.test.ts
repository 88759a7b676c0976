import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { refused } from "../../../rollout/commands/carry-out";
import { runList, runRollbackTo } from "../../../rollout/commands/earlier";
import { runStatus } from "../../../rollout/commands/look";
import { runNext, runPromote, runResume, runRollback } from "../../../rollout/commands/move";
import type { Session } from "../../../rollout/commands/session";
import { runVerify } from "../../../rollout/commands/verify";
import { statusOf, type LiveState } from "../../../rollout/steps/status";
import type { StackValues } from "../../../rollout/steps/values";
import { forStack } from "../../../rollout/terminal/for-stack";
import { Screen } from "../../../rollout/terminal/screen";
import { fixText } from "../../../stacks/messages/edits";
import { adapterCase, v2 } from "../../stacks/adapter-cases";
import { planFor } from "../../stacks/cases";
import { at, serviceOf, Simulated, values } from "../steps/cases";

/* With --stack NAME, whatever is printed can be typed as it is printed. */

/** A command that acts on the stack that is selected. */
const bare =
  /(?:npm run rollout -- (?!rollback --now)[a-z]+|pulumi (?:up|preview|destroy|refresh|config (?:set|rm)|stack rm))(?! --stack prod\b)(?![a-z-])/;

describe("commands for a stack that was named", () => {
  for (const [text, typed] of [
    ["pulumi up", "pulumi up --stack prod"],
    ["next  npm run rollout -- next", "next  npm run rollout -- next --stack prod"],
    [
      "pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program",
      "pulumi config set --stack prod --path 'allow[0]' destroy && pulumi up --stack prod && pulumi destroy --stack prod --run-program",
    ],
    [
      "npm run rollout -- resume --reason WHY (or pulumi config rm resumed)",
      "npm run rollout -- resume --stack prod --reason WHY (or pulumi config rm --stack prod resumed)",
    ],
    // What names its stack already, what takes none, and what is no command.
    ["pulumi up --stack acme/shop/dev", "pulumi up --stack acme/shop/dev"],
    ["pulumi stack rm dev --force", "pulumi stack rm dev --force"],
    ["pulumi stack rm", "pulumi stack rm --stack prod"],
    ["npm run rollout -- rollback --now --kubeconfig f", "npm run rollout -- rollback --now --kubeconfig f"],
    ["the pulumi upgrade, the pulumi process", "the pulumi upgrade, the pulumi process"],
  ] as const) {
    it(text, () => {
      assert.equal(forStack(text, "prod"), typed);
      assert.equal(forStack(typed, "prod"), typed, "once is enough");
      assert.equal(forStack(text, undefined), text);
    });
  }

  it("have a name that a shell reads as one word", () => {
    assert.equal(forStack("pulumi up", "a b"), "pulumi up --stack 'a b'");
  });
});

/** What a command prints and returns where nothing of Pulumi's is there. */
async function said(
  { config, world, json = false }: { config: StackValues; world?: Simulated; json?: boolean },
  run: (session: Session) => Promise<number>,
): Promise<string> {
  const output = new PassThrough();
  let text = "";
  output.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const screen = new Screen(json, "prod", process.stdin, output as unknown as NodeJS.WriteStream);
  const live: LiveState =
    world === undefined
      ? { outcome: "unreadable", why: "no cluster" }
      : { outcome: "read", observed: world.observed, unconfirmed: [], overridden: [], waits: [] };
  const session = {
    ...{ screen, values: config, deployed: world?.deployed, outputs: {} },
    engine: { stack: "prod", history: () => Promise.resolve([]), file: { name: "Pulumi.prod.yaml" } },
    observe: () => Promise.resolve(live),
    deployedNow: () => Promise.resolve(world?.deployed),
    confirmed: () => Promise.resolve(true),
    status: () => Promise.resolve(statusOf("prod", config, world?.deployed, live)),
  };
  await run(session as unknown as Session);
  await new Promise((resolve) => setImmediate(resolve));
  return text;
}

describe("every command with --stack prints commands for that stack", () => {
  const none = values({ ...at(0), candidate: "" });
  const world = new Simulated(values(at(0))).up().up(values(at(30)));
  const whole = new Simulated(values(at(0))).up().up(values(at(100)));
  const adapter = new Simulated(values(adapterCase({ candidate: v2, weight: 0 }))).up();
  const runs: [string, Parameters<typeof said>[0], (session: Session) => Promise<number>][] = [
    ["next", { config: none }, (session) => runNext(session, {})],
    ["next at the end", { config: whole.values, world: whole }, (session) => runNext(session, {})],
    ["promote", { config: world.values, world }, (session) => runPromote(session, {})],
    ["rollback", { config: none }, (session) => runRollback(session, {})],
    ["resume", { config: world.values, world }, (session) => runResume(session, { reason: "x" })],
    ["rollback --list", { config: none }, (session) => runList(session)],
    [
      "rollback --to-update",
      { config: world.values, world },
      (session) => runRollbackTo(session, { toUpdate: 9 }),
    ],
    ["status", { config: world.values, world }, runStatus],
    ["status of nothing", { config: none }, runStatus],
    ["status of an adapter", { config: adapter.values, world: adapter }, runStatus],
    [
      "verify",
      { config: none },
      (session) => runVerify(session, { requests: 1, seconds: 1, concurrency: 1, streams: 0 }),
    ],
  ];
  for (const [what, where, run] of runs) {
    it(what, async () => {
      for (const json of [false, true]) {
        const text = await said({ ...where, json }, run);
        assert.doesNotMatch(text, bare);
        if (what !== "rollback --list") assert.match(text, /--stack prod/);
      }
    });
  }

  it("also those of the program's own messages", async () => {
    const { refusals } = planFor(serviceOf(values(at(60))), world.observed);
    const texts = [
      ...refusals.map(({ fix }) => fixText(fix)),
      "To go back: pulumi config set weight 0 && pulumi up. Record it: npm run rollout -- rollback",
    ];
    const text = await said({ config: world.values, json: true }, (session) =>
      Promise.resolve(
        refused(
          session,
          "No.",
          texts.map((fix) => ({ found: "x", fix })),
        ),
      ),
    );
    assert.doesNotMatch(text, bare);
  });

  it("and leave data as it is", async () => {
    const { observed } = world;
    const latch = {
      candidate: "llm-new",
      from: 30,
      reason: "pulumi up broke it",
      time: "2026-11-26T18:00:00Z",
    };
    const { route } = observed;
    assert.ok(route !== undefined);
    const latched = Object.assign(new Simulated(world.values), {
      deployed: world.deployed,
      observed: { ...observed, route: { ...route, latches: [latch] } },
    });
    const text = await said({ config: world.values, world: latched, json: true }, runStatus);
    assert.match(text, /"reason": "pulumi up broke it"/);
    assert.match(text, /"next": "npm run rollout -- resume --stack prod --reason WHY"/);
  });
});
