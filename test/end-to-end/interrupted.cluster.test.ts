import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { allGone, Command } from "./command";
import { minutes } from "./stack-lab";

test("Ctrl-C ends npm start at once, and nothing of it stays", minutes(5), async () => {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), "rehearsal-"));
  const command = new Command("lab/rehearsal/main.ts", ["--out", out]);
  await command.prints(/pulumi up/, 120);
  command.signal("SIGINT");
  assert.notEqual(await command.ended, 0);
  assert.match(command.output, /interrupted by SIGINT/);
  await allGone(out);
  fs.rmSync(out, { recursive: true, force: true });
});
