import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KubernetesObjectApi, PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import { eventually as found } from "../../lab/processes/patience";
import { prefix, prefixed } from "../../lab/rehearsal/config-file";
import { loadKubeconfig } from "../../lab/cluster/objects";
import { ask } from "../../lab/gateway/fixture/client";
import { WholeLab, type WholeLabOptions } from "../../lab/lab";
import { Pulumi } from "../../lab/pulumi";
import type { Traffic } from "../../lab/traffic/traffic";
import type { CommandResult } from "../../lab/tools/command";
import { rehearsalTools, type ToolName } from "../../lab/tools/catalogue";
import { resolveTool } from "../../lab/tools/resolve";
import { layOutWorkspace, projectFolder, type Workspace } from "../../lab/workspace";
import { Command } from "./command";

/** Keys that the config of a platform does not have. */
const ofAService = ["model", "stable", "candidate", "weight", "pools"];

/** Times of tests: enough on two busy cores, and no test hangs. */
export const minutes = (count: number): { timeout: number } => ({ timeout: count * 60_000 });

/** One whole lab for the tests of a file, and any number of stacks in it. */
export class StackLab {
  private constructor(
    readonly lab: WholeLab,
    readonly objects: KubernetesObjectApi,
  ) {}

  static async start(options: Pick<WholeLabOptions, "speed"> = {}): Promise<StackLab> {
    const tools = {} as Record<ToolName, string>;
    for (const name of rehearsalTools) tools[name] = (await resolveTool(name)).path;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-stack-"));
    const lab = await WholeLab.start({ folder, tools, ...options });
    return new StackLab(lab, KubernetesObjectApi.makeApiClient(loadKubeconfig(lab.controlPlane.kubeconfig)));
  }

  async stop(): Promise<void> {
    await this.lab.stop();
    fs.rmSync(this.lab.folder, { recursive: true, force: true });
  }

  /** A stack of the program with another's config (or that of a file) and what is changed of it. Keys without prefix. */
  async stack(
    name: string,
    changes: Readonly<Record<string, unknown>> = {},
    from = "dev",
  ): Promise<StackUnderTest> {
    const folder = path.join(this.lab.folder, "workspaces", name);
    const labs = this.lab.stackConfig();
    const gate = { ...(labs[`${prefix}gate`] as object), ...(changes["gate"] as object) };
    const changed = { ...labs, ...prefixed(changes), [`${prefix}gate`]: gate };
    const workspace = layOutWorkspace(folder, from, changed, name);
    const pulumi = new Pulumi(workspace, this.lab.plugins.environment());
    await pulumi.initStack();
    return new StackUnderTest(pulumi, workspace);
  }

  /** A stack that makes cluster and Gateway, and no service. */
  platform(gateway: object = {}): Promise<StackUnderTest> {
    const none = Object.fromEntries(ofAService.map((key) => [key, undefined]));
    return this.stack("platform", { role: "platform", gate: {}, gateway, ...none });
  }

  /** The live object; undefined where there is none. */
  async get<T>(apiVersion: string, kind: string, namespace: string, name: string): Promise<T | undefined> {
    const metadata = { namespace, name };
    try {
      const found: unknown = await this.objects.read({ apiVersion, kind, metadata });
      return found as T;
    } catch (error) {
      if ((error as { code?: number }).code === 404) return undefined;
      throw error;
    }
  }

  /** Asks the service as a customer does. @returns how often each pool answered, by its own word. */
  async ask(
    address: string,
    count: number,
    { model, headers = {} }: { model: string; headers?: Readonly<Record<string, string>> },
  ): Promise<Record<string, number>> {
    const port = await this.lab.boundPort(address);
    const counts: Record<string, number> = {};
    const one = async (): Promise<void> => {
      const { status, headers: answered } = await ask(`http://${address}:${port}/v1/completions`, {
        headers,
        body: { model, prompt: "Hello", max_tokens: 1 },
      });
      const key = status === 200 ? String(answered["x-served-by-pool"] ?? "nobody") : `status ${status}`;
      counts[key] = (counts[key] ?? 0) + 1;
    };
    for (let sent = 0; sent < count; sent += 20) {
      await Promise.all(Array.from({ length: Math.min(20, count - sent) }, one));
    }
    return counts;
  }

  /** Metrics of the picker of a pool, as Prometheus gets them: with a token. */
  async pickerMetrics(pool: string, namespace: string): Promise<string> {
    const pods = await this.objects.list<KubernetesObject & { status?: { podIP?: string } }>(
      "v1",
      "Pod",
      namespace,
    );
    const pod = pods.items.find(({ metadata }) => metadata?.labels?.["app"] === `${pool}-epp`);
    const token = fs.readFileSync(this.lab.plugins.tokenFile, "utf8").trim();
    const url = `http://${pod?.status?.podIP ?? "no-pod"}:9090/metrics`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    return response.text();
  }

  route(name = "routes-to-llm", namespace = "default"): Promise<LiveRoute | undefined> {
    return this.get("gateway.networking.k8s.io/v1", "HTTPRoute", namespace, name);
  }

  pool(name: string, namespace = "default"): Promise<KubernetesObject | undefined> {
    return this.get("inference.networking.k8s.io/v1", "InferencePool", namespace, name);
  }

  /** Changes an object as somebody with kubectl does. */
  async edit(object: KubernetesObject & Record<string, unknown>): Promise<void> {
    await this.objects.patch(
      object,
      undefined,
      undefined,
      "kubectl-edit",
      undefined,
      PatchStrategy.MergePatch,
    );
  }

  /** Deletes an object as somebody with kubectl does. @returns what the API server said where it refused. */
  async remove(
    apiVersion: string,
    kind: string,
    namespace: string | undefined,
    name: string,
  ): Promise<string | undefined> {
    const object: KubernetesObject = { apiVersion, kind };
    object.metadata = namespace === undefined ? { name } : { namespace, name };
    try {
      await this.objects.delete(object);
      return undefined;
    } catch (error) {
      return (error as { body?: string }).body ?? String(error);
    }
  }
}

export interface LiveRoute {
  metadata: { name: string; namespace: string; generation: number; resourceVersion: string };
  spec: {
    parentRefs: Record<string, unknown>[];
    rules: { backendRefs: { name: string; weight?: number; namespace?: string }[] }[];
  };
}

/** Weights of a route by pool. */
export function weightsOf(route: LiveRoute | undefined): Record<string, number> {
  const refs = route?.spec.rules.flatMap(({ backendRefs }) => backendRefs) ?? [];
  return Object.fromEntries(refs.map(({ name, weight }) => [name, weight ?? 1]));
}

/** Percent of the requests by pool: a route that was taken over says its split in its owner's numbers. */
export function percentOf(route: LiveRoute | undefined): Record<string, number> {
  const weights = Object.entries(weightsOf(route));
  const all = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return Object.fromEntries(weights.map(([name, weight]) => [name, (100 * weight) / all]));
}

/** Weights of a route that splits between the source's two pools. @param candidate percent for llm-new. */
export function splitAt(candidate: number): Record<string, number> {
  return {
    ...(candidate < 100 ? { llm: 100 - candidate } : {}),
    ...(candidate > 0 ? { "llm-new": candidate } : {}),
  };
}

/** A stack, with the commands that a person gives. */
export class StackUnderTest {
  constructor(
    readonly pulumi: Pulumi,
    readonly workspace: Workspace,
  ) {}

  set(key: string, value: string): Promise<string> {
    return this.pulumi.setConfig(key, value);
  }

  async setPath(key: string, value: string): Promise<void> {
    await this.pulumi.run(["config", "set", "--path", "--", key, value]);
  }

  async unset(key: string): Promise<void> {
    await this.pulumi.run(["config", "rm", "--path", key]);
  }

  /** `pulumi config set --path` for each key, or `rm`, and `pulumi up`; whatever came of it. */
  async update(config: Readonly<Record<string, string | undefined>>): Promise<CommandResult> {
    for (const [key, value] of Object.entries(config)) {
      if (value === undefined) await this.unset(key);
      else await this.setPath(key, value);
    }
    return this.pulumi.attempt(["up", "--yes", "--skip-preview"]);
  }

  /** `pulumi up` that has to succeed; says what it printed where it does not. */
  up(): Promise<string> {
    return this.pulumi.up();
  }

  /** `pulumi up` that has to fail. @returns what it printed. */
  async refusedUp(): Promise<string> {
    const { status, output } = await this.pulumi.attempt(["up", "--yes", "--skip-preview"]);
    if (status === 0) throw new Error(`pulumi up succeeded:\n${output}`);
    return output;
  }

  /** `npm run rollout -- ARGS` for this stack; whatever came of it. */
  async rollout(...args: string[]): Promise<{ status: number; output: string }> {
    const env = { ...process.env, ...this.pulumi.environment };
    const main = path.join(projectFolder, "start", "rollout.js");
    const command = new Command(main, args, env, this.workspace.folder);
    return { status: await command.ended, output: command.output };
  }

  /** The whole service, on purpose. */
  async takeDown(): Promise<void> {
    await this.setPath("allow[0]", "destroy");
    await this.up();
    await this.pulumi.run(["destroy", "--run-program", "--yes", "--skip-preview"]);
  }

  /** Resources that the state holds, the stack itself included. */
  async resources(): Promise<{ type: string; urn: string; protect?: boolean }[]> {
    const text = await this.pulumi.run(["stack", "export"]);
    const { deployment } = JSON.parse(text) as {
      deployment: { resources?: { type: string; urn: string; protect?: boolean }[] };
    };
    return deployment.resources ?? [];
  }
}

/** Waits for the answers that are due, of which none may have failed. @returns the pools that gave them. */
export async function nobodyNoticed(traffic: Traffic): Promise<string[]> {
  await traffic.drain(60);
  const { outcomes } = traffic;
  assert.deepEqual(
    outcomes.flatMap(({ failure }) => failure ?? []),
    [],
  );
  console.log(`# ${outcomes.length} requests and streams, none failed`);
  return [...new Set(outcomes.map(({ pool }) => pool ?? "nobody"))].sort();
}

/** Waits until something holds; what takes longer than that has not happened. */
export async function eventually(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  await found(what, holds, seconds, 250);
}
