import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { catalogue } from "../tools/catalogue";
import { runCommand } from "../tools/command";
import { installPlugins, type InstalledPlugins } from "./install";

function versionOf(name: string): string {
  const file = require.resolve(`@pulumi/${name}/package.json`);
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}

describe("installed plugins", () => {
  let folder = "";
  let plugins: InstalledPlugins | undefined;
  const install = (useReal: boolean): Promise<InstalledPlugins> =>
    installPlugins({
      folder,
      // Any program will do: nothing here starts the engine or its provider.
      tools: {
        pulumi: process.execPath,
        "pulumi-resource-kubernetes": process.execPath,
        "pulumi-kubernetes-guard": process.execPath,
      },
      controlPlane: {
        server: "https://127.0.0.1:1",
        caFile: "ca",
        adminToken: "the-token",
        kubeconfig: "kubeconfig",
      },
      range: { nodeCidr: (i) => `127.9.${i}` },
      useReal,
    });
  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "install-"));
    plugins = await install(false);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  test("the user's own Pulumi and clouds stay outside", () => {
    const base = {
      PATH: "/bin",
      PULUMI_ACCESS_TOKEN: "x",
      PULUMI_CONFIG_PASSPHRASE: "y",
      GOOGLE_PROJECT: "z",
      HOME: "/h",
    };
    const env = plugins?.environment(base) ?? {};
    assert.deepEqual(
      [env["PULUMI_ACCESS_TOKEN"], env["PULUMI_CONFIG_PASSPHRASE"], env["GOOGLE_PROJECT"]],
      [undefined, undefined, undefined],
    );
    assert.equal(env["HOME"], "/h");
    assert.equal(env["PATH"], `${plugins?.bin}:/bin`);
    assert.match(env["PULUMI_BACKEND_URL"] ?? "", /^file:\/\/.*install-.*\?metadata=skip$/);
    assert.ok(!JSON.stringify(env).includes("the-token"), "the token is in a file, not in the environment");
    assert.equal(fs.statSync(env["INFERENCE_LAB_TOKEN_FILE"] ?? "").mode & 0o077, 0);
  });

  test("real plugins of the wanted version are used where there are any, gcp never", async () => {
    const home = path.join(folder, "real-home");
    for (const name of ["random", "gcp"]) {
      const version = versionOf(name);
      const real = path.join(home, "plugins", `resource-${name}-v${version}`);
      fs.mkdirSync(real, { recursive: true });
      fs.writeFileSync(path.join(real, `pulumi-resource-${name}`), "real", { mode: 0o755 });
    }
    process.env["PULUMI_HOME"] = home;
    try {
      assert.deepEqual((await install(true)).parts, {
        language: "stand-in",
        kubernetes: `${versionOf("kubernetes")} (installed)`,
        random: `${versionOf("random")} (installed)`,
        gcp: "stand-in",
      });
      assert.equal((await install(false)).parts.random, "stand-in");
    } finally {
      delete process.env["PULUMI_HOME"];
    }
  });

  test("the Kubernetes provider is the version that package.json pins", () => {
    const tool = catalogue.find(({ plugin }) => plugin === "kubernetes");
    assert.equal(tool?.version, versionOf("kubernetes"));
  });

  test("outside a lab a stand-in says what it is and ends", async () => {
    const home = path.join(plugins?.home ?? "", "plugins");
    const programs = fs
      .readdirSync(home)
      .filter((name) => !name.startsWith("resource-kubernetes"))
      .map((name) => path.join(home, name, fs.readdirSync(path.join(home, name))[0] ?? ""));
    const bin = ["pulumi-language-nodejs", "gke-gcloud-auth-plugin"].map((name) =>
      path.join(plugins?.bin ?? "", name),
    );
    for (const program of [...programs, ...bin]) {
      const { status, output } = await runCommand(program, ["127.0.0.1:1"], {
        env: { PATH: process.env["PATH"] },
        timeoutSeconds: 20,
      });
      assert.equal(status, 1, program);
      assert.match(output, /is a rehearsal stand-in for the lab in test\/lab and runs only inside one/);
    }
  });

  test("gke-gcloud-auth-plugin prints the lab's token as client-go wants it", async () => {
    const { output } = await runCommand("gke-gcloud-auth-plugin", [], { env: plugins?.environment() ?? {} });
    const credential = JSON.parse(output) as { kind: string; apiVersion: string; status: { token: string } };
    assert.deepEqual(
      [credential.kind, credential.apiVersion],
      ["ExecCredential", "client.authentication.k8s.io/v1beta1"],
    );
    assert.equal(credential.status.token, "the-token");
  });
});
