import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, it } from "node:test";
import { projectFolder } from "../../lab/workspace";
import { Command } from "../end-to-end/command";

/* `rollback --now` has nothing but a kubeconfig, and GKE's names a program for the credentials. */

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "now-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

function kubeconfig(script: string): string {
  const file = path.join(folder, "kubeconfig");
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: process.execPath,
    args: ["-e", script],
  };
  fs.writeFileSync(
    file,
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:9" } }],
      users: [{ name: "u", user: { exec } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
    }),
  );
  return file;
}

it("says that it waits for the credentials, and what their program says in the end", async () => {
  const script = "setTimeout(() => { console.error('log in again'); process.exit(1); }, 3000)";
  const command = new Command(path.join(projectFolder, "start", "rollout.js"), [
    ...["rollback", "--now", "--kubeconfig", kubeconfig(script)],
  ]);
  assert.equal(await command.ended, 1, command.output);
  assert.match(command.output, /^Waiting for the API server\.\n/);
  assert.match(command.output, /no credentials for https:\/\/127\.0\.0\.1:9: .*: log in again\n/);
  assert.match(command.output, /fix: +check the kubeconfig: kubectl --kubeconfig FILE get httproutes -A/);
});
