import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { optionsFrom, Renewable } from "../../../stacks/state/credentials";

describe("what is fetched once for all", () => {
  it("is fetched again once it was refused, and once only, however many it was refused to", async () => {
    let fetched = 0;
    const token = new Renewable(() => Promise.resolve(++fetched));
    const used = Array.from({ length: 20 }, () => token.get());
    assert.deepEqual(new Set(await Promise.all(used)), new Set([1]));
    const next = await Promise.all(
      used.map(async (old, i) => {
        // The answers come one after the other, while others have renewed it.
        await sleep(i);
        token.drop(old);
        return token.get();
      }),
    );
    assert.deepEqual(new Set(next), new Set([2]));
  });

  it("is fetched again by whoever asks after it failed", async () => {
    let fetched = 0;
    const token = new Renewable(() =>
      ++fetched === 1 ? Promise.reject(new Error("no")) : Promise.resolve(fetched),
    );
    await assert.rejects(Promise.all([token.get(), token.get()]), /no/);
    assert.equal(await token.get(), 2);
  });
});

describe("what a kubeconfig gives to requests", () => {
  const config = (user: object, cluster: object = {}): KubeConfig => {
    const found = new KubeConfig();
    found.loadFromString(
      JSON.stringify({
        clusters: [{ name: "c", cluster: { server: "https://10.0.0.1", ...cluster } }],
        users: [{ name: "u", ...user }],
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        "current-context": "c",
      }),
    );
    return found;
  };
  const exec = (status: object): object => ({
    command: process.execPath,
    args: ["-e", `console.log(${JSON.stringify(JSON.stringify({ status }))})`],
  });
  const token = async (user: object): Promise<unknown> =>
    ((await optionsFrom(config(user), 20)).headers as Record<string, unknown>)["Authorization"];

  it("is its token, or its program's; its own one counts first, as with kubectl", async () => {
    assert.equal(await token({ user: { token: "own" } }), "Bearer own");
    assert.equal(await token({ user: { exec: exec({ token: "given" }) } }), "Bearer given");
    assert.equal(await token({ user: { token: "own", exec: exec({ token: "given" }) } }), "Bearer own");
  });

  it("is nothing where its user has nothing", async () => {
    for (const user of [{}, { user: {} }, { user: { exec: null } }])
      assert.equal(await token(user), undefined, JSON.stringify(user));
  });

  it("is its program's certificate", async () => {
    const given = exec({ clientCertificateData: "cert", clientKeyData: "key", token: null });
    const { cert, key } = await optionsFrom(config({ user: { exec: given } }), 20);
    assert.deepEqual([cert, key], [Buffer.from("cert"), Buffer.from("key")]);
  });

  it("is an agent only with a proxy, and the cluster's own certificate and name in any case", async () => {
    const cluster = {
      "certificate-authority-data": Buffer.from("ca").toString("base64"),
      "tls-server-name": "api",
    };
    const user = { user: { exec: exec({ token: "given" }) } };
    const plain = await optionsFrom(config(user, cluster), 20);
    assert.deepEqual([plain.agent, String(plain.ca), plain.servername], [undefined, "ca", "api"]);
    const proxied = await optionsFrom(config(user, { ...cluster, "proxy-url": "http://127.0.0.1:1" }), 20);
    assert.notEqual(proxied.agent, undefined);
  });
});
