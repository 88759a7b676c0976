import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { Engine } from "../../rollout/engine/engine";
import { layOutWorkspace } from "../lab/workspace";
import { resolveTool } from "../lab/tools/resolve";

/*
 * Pulumi Cloud's history, as the real CLI reads it from a service that answers as Pulumi Cloud's API does (the types of
 * pulumi's own apitype package). Only reading is tried: no update was ever made on Pulumi Cloud by this project.
 */

const stack = "/api/stacks/acme/inference-rollout/dev";
const prefix = "inference-rollout:";

const update = (
  version: number,
  weight: string,
  rest: Record<string, unknown> = {},
): Record<string, unknown> => ({
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

const answers: Record<string, unknown> = {
  "/api/user": { githubLogin: "acme", name: "Acme", organizations: [{ githubLogin: "acme", name: "Acme" }] },
  "/api/capabilities": { capabilities: [] },
  [stack]: { orgName: "acme", projectName: "inference-rollout", stackName: "dev", tags: {}, version: 13 },
  [`${stack}/updates`]: {
    updates: [
      update(13, "60", { result: "failed" }),
      update(12, "30", { environment: { "pulumi.flag.target": "true" } }),
      update(11, "10"),
      update(10, "10", { kind: "refresh" }),
    ],
  },
};

describe("the history of a stack on Pulumi Cloud", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cloud-history-"));
  const asked: string[] = [];
  const earlier = { ...process.env };
  const service = http.createServer((request, response) => {
    const url = request.url ?? "";
    asked.push(url);
    const answer = answers[url];
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? { code: 404, message: "not found" }));
  });
  before(async () => {
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    const { port } = service.address() as AddressInfo;
    const { path: pulumi } = await resolveTool("pulumi");
    Object.assign(process.env, {
      PATH: `${path.dirname(pulumi)}:${process.env["PATH"] ?? ""}`,
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_BACKEND_URL: `http://127.0.0.1:${port}`,
      PULUMI_ACCESS_TOKEN: "pul-of-a-test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
  });
  after(() => {
    process.env = earlier;
    service.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("has each update's own number, config and end, and no secret", async () => {
    const workspace = layOutWorkspace(path.join(folder, "workspace"), "dev");
    const engine = await Engine.open(workspace.folder, "acme/inference-rollout/dev");
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
    assert.ok(asked.includes(`${stack}/updates`), "all of it in one page");
  });
});
