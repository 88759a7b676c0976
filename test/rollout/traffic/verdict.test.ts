import assert from "node:assert/strict";
import * as http from "node:http";
import { after, before, describe, it } from "node:test";
import {
  countedBetween,
  pickerCounts,
  requestsIn,
  type Counts,
} from "../../../rollout/traffic/picker-counts";
import { describeVerdict, exitStatus, judge } from "../../../rollout/traffic/verdict";
import type { Outcome } from "../../../rollout/traffic/outcome";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  ...{ kind: "plain", model: "m", startedAt: 1, answeredAt: 2, endedAt: 3, status: 200 },
  ...more,
});
const asked = (count: number, more: (i: number) => Partial<Outcome> = () => ({})): Outcome[] =>
  Array.from({ length: count }, (_, i) => outcome(more(i)));
const read = (llm: number, candidate: number): Counts => ({
  outcome: "read",
  byPool: { llm, "llm-new": candidate },
});
const rollout = { candidate: "llm-new", expected: 0.5 };

describe("the verdict on a split", () => {
  it("is by the answers, where they name their pool", () => {
    const named = asked(100, (i) => ({ pool: i % 2 === 0 ? "llm" : "llm-new" }));
    const verdict = judge(named, { ...rollout, counts: read(1000, 0) });
    assert.deepEqual([verdict.split?.by, verdict.split?.ok, exitStatus(verdict)], ["answers", true, 0]);
  });

  it("is by the pickers' counts, where they do not", () => {
    const right = judge(asked(100), { ...rollout, counts: read(70, 62) });
    assert.deepEqual([right.split?.by, right.split?.counted, exitStatus(right)], ["pickers", 132, 0]);
    assert.match(
      describeVerdict(right).join("\n"),
      /47\.0 % of 132 \(requests that the pickers counted, also/,
    );
    const wrong = judge(asked(100), { ...rollout, counts: read(120, 0) });
    assert.deepEqual([wrong.split?.ok, exitStatus(wrong)], [false, 1]);
  });

  it("is not by the answers where only one pool's servers name it", () => {
    const half = asked(100, (i) => (i % 10 === 0 ? { pool: "llm-new" } : {}));
    const verdict = judge(half, { candidate: "llm-new", expected: 0.1, counts: read(90, 10) });
    assert.deepEqual([verdict.split?.by, verdict.split?.ok], ["pickers", true]);
    assert.equal(exitStatus(judge(half, { candidate: "llm-new", expected: 0.1 })), 2);
  });

  it("names what was not asked for, with status 2", () => {
    const verdict = judge(asked(10), { expected: 0, models: ["m", "adapter-1", "adapter-2"] });
    assert.deepEqual([verdict.unasked, exitStatus(verdict)], [["adapter-1", "adapter-2"], 2]);
    assert.match(describeVerdict(verdict).join("\n"), /NOT ASKED: adapter-1, adapter-2/);
    assert.equal(exitStatus(judge(asked(10), { expected: 0, models: ["m"] })), 0);
  });

  it("is not given where nobody knows: the reason, how to measure it, and status 2", () => {
    const without: [Counts | undefined, RegExp][] = [
      [undefined, /no counts were read/],
      [
        { outcome: "unknown", why: "picker 10.0.0.7:9090: no response within 5 s" },
        /10\.0\.0\.7:9090: no response/,
      ],
      // A picker that is down counts nothing, and its pool is served all the same.
      [read(30, 0), /the pickers counted 30 requests, and 100 were sent/],
    ];
    for (const [counts, why] of without) {
      const verdict = judge(asked(100), { ...rollout, ...(counts === undefined ? {} : { counts }) });
      assert.deepEqual([verdict.ok, exitStatus(verdict)], [true, 2]);
      const text = describeVerdict(verdict).join("\n");
      assert.match(text, /share +NOT MEASURED/);
      assert.match(text, why);
      assert.match(text, /--pool-header NAME/);
    }
  });

  it("is not given at 0 and 100 % where the pickers counted anything else: a gate asks them too", () => {
    const at = (expected: number, counts: Counts): number =>
      exitStatus(judge(asked(100), { candidate: "llm-new", expected, counts }));
    assert.deepEqual([at(0, read(100, 0)), at(0, read(100, 1))], [0, 2]);
    assert.deepEqual([at(1, read(0, 100)), at(1, read(2, 100))], [0, 2]);
  });

  it("is not needed without a candidate, and a failure counts more", () => {
    const alone = judge(asked(10), { expected: 0 });
    assert.deepEqual([alone.unmeasured, exitStatus(alone)], [undefined, 0]);
    assert.equal(
      describeVerdict(alone).some((line) => line.startsWith("share")),
      false,
    );
    assert.equal(
      exitStatus(
        judge(
          asked(10, () => ({ failure: "cut off" })),
          rollout,
        ),
      ),
      1,
    );
  });
});

describe("what pickers have counted", () => {
  const metrics = (chat: number, batch: number): string =>
    `# TYPE inference_objective_request_total counter
inference_objective_request_total{model_name="m",priority="0",target_model_name="m"} ${chat}
inference_objective_request_total{model_name="m",priority="-1",target_model_name="m"} ${batch}
inference_objective_request_total_other{model_name="m"} 900
`;
  const texts: Record<string, string> = {};
  const servers: http.Server[] = [];
  const ports: Record<string, number> = {};
  before(async () => {
    for (const pool of ["llm", "llm-new"]) {
      const server = http.createServer(({ headers }, response) => {
        response.statusCode = headers.authorization === `Bearer token-of-${pool}` ? 200 : 401;
        response.end(texts[pool]);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      ports[pool] = (server.address() as { port: number }).port;
      servers.push(server);
    }
  });
  after(() => servers.forEach((server) => server.close()));

  const pools = ["llm", "llm-new"].map((name) => ({ name, namespace: `in-${name}` }));
  const reader = (secrets = true): ClusterReader => ({
    get: (path) => {
      const pool = /secrets\/(.*)-metrics$/.exec(path)?.[1] ?? "";
      const token = Buffer.from(`token-of-${pool}`).toString("base64");
      return Promise.resolve(secrets ? { metadata: { name: pool }, data: { token } } : undefined);
    },
    list: (path) => {
      const pool = /namespaces\/in-([^/]+)\/pods/.exec(path)?.[1] ?? "";
      const pod: LiveObject = {
        metadata: { name: `${pool}-epp-1`, labels: { app: `${pool}-epp` } },
        spec: { containers: [{ ports: [{ name: "metrics", containerPort: ports[pool] }] }] },
        status: { podIP: "127.0.0.1" },
      };
      return Promise.resolve([pod]);
    },
  });

  it("is the sum over objectives, of one metric", () => {
    assert.equal(requestsIn(metrics(40, 2)), 42);
    assert.equal(requestsIn("# nothing yet\n"), 0);
  });

  it("is read from each pool's picker with its own token, and compared with what it was", async () => {
    [texts["llm"], texts["llm-new"]] = [metrics(100, 0), ""];
    const first = await pickerCounts(reader(), pools);
    [texts["llm"], texts["llm-new"]] = [metrics(160, 3), metrics(20, 0)];
    const second = await pickerCounts(reader(), pools);
    assert.deepEqual(countedBetween(first, second), read(63, 20));
    const back = countedBetween(second, first);
    assert.match(back.outcome === "unknown" ? back.why : "", /the picker of llm was restarted/);
  });

  it("says why it is not known", async () => {
    const found = await pickerCounts(reader(false), pools);
    assert.match(found.outcome === "unknown" ? found.why : "", /no Secret in-llm\/llm-metrics/);
    const nobody: ClusterReader = { ...reader(), list: () => Promise.resolve([]) };
    const none = await pickerCounts(nobody, pools);
    assert.match(none.outcome === "unknown" ? none.why : "", /pool llm has no picker/);
  });
});
