import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { allGone, Command, processesOf } from "./command";
import { minutes } from "./stack-lab";

/** Parts that can die, by their command line, and what the rehearsal has to say of it. */
const parts: readonly { part: string; command: RegExp; says: RegExp }[] = [
  { part: "API server", command: /\/kube-apiserver /, says: /kube-apiserver was ended by SIGKILL/ },
  { part: "Envoy", command: /\/envoy /, says: /gateway exited with status 1[^]*[Ee]nvoy[^]*SIGKILL/ },
  { part: "a picker", command: /\/epp .*--pool-name llm /, says: /container epp of pod default\/llm-epp/ },
  {
    part: "the simulator",
    command: /lab\/simulator\/main\.ts/,
    says: /simulator was ended by SIGKILL/,
  },
];

describe("a part that dies during npm start", minutes(12), () => {
  for (const { part, command: pattern, says } of parts) {
    test(`${part}: a named failure with the end of its log, and a clean shutdown`, minutes(4), async () => {
      const out = fs.mkdtempSync(path.join(os.tmpdir(), "rehearsal-"));
      const command = new Command("lab/rehearsal/main.ts", ["--out", out]);
      await command.prints(/watching \d+ requests/, 180);
      const victim = processesOf(out).find((entry) => pattern.test(entry.command));
      assert.ok(
        victim !== undefined,
        processesOf(out)
          .map((entry) => entry.command)
          .join("\n"),
      );
      process.kill(victim.pid, "SIGKILL");
      const began = performance.now();
      assert.equal(await command.ended, 1, command.output);
      const seconds = (performance.now() - began) / 1000;
      console.log(`${part}: ended after ${seconds.toFixed(1)} s`);
      assert.ok(seconds < 60, `it took ${seconds} s`);
      assert.match(command.output, says);
      assert.match(command.output, /The end of its log/);
      await allGone(out);
      fs.rmSync(out, { recursive: true, force: true });
    });
  }
});
