import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { downloadedVolumes, mountsOf, rewritePaths } from "./mounts";

describe("rewritePaths", () => {
  const mounts = [
    { path: "/config", folder: "/lab/u/config", complete: true },
    { path: "/config/more", folder: "/lab/u/more", complete: true },
  ];
  const cases: [string, string][] = [
    ["/config/default-plugins.yaml", "/lab/u/config/default-plugins.yaml"],
    ["--config-file=/config/a.yaml", "--config-file=/lab/u/config/a.yaml"],
    ["/config", "/lab/u/config"],
    ["/config/more/b", "/lab/u/more/b"],
    ["/config/a:/config/more", "/lab/u/config/a:/lab/u/more"],
    ["/configuration/a", "/configuration/a"],
    ["/etc/config/a", "/etc/config/a"],
    ["http://host/config", "http://host/config"],
  ];
  for (const [text, expected] of cases) it(text, () => assert.equal(rewritePaths(text, mounts), expected));
});

it("finds a container's mounts, with subPath", () => {
  const volumes = new Map([["v", { folder: "/lab/v", complete: true }]]);
  const volumeMounts = [
    { name: "v", mountPath: "/a/" },
    { name: "v", mountPath: "/b", subPath: "file.yaml" },
    { name: "w", mountPath: "/c" },
  ];
  assert.deepEqual(mountsOf({ name: "c", volumeMounts }, volumes), [
    { path: "/a", folder: "/lab/v", complete: true },
    { path: "/b", folder: "/lab/v/file.yaml", complete: true },
  ]);
});

it("knows which volumes are filled by a download", () => {
  const volumeMounts = [{ name: "adapters", mountPath: "/adapters" }];
  const containers = [{ name: "vllm", image: "vllm/vllm-openai:v1" }];
  const initContainers = [{ name: "pull", image: "alpine/git", volumeMounts }];
  assert.deepEqual([...downloadedVolumes({ containers, initContainers })], ["adapters"]);
  assert.deepEqual([...downloadedVolumes({ containers })], []);
});
