import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imageMirrors } from "../../../components/cluster/mirrored-images";
import { fixText } from "../../../stacks/messages/edits";
import { mirrorRefusals } from "../../../stacks/plan/rules/node-rules";
import { holdsNothing } from "../../../stacks/plan/standing";
import type { ClusterReader } from "../../../stacks/state/cluster-reader";
import { readMirrorUse } from "../../../stacks/state/mirror-use";
import { nothingDeployed, type PlannedPool } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { after, serviceConfig, sourceCase } from "../cases";
import { planned, rulesOf } from "./worlds";

/* An image's name is part of what a pool is made as: a mirror is for pools that come after it. */

const place = { cluster: "inference", project: "acme-ml", region: "us-central1" };
const mirrors = imageMirrors(place, ["docker.io", "registry.k8s.io"]);
const [hub, kubernetes] = [mirrors["docker.io"] ?? "", mirrors["registry.k8s.io"] ?? ""];
const serving = { ...sourceCase, candidate: "", weight: 0 };
const staged = { ...sourceCase, weight: 0 };

/** The world after an update that was carried out with or without mirrors. */
function made(raw: RawConfig, before: Observed = nothingDeployed): Observed {
  const plan = planned(raw, before);
  assert.deepEqual(plan.refusals, []);
  return { ...after(serviceConfig(raw), plan, before), ...pick(before) };
}
const pick = ({ imageMirrors: known, otherMirrors }: Observed): Partial<Observed> => ({
  ...(known === undefined ? {} : { imageMirrors: known }),
  ...(otherMirrors === undefined ? {} : { otherMirrors }),
});

const images = (pools: readonly PlannedPool[]): Record<string, [string, string | undefined]> =>
  Object.fromEntries(pools.map(({ pool }) => [pool.name, [pool.server.image, pool.picker?.image]]));

describe("images through a mirror", () => {
  it("are what a new pool is made with: its servers and its picker", () => {
    const { pools } = planned(serving, { ...nothingDeployed, imageMirrors: mirrors });
    const [server = "", picker = ""] = images(pools)["llm"] ?? [];
    assert.match(server, new RegExp(`^${hub}/vllm/vllm-openai:v`));
    assert.match(picker, new RegExp(`^${kubernetes}/gateway-api-inference-extension/epp:v`));
    assert.equal(pools[0]?.identity["server.image"], server);
    assert.equal(pools[0].identity["picker.image"], picker);
  });

  it("come to a pool that exists with no update; the next pool has them, and the kind stays what it is", () => {
    const before = made(serving);
    const world = { ...before, imageMirrors: mirrors };
    const { pools, kind, refusals } = planned(staged, world);
    assert.deepEqual(refusals, []);
    assert.equal(kind, "node-update");
    assert.doesNotMatch(String(images(pools)["llm"]), /pkg\.dev/);
    assert.match(String(images(pools)["llm-new"]), /inference-docker-hub.*inference-registry-k8s-io/);
    assert.deepEqual(planned(serving, world).pools[0]?.identity, planned(serving, before).pools[0]?.identity);
  });

  it("stay through the ladder, the promotion, and a mirror that comes later", () => {
    let world = made(serving, { ...nothingDeployed, imageMirrors: { "docker.io": hub } });
    const first = planned(serving, world).pools[0]?.identity;
    for (const weight of [0, 30, 100]) {
      world = made({ ...staged, weight }, { ...world, imageMirrors: mirrors });
      const now = planned({ ...staged, weight }, world).pools;
      assert.deepEqual(now.find(({ pool }) => pool.name === "llm")?.identity, first);
    }
    const promoted = { ...serving, stable: "llm-new" };
    assert.match(String(images(planned(promoted, world).pools)["llm-new"]), /inference-docker-hub/);
  });

  it("stay where this program has come to name another picker: nobody asked for that one", () => {
    const world = made(serving, { ...nothingDeployed, imageMirrors: mirrors });
    const older = {
      ...world,
      pools: world.pools.map((pool) => ({
        ...pool,
        identity: {
          ...pool.identity,
          "picker.image": String(pool.identity?.["picker.image"]).replace(/:v[^:]*$/, ":v1.4.0"),
        },
      })),
    };
    const { pools, refusals } = planned(serving, older);
    assert.deepEqual(refusals, []);
    assert.match(String(images(pools)["llm"]?.[1]), /epp:v1\.4\.0$/);
  });

  it("may be named in full, or not, without another pool", () => {
    const world = made(serving, { ...nothingDeployed, imageMirrors: mirrors });
    const image = planned(serving, world).pools[0]?.pool.server.image ?? "";
    for (const named of [image, image.replace(`${hub}/`, ""), image.replace(hub, "docker.io")]) {
      const pools = { ...serving.pools, llm: { ...serving.pools.llm, server: { image: named } } };
      assert.deepEqual(rulesOf({ ...serving, pools }, world), [], named);
    }
    const other = { ...serving.pools, llm: { ...serving.pools.llm, server: { version: "v0.20.0" } } };
    assert.deepEqual(rulesOf({ ...serving, pools: other }, world), ["edited-in-place"]);
  });

  it("hold their mirror until the last pool with them is gone", () => {
    const world = made(serving, { ...nothingDeployed, imageMirrors: mirrors });
    const without: Observed = { ...world, imageMirrors: {}, otherMirrors: mirrors };
    assert.deepEqual(rulesOf(serving, without), ["image-mirror-in-use", "image-mirror-in-use"]);
    const plain = made(serving);
    assert.deepEqual(rulesOf(serving, { ...plain, imageMirrors: {}, otherMirrors: mirrors }), []);
  });

  it("are not for servers whose nodes have a disk with images: that has other names", () => {
    const disk = { imageCache: "global/images/servers" };
    const pools = { ...serving.pools, llm: { ...serving.pools.llm, ...disk } };
    const found = planned({ ...serving, pools }, { ...nothingDeployed, imageMirrors: mirrors }).pools;
    assert.match(images(found)["llm"]?.[0] ?? "", /^vllm\//);
    assert.match(images(found)["llm"]?.[1] ?? "", /inference-registry-k8s-io/);
  });

  it("are not for pods that are copied", () => {
    const pools = {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-l4", replicas: 1 },
    };
    const raw = { model: "Qwen/Qwen3-8B", stable: "llm", candidate: "llm-new", weight: 0, pools };
    const { pools: found } = planned(raw, { ...nothingDeployed, imageMirrors: mirrors });
    const candidate = found.find(({ pool }) => pool.name === "llm-new");
    assert.match(candidate?.pool.server.image ?? "", /^vllm\//);
  });
});

describe("a mirror that a platform created and its config no longer has", () => {
  const hub = "us-central1-docker.pkg.dev/acme-ml/inference-docker-hub";
  const others = { "docker.io": hub, "quay.io": "us-central1-docker.pkg.dev/acme-ml/inference-quay-io" };
  const pod = (name: string, image: string): object => ({
    metadata: { namespace: "search", name },
    spec: { initContainers: [{ image: "busybox" }], containers: [{ image }] },
  });
  const asked: string[] = [];
  const reader = {
    list: (path: string) => {
      asked.push(path);
      return Promise.resolve([
        pod("b", `${hub}/vllm/vllm-openai:v1`),
        pod("a", `${hub}/x:1`),
        pod("c", "x:1"),
      ]);
    },
  } as unknown as ClusterReader;

  it("stays while pods of any stack have images from it", async () => {
    const held = { ...holdsNothing, repositories: ["inference-docker-hub"] };
    const uses = await readMirrorUse(reader, held, others);
    assert.deepEqual(uses, [{ source: "docker.io", pods: ["search/a", "search/b"] }]);
    const [refusal] = mirrorRefusals(uses, 1);
    assert.equal(refusal?.rule, "image-mirror-in-use");
    assert.match(refusal.found, /mirror of docker\.io.*search\/a, search\/b$/);
    assert.match(fixText(refusal.fix), /'cluster\.imageMirrors\[1\]' docker\.io/);
  });

  it("is looked for only where the state has one that the config does not name", async () => {
    asked.length = 0;
    assert.deepEqual(await readMirrorUse(reader, holdsNothing, others), []);
    assert.deepEqual(asked, []);
  });
});
