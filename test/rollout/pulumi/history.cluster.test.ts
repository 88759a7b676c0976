import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { Engine } from "../../../rollout/pulumi/pulumi-engine";
import { layOutWorkspace } from "../../../lab/workspace";
import { resolveTool } from "../../../lab/tools/resolve";
import { prefix } from "../../../lab/rehearsal/config-file";
import { CloudService, organization, type CloudUpdate } from "./service";

/* What the real CLI reads of a history in the form that Pulumi Cloud's API has (service.ts). */

const update = (version: number, weight: string, rest: Record<string, unknown> = {}): CloudUpdate => ({
  kind: "update",
  startTime: Date.parse("2026-11-20T09:00:00Z") / 1000 + version * 60,
  endTime: Date.parse("2026-11-20T09:00:30Z") / 1000 + version * 60,
  message: `to ${weight}\nand more`,
  environment: {},
  result: "succeeded",
  version,
  config: {
    [`${prefix}weight`]: { string: weight, secret: false },
    [`${prefix}pools`]: { string: '{"llm":{"replicas":6}}', secret: false, object: true },
    [`${prefix}huggingFaceToken`]: { string: "v1:abc:cipher", secret: true },
  },
  ...rest,
});

const updates = [
  update(13, "60", { result: "failed" }),
  update(12, "30", { environment: { "pulumi.flag.target": "true" } }),
  update(11, "10"),
  update(10, "10", { kind: "refresh" }),
];

describe("the history of a stack on Pulumi Cloud", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cloud-history-"));
  const earlier = { ...process.env };
  const cloud = new CloudService();
  before(async () => {
    cloud.add("inference-rollout", "dev", updates);
    const url = await cloud.start();
    const { path: pulumi } = await resolveTool("pulumi");
    Object.assign(process.env, {
      PATH: `${path.dirname(pulumi)}:${process.env["PATH"] ?? ""}`,
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_BACKEND_URL: url,
      PULUMI_ACCESS_TOKEN: "pul-of-a-test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
  });
  after(() => {
    process.env = earlier;
    cloud.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("has each update's own number, config and end, and no secret", async () => {
    const workspace = layOutWorkspace(path.join(folder, "workspace"), "dev");
    const engine = await Engine.open(workspace.folder, `${organization}/inference-rollout/dev`);
    const history = await engine.history();
    assert.deepEqual(
      history.map(({ number, kind, succeeded, partial, message }) => ({
        number,
        kind,
        succeeded,
        partial,
        message,
      })),
      [
        { number: 13, kind: "update", succeeded: false, partial: false, message: "to 60" },
        { number: 12, kind: "update", succeeded: true, partial: true, message: "to 30" },
        { number: 11, kind: "update", succeeded: true, partial: false, message: "to 10" },
        { number: 10, kind: "refresh", succeeded: true, partial: false, message: "to 10" },
      ],
    );
    assert.deepEqual(history[2]?.values, {
      [`${prefix}weight`]: { secret: false, value: "10" },
      [`${prefix}pools`]: { secret: false, value: { llm: { replicas: 6 } } },
      [`${prefix}huggingFaceToken`]: { secret: true },
    });
    assert.equal(history[2].time, "2026-11-20T09:11:00.000Z");
  });
});
