import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { clusterReader, type LiveObject } from "../../stacks/state/cluster-reader";
import { keepsSecrets, leavesOf } from "../../stacks/config/secrets";
import { everyKey, markIn } from "../stacks/config/schema-keys";
import { makeCluster } from "./production/production";
import { minutes, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * Secrets inside the objects of a config (pulumi#6531, #16053). Where one can be kept it is read nowhere but in the
 * Secret that holds it; everywhere else it is refused, and in no message.
 */

const marks = {
  arg: "sk-live-inside-of-pools-1",
  next: "sk-live-inside-of-pools-2",
  stackArg: "sk-live-inside-of-server",
  kubeconfig: "token-inside-of-the-kubeconfig",
  huggingFace: "hf_insideOfTheConfig0123456789",
};

describe("secrets inside the config", minutes(15), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  const printed: string[] = [];
  const run = async (...args: string[]): Promise<number | null> => {
    const { status, output } = await stack.pulumi.attempt(args);
    printed.push(`${args.slice(0, 2).join(" ")}\n${output}`);
    return status;
  };
  const secret = (key: string, value: string): Promise<string> =>
    stack.pulumi.run(["config", "set", "--secret", "--path", "--", key, value]);
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const nodeLabels = ["cloud.google.com/gke-nodepool=l4"];
    const pool = { accelerator: "nvidia-l4", replicas: 1, nodeLabels };
    stack = await lab.stack("inside", {
      "gcp:project": undefined,
      "gcp:region": undefined,
      weight: 0,
      // The two pools have different keys; a gate that asks through the gateway knows one.
      gate: { via: "api-server" },
      server: { args: ["--api-key", "plain"] },
      pools: {
        llm: { ...pool, server: { args: ["--api-key", "plain", "--max-model-len", "8192"] } },
        "llm-new": pool,
      },
    });
    const kubeconfig = lab.lab.controlPlane.kubeconfig;
    const text = fs.readFileSync(kubeconfig, "utf8");
    const given = JSON.parse(text) as { users: object[] };
    given.users.push({ name: "somebody-else", user: { token: marks.kubeconfig } });
    await secret("cluster.kubeconfig", JSON.stringify(given));
    await secret("pools.llm.server.args[1]", marks.arg);
    await secret("server.args[1]", marks.stackArg);
    await secret("huggingFaceToken", marks.huggingFace);
  }, minutes(4));
  after(async () => lab.stop());

  test("are carried out", minutes(6), async () => {
    assert.equal(await run("preview", "--diff"), 0, printed.at(-1));
    assert.equal(await run("up", "--yes", "--diff"), 0, printed.at(-1));
    assert.equal(await run("preview", "--diff", "--refresh", "--expect-no-changes"), 0, printed.at(-1));
    for (const command of ["stack --show-urns", "stack output --json", "stack history --json", "config"]) {
      assert.equal(await run(...command.split(" ")), 0);
    }
  });

  test("reach the model servers by a Secret, and their pods have none in clear", async () => {
    for (const [pool, mark] of [
      ["llm", marks.arg],
      ["llm-new", marks.stackArg],
    ] as const) {
      const held = await lab.get<{ data: Record<string, string> }>(
        "v1",
        "Secret",
        "default",
        `${pool}-arguments`,
      );
      assert.deepEqual(
        Object.values(held?.data ?? {}).map((value) => Buffer.from(value, "base64").toString()),
        [mark],
      );
      const server = await lab.get<{ spec: { template: { spec: { containers: { args: string[] }[] } } } }>(
        "apps/v1",
        "Deployment",
        "default",
        pool,
      );
      const args = server?.spec.template.spec.containers[0]?.args ?? [];
      assert.equal(args[args.indexOf("--api-key") + 1], "$(SECRET_ARG_2)");
    }
  });

  test("that change are another pool: the refusal has neither the old one nor the new one", async () => {
    await secret("pools.llm.server.args[1]", marks.next);
    const refused = await run("up", "--yes", "--skip-preview");
    assert.notEqual(refused, 0);
    assert.match(printed.at(-1) ?? "", /edited-in-place/);
    assert.match(printed.at(-1) ?? "", /"--api-key","\(a secret\)","--max-model-len","8192"/);
    await secret("pools.llm.server.args[1]", marks.arg);
  });

  test("are no obstacle for the rollout command, which shows none", minutes(4), async () => {
    for (const args of [
      ["status"],
      ["status", "--json"],
      ["check", "--json"],
      ["next", "--to", "50", "--yes", "--json"],
      ["rollback", "--list", "--json"],
      ["rollback", "--reason", "seen enough", "--yes"],
    ]) {
      const { status, output } = await stack.rollout(...args);
      printed.push(`rollout ${args.join(" ")}\n${output}`);
      assert.equal(status, 0, output);
      assert.doesNotMatch(output, /cannot be compared|could not be read/);
    }
  });

  test(
    "are refused at every key where they cannot be kept, and shown in no message",
    minutes(4),
    async () => {
      const other = await lab.stack("refused", {});
      const leaves = Object.entries(everyKey).flatMap(([key, value]) => leavesOf(key, value));
      const flags = leaves
        .filter(([key]) => !key.startsWith("cluster.kubeconfig"))
        // The engine hides every secret in what it prints, also "llm" in the names of keys.
        .flatMap(([key, value]) => [
          markIn(value) === undefined ? "--plaintext" : "--secret",
          `${key}=${String(value)}`,
        ]);
      await other.pulumi.run(["config", "set-all", "--path", ...flags]);
      const { status, output } = await other.pulumi.attempt(["preview", "--non-interactive"]);
      assert.notEqual(status, 0);
      printed.push(output);
      assert.doesNotMatch(output, /marked-/);
      for (const [key, value] of leaves) {
        if (markIn(value) === undefined || keepsSecrets(key)) continue;
        assert.ok(output.includes(`  ${key}\n`), `${key} is refused:\n${output}`);
      }
      const asked = await other.rollout("status", "--json");
      assert.doesNotMatch(asked.output, /marked-/);
    },
  );

  test("are in nothing that was printed", () => {
    const lines = printed.flatMap((text) => text.split("\n"));
    assert.deepEqual(lines.filter(holds), []);
    assert.ok(printed.some((text) => text.includes("llm-arguments")));
  });

  test("are encrypted in the state, in its files and in the stack's config", async () => {
    const state = await stack.pulumi.run(["stack", "export"]);
    assert.ok(!holds(state));
    assert.ok(state.includes("llm-arguments"));
    assert.ok(!holds(fs.readFileSync(stack.workspace.configFile, "utf8")));
  });

  test("are in no object of the cluster but its Secrets", async () => {
    const reader = await clusterReader(lab.lab.controlPlane.kubeconfig);
    const kinds = await kindsOf(reader);
    assert.ok(kinds.length > 30, kinds.join());
    const found: string[] = [];
    let count = 0;
    for (const kind of kinds) {
      for (const object of await reader.list(kind)) {
        count++;
        if (holds(JSON.stringify(object))) found.push(`${kind} ${object.metadata.name}`);
      }
    }
    assert.ok(count > 50, String(count));
    assert.deepEqual(
      found.filter((name) => !name.startsWith("/api/v1/secrets ")),
      [],
    );
    assert.deepEqual(found.sort(), [
      "/api/v1/secrets llm-arguments",
      "/api/v1/secrets llm-hugging-face",
      "/api/v1/secrets llm-new-arguments",
      "/api/v1/secrets llm-new-hugging-face",
    ]);
  });

  test("are in no file of the lab but etcd's own", () => {
    const files = filesOf(lab.lab.folder).filter((file) => !/etcd[^/]*\/member\//.test(file));
    assert.ok(files.some((file) => file.endsWith(".log")));
    assert.deepEqual(
      files.filter((file) => holds(fs.readFileSync(file, "utf8"))),
      [],
    );
  });
});

/** In clear, or as Kubernetes writes what is in a Secret. */
function holds(text: string): boolean {
  return Object.values(marks).some(
    (mark) => text.includes(mark) || text.includes(Buffer.from(mark).toString("base64").replace(/=+$/, "")),
  );
}

type Discovery = LiveObject & {
  resources?: { name: string; verbs: string[] }[];
  groups?: { preferredVersion: { groupVersion: string } }[];
};

/** Paths of everything that the API server can list, over all namespaces. */
async function kindsOf(reader: Awaited<ReturnType<typeof clusterReader>>): Promise<string[]> {
  const groups = (await reader.get("/apis")) as Discovery | undefined;
  const roots = [
    "/api/v1",
    ...(groups?.groups ?? []).map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  const found = await Promise.all(
    roots.map(async (root) => ({ root, list: (await reader.get(root)) as Discovery | undefined })),
  );
  return found.flatMap(({ root, list }) =>
    (list?.resources ?? [])
      .filter(({ name, verbs }) => !name.includes("/") && verbs.includes("list"))
      .map(({ name }) => `${root}/${name}`),
  );
}

function filesOf(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    // Links lead to the checkout.
    if (entry.isSymbolicLink()) return [];
    return entry.isDirectory() ? filesOf(file) : entry.isFile() ? [file] : [];
  });
}
