import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  imageMirrors,
  isSameImage,
  mirrored,
  mirrorHosts,
  mirrorSourceOf,
  upstreamImage,
} from "../../components/cluster/mirrored-images";
import { imageOf, engines } from "../../components/engines/catalogue";
import { pickerImage } from "../../components/pool/picker-settings";

const place = { cluster: "inference", project: "acme-ml", region: "us-central1" };
const all = imageMirrors(place, mirrorHosts);
const hub = "us-central1-docker.pkg.dev/acme-ml/inference-docker-hub";

describe("names of images in a mirror", () => {
  it("are the path of the image in the mirror of its registry", () => {
    for (const [image, name] of [
      ["vllm/vllm-openai:v0.21.0", `${hub}/vllm/vllm-openai:v0.21.0`],
      ["docker.io/vllm/vllm-openai:v0.21.0", `${hub}/vllm/vllm-openai:v0.21.0`],
      ["index.docker.io/vllm/vllm-openai@sha256:ab", `${hub}/vllm/vllm-openai@sha256:ab`],
      ["busybox:1.36", `${hub}/library/busybox:1.36`],
      ["docker.io/busybox", `${hub}/library/busybox`],
      [pickerImage, pickerImage.replace("registry.k8s.io", hub.replace("docker-hub", "registry-k8s-io"))],
    ] as const) {
      assert.equal(mirrored(image, all), name);
      assert.ok(isSameImage(image, name, all));
    }
  });

  it("are left alone where no mirror is", () => {
    for (const image of [
      "localhost/x:1",
      "localhost:5000/x:1",
      "registry.example.com:5000/team/x:1",
      "us-docker.pkg.dev/acme-ml/own/x:1",
      `${hub}/vllm/vllm-openai:v0.21.0`,
    ]) {
      assert.equal(mirrored(image, all), image);
    }
    assert.equal(mirrored("vllm/vllm-openai:v0.21.0", {}), "vllm/vllm-openai:v0.21.0");
    assert.equal(mirrored(pickerImage, imageMirrors(place, ["docker.io"])), pickerImage);
  });

  it("say where the image comes from, for every image of this program", () => {
    const images = [...engines.flatMap((engine) => [imageOf(engine), imageOf(engine, "tpu")]), pickerImage];
    for (const image of images) {
      const name = mirrored(image, all);
      assert.notEqual(name, image);
      assert.equal(upstreamImage(name, all), upstreamImage(image));
      assert.equal(mirrorSourceOf(image, all), undefined);
      assert.ok(name.startsWith(`${all[mirrorSourceOf(name, all) ?? "quay.io"] ?? "none"}/`));
    }
  });

  it("are no others' repositories of such a name", () => {
    const theirs = `europe-docker.pkg.dev/other/inference-docker-hub/vllm/vllm-openai:v0.21.0`;
    assert.equal(mirrorSourceOf(theirs, all), undefined);
    assert.ok(!isSameImage(theirs, "vllm/vllm-openai:v0.21.0", all));
  });
});
