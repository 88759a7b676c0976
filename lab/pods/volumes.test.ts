import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import type { VolumeFolder } from "./mounts";
import { ReferenceMissing } from "./references";
import { makeVolumes } from "./volumes";
import type { Pod, Volume } from "./objects";

describe("makeVolumes", () => {
  let folder = "";
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-volumes-"))));
  after(() => fs.rmSync(folder, { recursive: true }));

  const sources = {
    references: {
      read: (kind: string, _: string, name: string, optional?: boolean) =>
        name === "there"
          ? Promise.resolve({ "a.yaml": Buffer.from(kind), b: Buffer.from("b") })
          : optional === true
            ? Promise.resolve(undefined)
            : Promise.reject(new ReferenceMissing(`${kind} "${name}" not found`)),
    },
    tokens: {
      write: (_: unknown, file: string) => fs.promises.writeFile(file, "token"),
    },
  };

  const make = (...volumes: Volume[]): Promise<ReadonlyMap<string, VolumeFolder>> => {
    const pod: Pod = {
      metadata: { name: "p", namespace: "ns", labels: { app: "llm" } },
      spec: { containers: [], volumes },
    };
    return makeVolumes(pod, folder, sources);
  };
  const read = (volume: string, file: string): string =>
    fs.readFileSync(path.join(folder, volume, file), "utf8");

  it("writes every kind there is, and gives no path of this machine to a pod", async () => {
    const made = await make(
      { name: "map", configMap: { name: "there", items: [{ key: "a.yaml", path: "sub/renamed.yaml" }] } },
      { name: "secret", secret: { secretName: "there" } },
      { name: "gone", configMap: { name: "gone", optional: true } },
      { name: "empty", emptyDir: {} },
      { name: "host", hostPath: { path: "/etc" } },
      {
        name: "fields",
        downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
      },
      {
        name: "account",
        projected: {
          sources: [{ serviceAccountToken: { path: "token" } }, { configMap: { name: "there" } }],
        },
      },
    );
    assert.equal(read("map", "sub/renamed.yaml"), "configmap");
    assert.equal(read("secret", "a.yaml"), "secret");
    assert.equal(read("fields", "labels"), 'app="llm"');
    assert.equal(read("account", "token"), "token");
    assert.equal(read("account", "a.yaml"), "configmap");
    assert.deepEqual(fs.readdirSync(path.join(folder, "host")), []);
    assert.deepEqual([made.get("empty")?.complete, made.get("host")?.complete], [true, false]);
    assert.equal(fs.statSync(path.join(folder, "secret")).mode & 0o777, 0o700);
  });

  it("names the volume and what it lacks as the kubelet does", async () => {
    const message = 'MountVolume.SetUp failed for volume "plugins" : configmap "llm-epp" not found';
    await assert.rejects(make({ name: "plugins", configMap: { name: "llm-epp" } }), { message });
    const item = { name: "there", items: [{ key: "x", path: "x" }] };
    await assert.rejects(make({ name: "v", configMap: item }), /references non-existent config key: x/);
  });
});
