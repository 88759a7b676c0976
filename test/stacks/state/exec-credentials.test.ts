import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Cluster } from "@kubernetes/client-node";
import { handedOut, type CredentialsProgram, type HandedOut } from "../../../stacks/state/exec-credentials";

const cluster: Cluster = {
  ...{ name: "c", server: "https://10.0.0.1", skipTLSVerify: false, caData: "Y2E=" },
  proxyUrl: "http://proxy:3128",
};

/** A program that runs JavaScript; in it `print` writes a credential. */
const node = (script: string, more: Partial<CredentialsProgram> = {}): CredentialsProgram => ({
  command: process.execPath,
  args: [
    "-e",
    `const print = (status) => console.log(JSON.stringify({ kind: "ExecCredential", status })); ${script}`,
  ],
  env: null,
  ...more,
});

const given = (program: CredentialsProgram): Promise<HandedOut> => handedOut(program, cluster, 20);

describe("a kubeconfig's program for credentials", () => {
  it("hands out a token or a certificate", async () => {
    assert.deepEqual(await given(node("print({ token: 't' })")), { token: "t" });
    const pem = "print({ clientCertificateData: 'cert', clientKeyData: 'key' })";
    assert.deepEqual(await given(node(pem)), {
      certData: Buffer.from("cert").toString("base64"),
      keyData: Buffer.from("key").toString("base64"),
    });
  });

  it("is told what kubectl tells it, and has its own environment", async () => {
    const echo = node("print({ token: process.env.KUBERNETES_EXEC_INFO + process.env.MINE })", {
      env: [{ name: "MINE", value: "!" }],
      apiVersion: "client.authentication.k8s.io/v1beta1",
    });
    const { token = "" } = await given(echo);
    assert.deepEqual(JSON.parse(token.slice(0, -1)), {
      apiVersion: "client.authentication.k8s.io/v1beta1",
      kind: "ExecCredential",
      spec: { interactive: false },
    });
    assert.equal(token.at(-1), "!");
    const { token: whole = "" } = await given({ ...echo, provideClusterInfo: true });
    assert.deepEqual((JSON.parse(whole.slice(0, -1)) as { spec: object }).spec, {
      interactive: false,
      cluster: {
        server: "https://10.0.0.1",
        "certificate-authority-data": "Y2E=",
        "proxy-url": "http://proxy:3128",
      },
    });
  });

  it("is not waited for without end, nor is one that it has started", async () => {
    const hangs = [
      "setInterval(() => undefined, 1000)",
      "require('child_process').spawn('sleep', ['60'], { stdio: 'inherit' })",
    ];
    for (const script of hangs) {
      const began = performance.now();
      await assert.rejects(handedOut(node(script), cluster, 1), /: it did not end within 1 s/);
      // Its child holds the output open for a minute.
      assert.ok(performance.now() - began < 30_000);
    }
  });

  it("has nobody to ask: it finds the end of its input", async () => {
    const asks = "require('fs').readFileSync(0); console.error('no terminal'); process.exit(1)";
    await assert.rejects(given(node(asks)), /: no terminal$/);
  });

  it("that is not installed is told with what the kubeconfig says about that", async () => {
    const program = { command: "no-such-plugin", installHint: "Install it with: get no-such-plugin\n" };
    await assert.rejects(given({ ...program, installHint: null }), /no-such-plugin: it is not installed$/);
    await assert.rejects(
      given(program),
      new Error("no-such-plugin: it is not installed: Install it with: get no-such-plugin"),
    );
  });

  it("is never quoted where it prints something else", async () => {
    for (const script of [
      "console.log('secret')",
      "console.log('null')",
      'console.log(\'{"token":"secret"}\')',
    ]) {
      await assert.rejects(given(node(script)), ({ message }: Error) => {
        assert.doesNotMatch(message, /secret/);
        return message.endsWith("it printed no ExecCredential with a status");
      });
    }
    await assert.rejects(given(node("console.log('secret'); process.exit(3)")), /: it ended with 3$/);
  });
});
