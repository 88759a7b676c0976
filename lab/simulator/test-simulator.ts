import * as fs from "node:fs";
import * as http from "node:http";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AddressRange, accepts, freePort } from "../processes/addresses";
import { Simulator } from "./control";
import type { ServerEvent, StartServer } from "./protocol";

export interface TestServer {
  url: string;
  /** For the control API. */
  id: string;
  host: string;
}

/** A simulator with model servers and without a cluster: what a test of clients and answers needs. */
export class TestSimulator {
  private readonly ended: ServerEvent[] = [];
  private servers = 0;

  private constructor(
    private readonly simulator: Simulator,
    private readonly range: AddressRange,
    private readonly folder: string,
    /** URL of the control API. */
    readonly control: string,
  ) {
    http.get(`${control}/events`, (response) => {
      response.on("data", (chunk: Buffer) => {
        const lines = chunk.toString().trim().split("\n");
        for (const line of lines) this.ended.push(JSON.parse(line) as ServerEvent);
      });
      response.on("error", () => undefined);
    });
  }

  /** @param speed everything is this many times as fast as the accelerators would be. */
  static async start(speed = 20): Promise<TestSimulator> {
    const range = await AddressRange.lease();
    const simulator = new Simulator(speed);
    const port = await freePort(range.control);
    await simulator.listen(range.control, port);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-simulator-"));
    return new TestSimulator(simulator, range, folder, `http://${range.control}:${port}`);
  }

  stop(): void {
    this.simulator.close();
    this.range.release();
    fs.rmSync(this.folder, { recursive: true });
  }

  /** Starts a model server and resolves when it listens, or has had two seconds to. */
  async server(args: readonly string[], extra: Partial<StartServer> = {}): Promise<TestServer> {
    const n = ++this.servers;
    const host = `127.${this.range.n}.200.${n}`;
    const id = `uid-${n}.vllm.1`;
    const server: StartServer = {
      ...{ id, image: "vllm/vllm-openai:v0.21.0", command: [], args, env: { LAB_LOAD_SECONDS: "0" } },
      ...{ podIP: host, pod: `pod-${n}`, namespace: "llm", node: "node-1", pool: "llm-pool" },
      ...{ accelerator: "nvidia-h100-80gb", accelerators: 1, mounts: [] },
      ...{ log: path.join(this.folder, `${n}.log`) },
      ...extra,
    };
    const response = await post(`${this.control}/servers`, server);
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
    for (let i = 0; i < 100 && !(await accepts(host, 8000)); i++) await sleep(20);
    return { url: `http://${host}:8000`, id, host };
  }

  /** How a server ended. */
  async endOf(id: string): Promise<ServerEvent & { event: "ended" }> {
    for (let i = 0; i < 200; i++) {
      const found = this.ended.find((event) => event.event === "ended" && event.id === id);
      if (found?.event === "ended") return found;
      await sleep(25);
    }
    throw new Error(`${id} has not ended`);
  }
}

export function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
}

/** The JSON of a stream's events; the last one has to be [DONE]. */
export async function eventsOf<T>(response: Response): Promise<T[]> {
  const events = (await response.text())
    .trim()
    .split("\n\n")
    .map((line) => line.replace("data: ", ""));
  if (events.pop() !== "[DONE]") throw new Error("the stream does not end with [DONE]");
  return events.map((event) => JSON.parse(event) as T);
}
