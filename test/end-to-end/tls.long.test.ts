import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as https from "node:https";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { apply } from "../../lab/cluster/objects";
import { Pulumi } from "../../lab/pulumi";
import { minutes, StackLab, StackUnderTest, weightsOf } from "./stack-lab";

/*
 * An external gateway, which is never opened in clear text: the gate and the customers reach the service by its name
 * and its certificate. The certificate is the API server's own, with a name that is in it.
 */

const hostname = "kubernetes.default.svc";
const body = JSON.stringify({ model: "Qwen/Qwen3-8B", prompt: "Hello", max_tokens: 1 });

describe("a service with TLS", minutes(8), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let address: string;
  let port: number;
  let certificate: string;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    const folder = path.join(lab.lab.folder, "cluster", "certificates");
    certificate = path.join(folder, "apiserver.crt");
    const pem = (file: string): string => fs.readFileSync(path.join(folder, file)).toString("base64");
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "llm-certificate", namespace: "default" },
      type: "kubernetes.io/tls",
      data: { "tls.crt": pem("apiserver.crt"), "tls.key": pem("apiserver.key") },
    };
    await apply(lab.lab.controlPlane.kubeconfig, [secret]);
    const gateway = { exposure: "external", hostname, tlsSecret: "llm-certificate" };
    const { pulumi, workspace } = await lab.stack("tls", { weight: 0, gateway });
    const environment = { ...pulumi.environment, NODE_EXTRA_CA_CERTS: certificate };
    stack = new StackUnderTest(new Pulumi(workspace, environment), workspace);
  }, minutes(3));
  after(async () => lab.stop());

  /** A request as customers make it. @returns the status, and which pool answered. */
  const ask = (name: string): Promise<{ status: number; pool: string }> =>
    new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: address,
          port,
          servername: name,
          ca: fs.readFileSync(certificate),
          method: "POST",
          path: "/v1/completions",
          headers: { host: name, "content-type": "application/json" },
          timeout: 30_000,
          agent: false,
        },
        (response) => {
          response.resume();
          const pool = String(response.headers["x-served-by-pool"]);
          response.on("end", () => resolve({ status: response.statusCode ?? 0, pool }));
        },
      );
      request.on("timeout", () => request.destroy(new Error("nothing for 30 s")));
      request.on("error", reject);
      request.end(body);
    });

  test("has a listener for its name with its certificate, and none in clear text", async () => {
    await stack.up();
    address = String((await stack.pulumi.outputs())["address"]);
    port = await lab.lab.boundPort(address);
    const gateway = await lab.get<{ spec: { listeners: { protocol: string; hostname?: string }[] } }>(
      "gateway.networking.k8s.io/v1",
      "Gateway",
      "default",
      "my-inference-gateway",
    );
    assert.deepEqual(
      gateway?.spec.listeners.map(({ protocol, hostname: name }) => [protocol, name]),
      [["HTTPS", hostname]],
    );
    assert.deepEqual(await ask(hostname), { status: 200, pool: "llm" });
  });

  test("its weight moves past a gate that asks by name and checks the certificate", async () => {
    // Without root the lab binds 443 elsewhere.
    if (port !== 443) await stack.setPath("gate.address", `${address}:${port}`);
    const { status, output } = await stack.update({ weight: "50" });
    assert.equal(status, 0, output);
    assert.deepEqual(weightsOf(await lab.route()), { llm: 50, "llm-new": 50 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(hostname)));
    assert.ok(answers.every((answer) => answer.status === 200));
    assert.deepEqual(new Set(answers.map(({ pool }) => pool)), new Set(["llm", "llm-new"]));
  });

  test("answers to no other name", async () => {
    const refused = await ask("kubernetes.default").then(
      ({ status }) => status === 404,
      () => true,
    );
    assert.ok(refused);
  });
});
