import { FreePorts } from "../../../lab/processes/addresses";
import { eventually } from "../../../lab/processes/patience";
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/*
 * The sidecar's own program, run as it is by this machine's Python, against a model server and a bucket that only
 * keep the protocol. With the real API server it runs in the lab (lab/adapters).
 */

const host = "127.0.0.1";
const program = path.join(__dirname, "..", "..", "..", "components", "adapters", "adapter-loader.py");

/** What of vLLM the loader sees. */
class Server {
  readonly loaded = new Map<string, string>();
  refused = new Map<string, string>();
  inUse: string[] = [];
  /** Looks at what it is to load, and refuses it with the words that come back. */
  inspects: (folder: string) => string | undefined = () => undefined;
  /** Ends answers to this path before they are whole. */
  cuts = "";
  asked = 0;
  private http: http.Server | undefined;

  constructor(readonly port: number) {}

  start(): Promise<void> {
    this.http = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const [status, body] = this.answer(request.url ?? "", Buffer.concat(chunks).toString());
        if (request.url === this.cuts) {
          response.writeHead(status, { "content-length": body.length + 10 });
          response.write(body, () => request.socket.destroy());
        } else response.writeHead(status).end(body);
      });
    });
    return new Promise((resolve) => this.http?.listen(this.port, host, resolve));
  }

  /** A restart: what was loaded is lost. */
  async stop(): Promise<void> {
    this.loaded.clear();
    this.http?.closeAllConnections();
    await new Promise((resolve) => this.http?.close(resolve));
  }

  private answer(url: string, body: string): [number, string] {
    const { lora_name: name = "", lora_path: from = "" } = (body === "" ? {} : JSON.parse(body)) as Record<
      string,
      string
    >;
    switch (url) {
      case "/v1/models":
        return [
          200,
          JSON.stringify({
            data: [
              { id: "base", parent: null },
              ...[...this.loaded.keys()].map((id) => ({ id, parent: "base" })),
            ],
          }),
        ];
      case "/v1/load_lora_adapter": {
        this.asked++;
        const message = this.refused.get(name) ?? this.inspects(from);
        if (message !== undefined) return [404, JSON.stringify({ error: { message } })];
        this.loaded.set(name, from);
        return [200, "Success"];
      }
      case "/v1/unload_lora_adapter":
        this.loaded.delete(name);
        return [200, "Success"];
      case "/metrics": {
        const old = `vllm:lora_requests_info{running_lora_adapters="ghost",waiting_lora_adapters=""} 1`;
        return [200, `${old}\nvllm:lora_requests_info{running_lora_adapters="${this.inUse.join(",")}"} 2\n`];
      }
      default:
        return [404, "{}"];
    }
  }
}

/** The loader listens on every address. */
const freePorts = new FreePorts();

const hasPython = spawnSync("python3", ["--version"]).status === 0;

describe(
  "the adapter loader",
  { skip: !hasPython && "this machine has no python3", concurrency: false },
  () => {
    let folder = "";
    let server: Server;
    let bucket: http.Server;
    const stored = new Map<string, string>();
    let downloads = 0;
    /** What the bucket sends of an object before its connection breaks. */
    let breaksAfter: number | undefined;
    let loader: ChildProcess | undefined;
    let probe = "";
    let log = "";

    const list = (...adapters: [name: string, source: string][]): void => {
      const text = JSON.stringify({
        revision: "r",
        adapters: adapters.map(([name, source]) => ({ name, source })),
      });
      fs.writeFileSync(path.join(folder, "list.json.new"), text);
      fs.renameSync(path.join(folder, "list.json.new"), path.join(folder, "list.json"));
    };
    const ready = async (): Promise<{ status: number; text: string }> => {
      try {
        const answer = await fetch(probe);
        return { status: answer.status, text: await answer.text() };
      } catch {
        return { status: 0, text: "" };
      }
    };
    const becomes = (status: number): Promise<boolean> =>
      eventually(`the probe answers ${status}\n${log}`, async () => (await ready()).status === status);

    const run = async (): Promise<void> => {
      const port = await freePorts.take();
      probe = `http://${host}:${port}/ready`;
      const { port: storage } = bucket.address() as AddressInfo;
      loader = spawn("python3", [program], {
        env: {
          PATH: process.env["PATH"],
          POD_IP: host,
          POD_NAME: "pod",
          POD_NAMESPACE: "default",
          SERVER_PORT: String(server.port),
          LOADER_PORT: String(port),
          ADAPTER_LIST: path.join(folder, "list.json"),
          ADAPTER_FOLDER: path.join(folder, "adapters"),
          LOADER_ACCOUNT: folder,
          ADAPTERS_CONDITION: "test",
          // Nobody answers there: reporting fails, and must not be in the way of loading.
          KUBERNETES_SERVICE_HOST: host,
          KUBERNETES_SERVICE_PORT: "1",
          STORAGE_URL: `http://${host}:${storage}`,
          METADATA_URL: `http://${host}:${storage}`,
          UNLOAD_AFTER_SECONDS: "2",
        },
      });
      loader.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
      loader.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
    };
    const end = async (): Promise<number | null> => {
      const child = loader;
      loader = undefined;
      if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
      const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      return ended;
    };

    before(async () => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "adapter-loader-"));
      fs.mkdirSync(path.join(folder, "adapters"));
      fs.writeFileSync(path.join(folder, "token"), "t");
      server = new Server(await freePorts.take());
      await server.start();
      bucket = http.createServer((request, response) => {
        const url = new URL(request.url ?? "", "http://bucket");
        if (url.pathname.startsWith("/computeMetadata/")) {
          response.end(JSON.stringify({ access_token: "from-the-pod" }));
        } else if (request.headers.authorization !== "Bearer from-the-pod") {
          response.writeHead(401).end(JSON.stringify({ error: { message: "Anonymous caller" } }));
        } else if (url.searchParams.get("alt") === "media") {
          downloads++;
          const text = stored.get(decodeURIComponent(url.pathname.split("/o/")[1] ?? "")) ?? "";
          if (breaksAfter === undefined || breaksAfter >= text.length) response.end(text);
          else {
            response.writeHead(200, { "content-length": text.length });
            response.write(text.slice(0, breaksAfter), () => request.socket.destroy());
          }
        } else {
          const prefix = url.searchParams.get("prefix") ?? "";
          const items = [...stored]
            .filter(([name]) => name.startsWith(prefix))
            .map(([name, { length }]) => ({ name, size: String(length), generation: `${name}.${length}` }));
          response.end(JSON.stringify({ items }));
        }
      });
      await new Promise<void>((resolve) => bucket.listen(0, host, resolve));
    });
    after(async () => {
      await end();
      await server.stop();
      bucket.close();
      fs.rmSync(folder, { recursive: true });
    });
    beforeEach(async () => {
      await end();
      log = "";
      server.asked = 0;
      server.loaded.clear();
      server.refused = new Map();
      server.inUse = [];
      server.inspects = () => undefined;
      server.cuts = "";
      breaksAfter = undefined;
      downloads = 0;
      stored.clear();
      fs.rmSync(path.join(folder, "adapters", ".loaded.json"), { force: true });
    });

    it("is ready when everything is loaded, and not before", async () => {
      server.refused.set("sql-v1", "No adapter found for acme/sql");
      list(["food-v1", "acme/food"], ["sql-v1", "acme/sql"]);
      await run();
      await eventually("the first is loaded", () => server.loaded.get("food-v1") === "acme/food");
      await becomes(503);
      await eventually("the probe says the server's own words", async () =>
        (await ready()).text.includes("adapter sql-v1: 404 No adapter found for acme/sql"),
      );
      server.refused.clear();
      await becomes(200);
      assert.equal(server.loaded.get("sql-v1"), "acme/sql");
    });

    it("loads what comes onto the list while it runs, without forgetting what is there", async () => {
      list(["food-v1", "acme/food"]);
      await run();
      await becomes(200);
      list(["food-v1", "acme/food"], ["food-v2", "acme/food-2"]);
      await eventually("the second version is loaded", () => server.loaded.has("food-v2"));
      await becomes(200);
      assert.equal(server.asked, 2, "the first was not loaded again");
    });

    it("stays ready while it cannot load what came later, unless its server starts anew", async () => {
      list(["food-v1", "acme/food"]);
      await run();
      await becomes(200);
      server.refused.set("food-v2", "broken");
      list(["food-v1", "acme/food"], ["food-v2", "acme/food-2"]);
      await eventually("the second was refused", () => server.asked >= 3);
      assert.equal((await ready()).status, 200);
      // The sidecar itself may end and begin again: the server has what it had.
      await end();
      await run();
      await becomes(200);
      await server.stop();
      await becomes(503);
      await server.start();
      await eventually("the first is back", () => server.loaded.has("food-v1"));
      assert.match((await ready()).text, /food-v2/);
      assert.equal((await ready()).status, 503);
      // A version that was loaded counts: to lose it is to be unready.
      server.refused.clear();
      await becomes(200);
      server.refused.set("food-v2", "broken");
      server.loaded.delete("food-v2");
      assert.equal((await ready()).status, 503);
    });

    it("keeps to the last list where the present one cannot be read", async () => {
      list(["food-v1", "acme/food"]);
      await run();
      await becomes(200);
      fs.writeFileSync(path.join(folder, "list.json"), "{ a typo");
      await sleep(1500);
      assert.equal((await ready()).status, 200);
    });

    it("unloads what has left the list after a while, and never what a request uses or what was not its own", async () => {
      server.loaded.set("static", "/baked/in");
      list(["food-v1", "acme/food"], ["food-v2", "acme/food-2"]);
      await run();
      await becomes(200);
      server.inUse = ["food-v1"];
      list(["food-v2", "acme/food-2"]);
      await sleep(4000);
      assert.deepEqual([...server.loaded.keys()].sort(), ["food-v1", "food-v2", "static"]);
      server.inUse = [];
      await eventually("it is unloaded", () => !server.loaded.has("food-v1"));
      assert.deepEqual([...server.loaded.keys()].sort(), ["food-v2", "static"]);
      assert.equal((await ready()).status, 200, "a version that goes makes nothing unready");
    });

    it("is not ready the moment its server is gone, and loads everything again when it is back", async () => {
      list(["food-v1", "acme/food"]);
      await run();
      await becomes(200);
      await server.stop();
      assert.equal((await ready()).status, 503);
      server.refused.set("food-v1", "gone from the hub");
      await server.start();
      await sleep(2500);
      const answer = await ready();
      assert.equal(answer.status, 503);
      assert.match(answer.text, /gone from the hub/);
      server.refused.clear();
      await becomes(200);
    });

    it("downloads from a bucket, whole or not at all", async () => {
      list(["b-v1", "gs://bucket/team/b"]);
      await run();
      await eventually("it says what is missing", async () =>
        (await ready()).text.includes("no adapter_config.json"),
      );
      stored.set("team/b/weights/adapter.safetensors", "weights");
      stored.set("team/b/adapter_config.json", "{}");
      stored.set("team/b-other/adapter_config.json", "not this one");
      await becomes(200);
      const target = server.loaded.get("b-v1") ?? "";
      assert.equal(fs.readFileSync(path.join(target, "weights", "adapter.safetensors"), "utf8"), "weights");
      assert.deepEqual(fs.readdirSync(target).sort(), ["adapter_config.json", "weights"]);
    });

    const exitOf = (): number | null | undefined => loader?.exitCode;
    const weights = (folder: string): string =>
      fs.readFileSync(path.join(folder, "adapter.safetensors"), "utf8");

    it("takes no file that a connection cut short", async () => {
      stored.set("team/c/adapter_config.json", "{}");
      stored.set("team/c/adapter.safetensors", "all of the weights");
      breaksAfter = 7;
      list(["c-v1", "gs://bucket/team/c"]);
      await run();
      await eventually("it says what arrived", async () =>
        (await ready()).text.includes("team/c/adapter.safetensors: 7 of 18 bytes arrived"),
      );
      assert.equal(server.asked, 0);
      breaksAfter = undefined;
      await becomes(200);
      assert.equal(weights(server.loaded.get("c-v1") ?? ""), "all of the weights");
    });

    it("reads a bucket again that was fixed after the server had refused what was there", async () => {
      server.inspects = (at) => (weights(at) === "right" ? undefined : "the weights have another shape");
      stored.set("team/d/adapter_config.json", "{}");
      stored.set("team/d/adapter.safetensors", "wrong one");
      list(["d-v1", "gs://bucket/team/d"]);
      await run();
      await eventually("it was refused twice", () => server.asked >= 2);
      assert.equal(downloads, 2, "what is still the same is not downloaded again");
      stored.set("team/d/adapter.safetensors", "right");
      await becomes(200);
      assert.equal(downloads, 4);
      // What was downloaded before it began, perhaps by an earlier version of it, is not believed either.
      await end();
      server.loaded.clear();
      fs.writeFileSync(path.join(folder, "adapters", "d-v1", "adapter.safetensors"), "ri");
      await run();
      await becomes(200);
    });

    it("goes on, and its pod stays ready, whatever a new version does to it", async () => {
      list(["food-v1", "acme/food"]);
      await run();
      await becomes(200);
      stored.set("team/e/adapter_config.json", "{}");
      // The record cannot be written: its place is taken, as on a disk that is full.
      fs.mkdirSync(path.join(folder, "adapters", ".loaded.json.new"));
      server.cuts = "/v1/load_lora_adapter";
      list(["food-v1", "acme/food"], ["e-v1", "gs://bucket/team/e"]);
      await eventually("it has tried", () => server.asked >= 2);
      server.cuts = "";
      await eventually("it was loaded", () => server.loaded.has("e-v1"));
      assert.equal(exitOf(), null, log);
      assert.equal((await ready()).status, 200);
      assert.match(log, /what is loaded was not recorded/);
      fs.rmdirSync(path.join(folder, "adapters", ".loaded.json.new"));
      // A list that nobody wrote so: its names are no text.
      fs.writeFileSync(
        path.join(folder, "list.json"),
        '{"revision": "r", "adapters": [{"name": 5, "source": 6}]}',
      );
      await sleep(2500);
      assert.equal(exitOf(), null, log);
    });

    it("ends when it is told to", async () => {
      list(["food-v1", "acme/food"]);
      await run();
      await becomes(200);
      assert.equal(await end(), 0);
    });
  },
);
