import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { ladderOf } from "../rehearsal/ladder";
import { rehearse } from "../rehearsal/rehearse";
import type { Report } from "../rehearsal/report";
import { projectFolder } from "../workspace";
import { allGone, Command } from "./command";
import { minutes, StackLab } from "./stack-lab";

const program = "test/lab/rehearsal/main.ts";

describe("npm start", minutes(15), () => {
  test("the whole ladder: no failed request, no broken stream, every share right, the checkout as it was", async () => {
    const before = checkout();
    const out = fs.mkdtempSync(path.join(os.tmpdir(), "rehearsal-"));
    const command = new Command(program, ["--out", out]);
    const status = await command.ended;
    assert.equal(status, 0, command.output);
    const report = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8")) as Report;
    assert.deepEqual(
      report.stages.map(({ weight }) => weight),
      [0, 10, 30, 60, 100, 0, 100, 100],
    );
    for (const stage of report.stages) {
      assert.ok(stage.requests >= 600 && stage.streams >= 60, JSON.stringify(stage));
      assert.ok(stage.shareOk, JSON.stringify(stage));
    }
    assert.equal(report.totals.failed, 0);
    assert.equal(report.totals.brokenStreams, 0);
    assert.ok(
      (report.rollback?.lastCandidateResponseAfterSeconds ?? 99) <= 5,
      JSON.stringify(report.rollback),
    );
    assert.match(fs.readFileSync(path.join(out, "report.html"), "utf8"), /<svg/);
    await allGone(out);
    assert.equal(checkout(), before);
    fs.rmSync(out, { recursive: true, force: true });
  });

  test("Ctrl-C ends it at once, and nothing of it stays", async () => {
    const out = fs.mkdtempSync(path.join(os.tmpdir(), "rehearsal-"));
    const command = new Command(program, ["--out", out]);
    await command.prints(/pulumi up/, 120);
    command.signal("SIGINT");
    assert.notEqual(await command.ended, 0);
    assert.match(command.output, /ended by SIGINT/);
    await allGone(out);
    fs.rmSync(out, { recursive: true, force: true });
  });
});

describe("the rehearsal's judgement", minutes(6), () => {
  let lab: StackLab;
  before(async () => {
    lab = await StackLab.start();
  }, minutes(3));
  after(async () => lab.stop());

  test("a split that is not what the weight says fails the rehearsal", async () => {
    const { workspace } = await lab.stack("dev", { weight: 0 });
    let edited = false;
    const { report } = await rehearse({
      lab: lab.lab,
      workspace,
      kind: "node-update",
      steps: ladderOf("llm-new").slice(0, 2),
      candidate: "llm-new",
      models: ["Qwen/Qwen3-8B"],
      route: { namespace: "default", name: "routes-to-llm" },
      sample: { requests: 300, streams: 5 },
      versions: {},
      signal: AbortSignal.timeout(240_000),
      onStep: (step, event) => {
        if (step.weight !== 10 || edited || !("doing" in event) || !event.doing.startsWith("watching"))
          return;
        edited = true;
        void sendTo(40);
      },
    });
    assert.ok(edited);
    assert.equal(report.ok, false);
    const stage = report.stages.find(({ weight }) => weight === 10);
    assert.equal(stage?.shareOk, false, JSON.stringify(stage));
    assert.match(report.problems.join("\n"), /stage "10": the candidate answered .* 10\.0 % were expected/);
  });

  /** Somebody else's hand on the route. */
  async function sendTo(weight: number): Promise<void> {
    const route = await lab.route();
    const rules = structuredClone(route?.spec.rules ?? []);
    for (const ref of rules.flatMap(({ backendRefs }) => backendRefs)) {
      ref.weight = ref.name === "llm-new" ? weight : 100 - weight;
    }
    await lab.edit({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "routes-to-llm", namespace: "default" },
      spec: { rules },
    });
  }
});

/** What git sees of the checkout. */
function checkout(): string {
  return execFileSync("git", ["status", "--porcelain"], { cwd: projectFolder, encoding: "utf8" });
}
