import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { closedPaths } from "../../components/route/closed-paths";
import { projectFolder } from "../../lab/workspace";
import { minutes, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * The example of settings of model servers' pods, with a secret among its variables and images through mirrors, with the
 * real engine and provider: made, rolled out and promoted; what changes in place does so under traffic, and everything else is another pool.
 */

const example = path.join(projectFolder, "examples", "Pulumi.server-settings.yaml");
const secret = "sk-live-of-a-variable";
const model = "Qwen/Qwen3-8B";

interface Deployment {
  metadata: { generation: number };
  spec: {
    template: {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> };
      spec: {
        containers: {
          image: string;
          env: { name: string; value?: string; valueFrom?: object }[];
          resources: Record<"limits" | "requests", Record<string, string>>;
          volumeMounts: { mountPath: string }[];
        }[];
        volumes: object[];
        topologySpreadConstraints: { topologyKey: string }[];
      };
    };
  };
}

describe("settings of model servers' pods", minutes(28), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let address = "";
  const printed: string[] = [];
  const attempt = async (...args: string[]): Promise<number | null> => {
    const { status, output } = await stack.pulumi.attempt(args);
    printed.push(output);
    return status;
  };
  const up = async (): Promise<void> =>
    assert.equal(await attempt("up", "--yes", "--skip-preview"), 0, printed.at(-1));
  const set = (key: string, ...value: string[]): Promise<string> =>
    stack.pulumi.run(["config", "set", "--path", key, ...value]);
  const deployment = async (pool: string): Promise<Deployment> => {
    const found = await lab.get<Deployment>("apps/v1", "Deployment", "default", pool);
    assert.ok(found !== undefined, pool);
    return found;
  };
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    const cluster = { imageMirrors: ["docker.io", "registry.k8s.io"] };
    stack = await lab.stack("settings", { weight: 0, cluster }, example);
    await stack.pulumi.run([
      ...["config", "set", "--secret", "--path", "pools.llm.server.env.VLLM_API_KEY", secret],
    ]);
    // Of several pods one after the other restarts: two are enough.
    await stack.setPath("pools.llm.replicas", "2");
    await stack.setPath("pools.llm.picker.config.queue", "3");
    await stack.setPath("pools.llm.picker.resources.cpu", "500m");
    // What a gate sends has to have the servers' key.
    await stack.pulumi.run(["config", "set", "--secret", "--path", "gate.apiKey", secret]);
  }, minutes(4));
  after(async () => lab.stop());

  test("are made as the config has them, and previewed without a change", minutes(6), async () => {
    await up();
    assert.equal(await attempt("preview", "--expect-no-changes"), 0, printed.at(-1));
    for (const pool of ["llm", "llm-new"]) {
      const { metadata, spec } = (await deployment(pool)).spec.template;
      const [server] = spec.containers;
      assert.ok(server !== undefined);
      const from = server.env.find(({ name }) => name === "VLLM_API_KEY")?.valueFrom;
      // The client makes objects of its own classes.
      assert.deepEqual(JSON.parse(JSON.stringify(from)), {
        secretKeyRef: { name: `${pool}-arguments`, key: "VLLM_API_KEY" },
      });
      assert.match(server.image, /^us-central1-docker\.pkg\.dev\/acme-ml\/inference-docker-hub\/vllm\//);
      const [picker] = (await deployment(`${pool}-epp`)).spec.template.spec.containers;
      assert.match(picker?.image ?? "", /\/inference-registry-k8s-io\/.*\/epp:v/);
      assert.equal(picker?.resources.requests["cpu"], "500m");
      const config = await lab.get<{ data: object }>("v1", "ConfigMap", "default", `${pool}-epp`);
      assert.match(JSON.stringify(config?.data), /queue-scorer[^}]*weight\W+3\b/);
      assert.equal(server.resources.requests["memory"], "24Gi");
      assert.equal(server.resources.limits["memory"], "40Gi");
      assert.ok(server.volumeMounts.some(({ mountPath }) => mountPath === "/scratch"));
      assert.deepEqual(
        spec.topologySpreadConstraints.map(({ topologyKey }) => topologyKey),
        ["topology.kubernetes.io/zone"],
      );
      assert.equal(metadata.labels["team"], "search");
      const held = await lab.get<{ data: Record<string, string> }>(
        "v1",
        "Secret",
        "default",
        `${pool}-arguments`,
      );
      assert.equal(Buffer.from(held?.data["VLLM_API_KEY"] ?? "", "base64").toString(), secret);
    }
    const state = await stack.pulumi.run(["stack", "export"]);
    assert.ok(!state.includes(secret), "the state has the secret encrypted");
    for (const output of printed) assert.ok(!output.includes(secret));
  });

  test("no customer administers a model server", minutes(2), async () => {
    const route = await lab.get<{ spec: { rules: { matches: object[] }[] } }>(
      ...(["gateway.networking.k8s.io/v1", "HTTPRoute", "default", "closed-paths-of-llm"] as const),
    );
    assert.ok((route?.spec.rules.length ?? 0) >= 1);
    address = String((await stack.pulumi.outputs())["address"]);
    const port = await lab.lab.boundPort(address);
    const ask = async (where: string): Promise<number> => {
      const response = await fetch(`http://${address}:${port}${where}`, {
        ...{ method: "POST", redirect: "manual", body: "{}" },
        signal: AbortSignal.timeout(20_000),
      });
      await response.text();
      return response.status;
    };
    for (const where of closedPaths()) assert.equal(await ask(where), 302, where);
    for (const where of ["/flush_cache/x", "/flush_cache?x=1"]) assert.equal(await ask(where), 302, where);
    assert.notEqual(await ask("/flush_cached"), 302, "another path");
  });

  test("change in place, one pod after the other, and no request fails", minutes(10), async () => {
    const before = (await deployment("llm")).metadata.generation;
    await set("pools.llm.server.labels.team", "ads");
    let done = false as boolean;
    const asked: Record<string, number> = {};
    const traffic = (async (): Promise<void> => {
      while (!done) {
        const counts = await lab.ask(address, 20, { model, headers: { authorization: `Bearer ${secret}` } });
        for (const [who, count] of Object.entries(counts)) asked[who] = (asked[who] ?? 0) + count;
        await sleep(200);
      }
    })();
    await up();
    done = true;
    await traffic;
    assert.match(printed.at(-1) ?? "", /changes in place \(server\.labels\)/);
    assert.deepEqual(Object.keys(asked), ["llm"], JSON.stringify(asked));
    const { metadata, spec } = await deployment("llm");
    assert.ok(metadata.generation > before);
    assert.equal(spec.template.metadata.labels["team"], "ads");
    console.log(`# ${asked["llm"] ?? 0} requests while the pods restarted, none failed`);
  });

  test("are another pool where they can change what is answered", minutes(8), async () => {
    const changes: [key: string, value: string, back: string][] = [
      ["env.VLLM_LOGGING_LEVEL", "DEBUG", "INFO"],
      ["resources.memory", "20Gi", "24Gi"],
      ["shmGb", "9", "8"],
      ["volumes[0].mountPath", "/other", "/scratch"],
      ["podPatch.spec.hostIPC", "true", "false"],
    ];
    const setKey = (value: string): Promise<string> =>
      stack.pulumi.run(["config", "set", "--secret", "--path", "pools.llm.server.env.VLLM_API_KEY", value]);
    for (const [key, value, back] of changes) {
      await set(`pools.llm.server.${key}`, value);
      assert.notEqual(await attempt("up", "--yes", "--skip-preview"), 0, key);
      assert.match(printed.at(-1) ?? "", /edited-in-place/, key);
      await set(`pools.llm.server.${key}`, back);
    }
    await set("pools.llm.picker.config.queue", "4");
    assert.notEqual(await attempt("up", "--yes", "--skip-preview"), 0);
    assert.match(printed.at(-1) ?? "", /edited-in-place[^]*picker\.config/);
    await set("pools.llm.picker.config.queue", "3");
    await setKey("key-2-of-this-test");
    assert.notEqual(await attempt("up", "--yes", "--skip-preview"), 0);
    assert.match(printed.at(-1) ?? "", /"VLLM_API_KEY":"\(another secret\)"/);
    await setKey(secret);
    await stack.unset("cluster.imageMirrors[0]");
    assert.notEqual(await attempt("up", "--yes", "--skip-preview"), 0);
    assert.match(printed.at(-1) ?? "", /image-mirror-in-use/);
    await set("cluster.imageMirrors[1]", "docker.io");
    assert.equal(await attempt("preview", "--expect-no-changes"), 0, printed.at(-1));
  });

  test("go through the ladder to the promotion", minutes(8), async () => {
    const headers = { authorization: `Bearer ${secret}` };
    for (const weight of ["30", "100"]) {
      await stack.pulumi.run(["config", "set", "weight", weight]);
      await up();
      const counts = await lab.ask(address, 200, { model, headers });
      assert.equal((counts["llm"] ?? 0) + (counts["llm-new"] ?? 0), 200, JSON.stringify(counts));
    }
    for (const args of [
      ["set", "stable", "llm-new"],
      ["rm", "candidate"],
      ["rm", "weight"],
    ])
      await stack.pulumi.run(["config", ...args]);
    await up();
    assert.deepEqual(await lab.ask(address, 100, { model, headers }), { "llm-new": 100 });
  });
});
