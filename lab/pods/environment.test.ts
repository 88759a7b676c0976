import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expand, resolveInvocation } from "./environment";
import { ReferenceMissing, References } from "./references";
import { ApiRefused } from "../cluster/cluster-api";
import type { Pod } from "./objects";

describe("expand", () => {
  const env = { A: "1", B: "two" };
  const cases: [string, string][] = [
    ["$(A)-$(B)", "1-two"],
    ["$(C)", "$(C)"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$A ${A} $", "$A ${A} $"],
    ["$(A", "$(A"],
  ];
  for (const [text, expected] of cases)
    it(`${text} is ${expected}`, () => assert.equal(expand(text, env), expected));
});

const pod: Pod = {
  metadata: { name: "p", namespace: "ns", uid: "u", labels: { app: "llm" } },
  spec: { nodeName: "node-1", containers: [] },
  status: { podIP: "127.1.2.3" },
};

/** A cluster with one ConfigMap and one Secret. */
const references = new References({
  get: <T>(path: string): Promise<T> => {
    const objects: Record<string, unknown> = {
      "/api/v1/namespaces/ns/configmaps/c": { data: { x: "from-map" } },
      "/api/v1/namespaces/ns/secrets/s": { data: { token: Buffer.from("hidden").toString("base64") } },
    };
    const found = objects[path];
    return found === undefined
      ? Promise.reject(new ApiRefused(404, "not found"))
      : Promise.resolve(found as T);
  },
});

describe("resolveInvocation", () => {
  it("resolves every source, in Kubernetes' order, and expands args with the result", async () => {
    const invocation = await resolveInvocation(
      pod,
      {
        name: "c",
        envFrom: [
          { configMapRef: { name: "c" }, prefix: "P_" },
          { secretRef: { name: "nowhere", optional: true } },
        ],
        env: [
          { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
          { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } },
          { name: "NONE", valueFrom: { configMapKeyRef: { name: "c", key: "y", optional: true } } },
          { name: "BOTH", value: "$(APP)@$(NODE)" },
          { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
        ],
        args: ["--ns=$(NAMESPACE)", "$(P_x)"],
      },
      references,
    );
    assert.deepEqual(invocation.env, {
      ...{ P_x: "from-map", NAMESPACE: "ns", APP: "llm", IP: "127.1.2.3", TOKEN: "hidden", NODE: "node-1" },
      // A variable that comes later is not there yet.
      BOTH: "llm@$(NODE)",
    });
    assert.deepEqual(invocation.args, ["--ns=ns", "from-map"]);
  });

  it("says what is missing in the kubelet's words", async () => {
    const missing = async (valueFrom: object, message: string): Promise<void> => {
      await assert.rejects(
        resolveInvocation(pod, { name: "c", env: [{ name: "E", valueFrom }] }, references),
        (error) => error instanceof ReferenceMissing && error.message === message,
      );
    };
    await missing({ secretKeyRef: { name: "hf-token", key: "token" } }, 'secret "hf-token" not found');
    await missing({ configMapKeyRef: { name: "d", key: "k" } }, 'configmap "d" not found');
    await missing({ configMapKeyRef: { name: "c", key: "k" } }, "couldn't find key k in ConfigMap ns/c");
  });
});
