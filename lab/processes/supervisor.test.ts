import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AddressRange, accepts, freePort } from "./addresses";
import { endsWithin, isAlive, startTimeOf } from "./identity";
import { ProcessFailed, Supervisor } from "./supervisor";
import { typescript } from "./typescript";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "supervisor-"));
const supervisors: Supervisor[] = [];

function supervisor(): Supervisor {
  const made = new Supervisor(fs.mkdtempSync(path.join(folder, "logs-")));
  supervisors.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(supervisors.splice(0).map((made) => made.stop()));
});

const gone = (pid: number, seconds = 5): Promise<boolean> => endsWithin(pid, seconds);

describe("a supervised process", () => {
  it("is ended with its children", async () => {
    const lab = supervisor();
    const shell = await lab.start({ name: "shell", command: "sh", args: ["-c", "sleep 60 & echo $!; wait"] });
    await sleep(100);
    const child = Number(fs.readFileSync(shell.log, "utf8").trim().split("\n").at(-1));
    assert.ok(isAlive(child));
    await lab.stop();
    assert.ok(await gone(shell.pid));
    assert.ok(await gone(child));
  });

  it("is killed when it does not listen to SIGTERM", async () => {
    const lab = supervisor();
    const deaf = await lab.start({
      name: "deaf",
      command: "sh",
      args: ["-c", "trap '' TERM; while :; do sleep 1; done"],
      graceSeconds: 0.3,
    });
    await sleep(100);
    await lab.stop();
    assert.ok(await gone(deaf.pid));
  });

  it("is named with the end of its log when it dies by itself", async () => {
    const lab = supervisor();
    await lab.start({ name: "mortal", command: "sh", args: ["-c", "echo last words; sleep 0.1; exit 3"] });
    const death = await lab.firstDeath;
    assert.match(death.message, /^mortal exited with status 3\. The end of its log/);
    assert.match(death.message, /last words/);
  });

  it("is named when it is never ready, and is gone then", async () => {
    const lab = supervisor();
    const failure = await lab
      .start({
        name: "slow",
        command: "sleep",
        args: ["60"],
        ready: () => Promise.resolve(false),
        readySeconds: 0.2,
      })
      .catch((error: unknown) => error);
    assert.ok(failure instanceof ProcessFailed);
    assert.match(failure.message, /slow was not ready after 0.2 s/);
    assert.equal(lab.processes.length, 0);
  });

  it("is named when there is no such program", async () => {
    await assert.rejects(
      supervisor().start({ name: "ghost", command: "/no/such/program", args: [] }),
      /ghost could not be started/,
    );
  });

  it("does not outlive a lab that is killed", async () => {
    const script = `
      const { Supervisor } = require(${JSON.stringify(path.join(__dirname, "supervisor.ts"))});
      const lab = new Supervisor(${JSON.stringify(folder)});
      lab.start({ name: "orphan", command: "sleep", args: ["60"] }).then((process) => console.log(process.pid));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, [...typescript, "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once("data", (data: Buffer) => resolve(Number(data.toString()))),
    );
    assert.ok(isAlive(pid));
    parent.kill("SIGKILL");
    assert.ok(await gone(pid, 6), "the keeper ends what its owner could not");
  });
});

describe("addresses", () => {
  it("are leased to one lab at a time, and given back", async () => {
    const [a, b] = [await AddressRange.lease(), await AddressRange.lease()];
    assert.notEqual(a.n, b.n);
    a.release();
    b.release();
  });

  it("of nodes do not overlap and stay inside the range", async () => {
    const range = await AddressRange.lease();
    const cidrs = Array.from({ length: 1024 }, (_, i) => range.nodeCidr(i));
    assert.equal(new Set(cidrs).size, 1024);
    assert.equal(cidrs[0], `127.${range.n}.128.0/27`);
    assert.equal(cidrs[1023], `127.${range.n}.255.224/27`);
    assert.throws(() => range.nodeCidr(1024), /room for 1024 nodes/);
    range.release();
  });

  it("have ports that are free when they are given out", async () => {
    const port = await freePort("127.0.0.1");
    assert.equal(await accepts("127.0.0.1", port), false);
  });
});

describe("the identity of a process", () => {
  it("tells one process from another with the same id", () => {
    assert.ok(isAlive(process.pid, startTimeOf(process.pid)));
    assert.ok(!isAlive(process.pid, "1"));
    const { pid } = spawnSync("true");
    assert.ok(!isAlive(pid));
  });
});
