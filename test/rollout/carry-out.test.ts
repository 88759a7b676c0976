import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { carryOut } from "../../rollout/commands/carry-out";
import { ReadOtherwise, type Session } from "../../rollout/commands/session";
import { ConfigFile } from "../../rollout/pulumi/stack-file";
import type { UpdateResult } from "../../rollout/pulumi/update-log";
import { Screen } from "../../rollout/terminal/screen";

/* What a command that changes something does when something comes in between: Ctrl-C, an editor, a full disk. */

const done: UpdateResult = {
  ok: true,
  cancelled: false,
  errors: [],
  warnings: [],
  begun: ["update HTTPRoute llm"],
};

interface Events {
  /** Whether the CLI reads the config as the command has read it. Default: it does. */
  onConfirm?: () => boolean;
  onUp?: (update: number) => void;
  onEdit?: (update: number) => void;
  onRefresh?: (update: number) => void;
}

/** A session whose engine only counts. */
function command(events: Events): {
  run: (steps: number) => Promise<number>;
  did: string[];
  said: () => string;
  json: () => { ok: boolean; updates: { done: number; of: number }; errors: string[] };
} {
  const did: string[] = [];
  let [edits, ups, refreshs] = [0, 0, 0];
  let printed = "";
  const output = new Writable({
    write: (chunk: Buffer, _encoding, callback) => {
      printed += chunk.toString();
      callback();
    },
  });
  let said = "";
  const screen = new Screen(true, undefined, process.stdin, output as unknown as NodeJS.WriteStream);
  screen.line = (text) => {
    said += `${text ?? ""}\n`;
  };
  const session = {
    screen,
    values: {},
    engine: {
      stack: "dev",
      file: { name: "Pulumi.dev.yaml", unchanged: () => Buffer.from("") },
      edit: () => {
        events.onEdit?.(++edits);
        did.push("edit");
        return Promise.resolve({
          changed: true,
          undo: () => {
            did.push("undo");
            return true;
          },
        });
      },
      up: () => {
        did.push("up");
        events.onUp?.(++ups);
        return Promise.resolve(done);
      },
    },
    confirmed: () => Promise.resolve(events.onConfirm?.() ?? true),
    refresh: () => {
      events.onRefresh?.(++refreshs);
      return Promise.resolve();
    },
    showStatus: (goOn?: string) => {
      said += `to continue: ${goOn ?? ""}\n`;
      return Promise.resolve({ stack: "dev" });
    },
  } as unknown as Session;
  return {
    did,
    said: () => said,
    json: () => JSON.parse(printed) as ReturnType<ReturnType<typeof command>["json"]>,
    run: (steps) =>
      carryOut(
        session,
        {
          title: "go on",
          steps: Array.from({ length: steps }, (_, i) => ({ title: `step ${i + 1}`, target: {} })),
          notes: [],
          again: "again",
          anew: "anew",
          takeBack: true,
        },
        { yes: true },
      ),
  };
}

const interrupt = (): void => {
  process.emit("SIGINT", "SIGINT");
};

describe("a command that changes something", () => {
  it("does all of its updates", async () => {
    const all = command({});
    assert.equal(await all.run(2), 0);
    assert.deepEqual(all.did, ["edit", "up", "edit", "up"]);
    assert.deepEqual(all.json().updates, { done: 2, of: 2 });
  });

  it("begins no other update after Ctrl-C, also where the one that ran ended well", async () => {
    const stopped = command({ onUp: interrupt });
    assert.equal(await stopped.run(2), 130);
    assert.deepEqual(stopped.did, ["edit", "up"]);
    assert.deepEqual(stopped.json().updates, { done: 1, of: 2 });
    assert.match(stopped.said(), /to continue: anew/, "the config has no edit of it");
    assert.match(
      stopped.said(),
      /interrupted[^]*1 of 2 updates completed[^]*Pulumi\.dev\.yaml was not edited/,
    );
  });

  it("is not ended by Ctrl-C while it writes the config", async () => {
    const stopped = command({ onEdit: interrupt });
    assert.equal(await stopped.run(1), 0, "the engine has not seen it");
    assert.deepEqual(stopped.did, ["edit", "up"]);
  });

  it("writes nothing where the CLI reads the config otherwise, and says how things stand where it cannot be asked", async () => {
    const other = command({ onConfirm: () => false });
    await assert.rejects(other.run(2), ReadOtherwise);
    assert.deepEqual(other.did, []);
    const silent = command({
      onConfirm: () => {
        throw new Error("the backend does not answer");
      },
    });
    assert.equal(await silent.run(2), 1);
    assert.deepEqual(silent.did, []);
    assert.match(silent.said(), /the backend does not answer[^]*Pulumi\.dev\.yaml was not edited/);
  });

  it("says how things stand where the config cannot be written", async () => {
    const full = command({
      onEdit: (update) => {
        if (update === 2) throw new Error("ENOSPC: no space left on device");
      },
    });
    assert.equal(await full.run(2), 1);
    assert.deepEqual(full.json(), {
      ok: false,
      updates: { done: 1, of: 2 },
      errors: ["ENOSPC: no space left on device"],
      status: { stack: "dev" },
    });
  });

  it("does not call an update failed because the stack cannot be read after it", async () => {
    const blind = (steps: number): ReturnType<typeof command> =>
      command({
        onRefresh: (update) => {
          if (update === steps) throw new Error("the backend does not answer");
        },
      });
    const last = blind(2);
    assert.equal(await last.run(2), 0);
    assert.match(
      last.said(),
      /The update succeeded, but the stack cannot be read: the backend does not answer/,
    );
    const first = blind(1);
    assert.equal(await first.run(2), 1);
    assert.deepEqual(first.json().updates, { done: 1, of: 2 });
  });
});

describe("a stack's file", () => {
  it("is not written over what somebody else wrote since it was read", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stack-file-"));
    try {
      const [name, wanted] = ["Pulumi.dev.yaml", "wanted.yaml"].map((one) => path.join(folder, one));
      assert.ok(name !== undefined && wanted !== undefined);
      fs.writeFileSync(name, "config: {}\n");
      fs.writeFileSync(wanted, "config: { a: 1 }\n");
      const file = new ConfigFile(name);
      assert.equal(file.read(), "config: {}\n");
      fs.writeFileSync(name, "config: { theirs: 1 }\n");
      assert.throws(() => file.replaceBy(wanted), /Pulumi\.dev\.yaml was changed while this command ran/);
      assert.equal(fs.readFileSync(name, "utf8"), "config: { theirs: 1 }\n");
      file.read();
      const replaced = file.replaceBy(wanted);
      // Its own edits are no one else's.
      assert.ok(replaced.undo());
      file.replaceBy(wanted);
      assert.equal(fs.readFileSync(name, "utf8"), "config: { a: 1 }\n");
      assert.deepEqual(fs.readdirSync(folder).sort(), ["Pulumi.dev.yaml", "wanted.yaml"]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
