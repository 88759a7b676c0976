import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import type { Report } from "../../lab/rehearsal/report";
import { projectFolder } from "../../lab/workspace";
import { allGone, Command } from "./command";
import { minutes } from "./stack-lab";

const program = "lab/rehearsal/main.ts";

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
});

/** What git sees of the checkout. */
function checkout(): string {
  return execFileSync("git", ["status", "--porcelain"], { cwd: projectFolder, encoding: "utf8" });
}
