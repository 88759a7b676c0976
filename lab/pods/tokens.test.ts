import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { it } from "node:test";
import { PodTokens } from "./tokens";

it("asks for a token that dies with the pod, and renews it in time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-tokens-"));
  const asked: { path: string; body: unknown }[] = [];
  const api = {
    post: <T>(where: string, body: unknown): Promise<T> => {
      asked.push({ path: where, body });
      return Promise.resolve({ status: { token: `token-${asked.length}` } } as T);
    },
  };
  const pod = {
    metadata: { name: "p", namespace: "ns", uid: "u" },
    spec: { containers: [], serviceAccountName: "epp" },
  };
  const tokens = new PodTokens(api, pod);
  const file = path.join(folder, "token");
  await tokens.write({ path: "token", expirationSeconds: 1000 }, file);
  assert.equal(fs.readFileSync(file, "utf8"), "token-1");
  assert.equal(asked[0]?.path, "/api/v1/namespaces/ns/serviceaccounts/epp/token");
  assert.deepEqual((asked[0].body as { spec: object }).spec, {
    expirationSeconds: 1000,
    boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "p", uid: "u" },
  });
  t.mock.timers.tick(799_000);
  assert.equal(asked.length, 1);
  t.mock.timers.tick(1000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(fs.readFileSync(file, "utf8"), "token-2");
  tokens.close();
  t.mock.timers.tick(10_000_000);
  assert.equal(asked.length, 2);
  fs.rmSync(folder, { recursive: true });
});
