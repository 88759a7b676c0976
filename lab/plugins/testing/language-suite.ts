import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, startTimeOf } from "../../processes/identity";
import { descendants, Program } from "./program";
import type { TestLab } from "./test-lab";

export function languageSuite(lab: () => TestLab): void {
  describe("language host and random", () => {
    test("a value is made once, kept, and made anew when its keepers change", async () => {
      const program = await Program.make(
        lab(),
        "random",
        `import * as pulumi from "@pulumi/pulumi";
        import * as random from "@pulumi/random";
        const keepers = { version: new pulumi.Config().get("version") ?? "1" };
        export const id = new random.RandomId("id", { byteLength: 4, keepers }).hex;
        export const pet = new random.RandomPet("pet", { length: 3 }).id;
        export const password = new random.RandomPassword("password", { length: 20, minNumeric: 3 }).result;
        export const text = new random.RandomString("text", { length: 8, upper: false, special: false }).result;
        export const integer = new random.RandomInteger("integer", { min: 3, max: 5 }).result;
        export const uuid = new random.RandomUuid("uuid").result;`,
      );
      const printed = await program.mustUp();
      assert.match(printed, /7 created/);
      assert.match(printed, /password: \[secret\]/);
      const first = await program.outputs();
      assert.match(String(first["id"]), /^[0-9a-f]{8}$/);
      assert.match(String(first["text"]), /^[a-z0-9]{8}$/);
      assert.equal(String(first["password"]).length, 20);
      assert.ok(
        !JSON.stringify(await program.state()).includes(String(first["password"])),
        "the state is sealed",
      );
      assert.match(await program.mustUp(), /7 unchanged/);
      await program.set("version", "2");
      const preview = await program.preview();
      assert.match(preview.output, /1 to replace/);
      await program.mustUp();
      const second = await program.outputs();
      assert.notEqual(second["id"], first["id"]);
      assert.equal(second["uuid"], first["uuid"]);
      assert.match(await program.mustRun("refresh", "--yes", "--skip-preview"), /7 unchanged/);
      await program.destroy();
    });

    test("errors of a program are told once, and what it prints is shown", async () => {
      const program = await Program.make(
        lab(),
        "errors",
        `import { RunError } from "@pulumi/pulumi"; console.log("hello", process.env["PULUMI_TEST"]); throw new RunError("not today");`,
      );
      const { status, output } = await program.up();
      assert.notEqual(status, 0);
      assert.match(output, /hello/);
      assert.match(output, /error: not today/);
      assert.doesNotMatch(output, /non-zero exit code/);
      program.write(`process.exit(7);`);
      assert.match((await program.up()).output, /Program exited with non-zero exit code: 7/);
    });

    test("configuration reaches the program, secrets too, and a stack reads its own outputs", async () => {
      const program = await Program.make(
        lab(),
        "config",
        `import * as pulumi from "@pulumi/pulumi";
        const config = new pulumi.Config();
        const own = new pulumi.StackReference("own", { name: "organization/config/config" });
        export const before = own.getOutput("weight");
        export const weight = config.requireNumber("weight");
        export const list = config.requireObject("list");
        export const hidden = config.requireSecret("hidden");`,
        { weight: "10" },
      );
      await program.mustRun("config", "set", "--secret", "hidden", "s3cret");
      await program.mustRun("config", "set", "--path", "list[0]", "a");
      await program.mustUp();
      await program.set("weight", "30");
      assert.match(await program.mustUp(), /hidden: \[secret\]/);
      assert.deepEqual(await program.outputs(), { before: 10, weight: 30, list: ["a"], hidden: "s3cret" });
    });

    test("after SIGKILL of the engine nothing is left running", async () => {
      const program = await Program.make(
        lab(),
        "killed",
        `import * as k8s from "@pulumi/kubernetes";
        import * as random from "@pulumi/random";
        new random.RandomId("id", { byteLength: 4 });
        new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
        setTimeout(() => undefined, 60_000);`,
      );
      const engine = program.start("up", "--yes", "--skip-preview");
      const pid = engine.pid ?? -1;
      let below = new Map<number, string>();
      // The guard's own command line names the provider too.
      const parts = [/language\.js/, /random\.js/, /cmd\/run/, /^\S+-guard /, /^\S+resource-kubernetes /];
      const isUp = (): boolean => parts.every((part) => [...below.values()].some((line) => part.test(line)));
      for (let i = 0; i < 100 && !isUp(); i++) {
        await sleep(200);
        below = descendants(pid);
      }
      assert.ok(isUp(), [...below.values()].join("\n"));
      const started = new Map([...below.keys()].map((child) => [child, startTimeOf(child)]));
      process.kill(pid, "SIGKILL");
      const left = (): string[] =>
        [...started]
          .filter(([child, since]) => isAlive(child, since))
          .map(([child]) => below.get(child) ?? String(child));
      // A program that is just being transpiled notices only afterwards.
      for (let i = 0; i < 300 && left().length > 0; i++) await sleep(100);
      assert.deepEqual(left(), []);
      await program.mustRun("cancel", "--yes");
    });

    test("about and dependencies", async () => {
      const program = await Program.make(lab(), "about", "");
      program.file(
        "package.json",
        JSON.stringify({ name: "about", main: "index.ts", dependencies: { "@pulumi/pulumi": "*" } }),
      );
      const about = await program.mustRun("about");
      assert.match(about, /nodejs/);
      assert.match(about, /@pulumi\/pulumi\s+3\./);
    });
  });
}
