import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { loadKubeconfig } from "../cluster/objects";
import { WholeLab } from "../lab";
import { ApiRefused, ClusterApi } from "../pods/cluster-api";
import type { Pod } from "../pods/objects";
import { Pulumi } from "../pulumi";
import type { CommandResult } from "../tools/command";
import { rehearsalTools, type ToolName } from "../tools/catalogue";
import { resolveTool } from "../tools/resolve";
import type { Target } from "../traffic/outcome";
import { layOutWorkspace } from "../workspace";

/** A whole lab with one stack in it: what the long tests of roll-outs that go wrong run in. */
export class StackLab {
  private constructor(
    readonly lab: WholeLab,
    readonly pulumi: Pulumi,
    readonly api: ClusterApi,
  ) {}

  /** @param changes keys of the config that differ from Pulumi.dev.yaml, with the project's prefix */
  static async start(changes: Readonly<Record<string, unknown>>): Promise<StackLab> {
    const tools = {} as Record<ToolName, string>;
    for (const name of rehearsalTools) tools[name] = (await resolveTool(name)).path;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-stack-"));
    // Containers end in these tests, and are to be started again as on GKE.
    const lab = await WholeLab.start({ folder: path.join(folder, "lab"), tools });
    try {
      const workspace = layOutWorkspace(path.join(folder, "workspace"), "dev", changes);
      const pulumi = new Pulumi(workspace, lab.plugins.environment());
      await pulumi.initStack();
      return new StackLab(lab, pulumi, new ClusterApi(loadKubeconfig(lab.controlPlane.kubeconfig)));
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.api.close();
    await this.lab.stop();
  }

  /** `pulumi config set` for each key, or `rm`, and `pulumi up`; whatever came of it. */
  async update(config: Readonly<Record<string, string | undefined>>): Promise<CommandResult> {
    for (const [key, value] of Object.entries(config)) {
      if (value === undefined) await this.pulumi.removeConfig(key);
      else await this.pulumi.setConfig(key, value);
    }
    return this.pulumi.attempt(["up", "--yes", "--skip-preview", "--non-interactive"]);
  }

  /** Weights of the customers' route, by pool. */
  async weights(name = "routes-to-llm"): Promise<Record<string, number>> {
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/${name}`;
    const route = await this.api.get<{
      spec: { rules: { backendRefs: { name: string; weight: number }[] }[] };
    }>(path);
    return Object.fromEntries(
      route.spec.rules.flatMap(({ backendRefs }) => backendRefs).map((ref) => [ref.name, ref.weight]),
    );
  }

  /** What a pool rewrites a name to, by target; empty: nothing. */
  async targets(pool: string, model: string, namespace = "default"): Promise<Record<string, number>> {
    const path = `/apis/inference.networking.x-k8s.io/v1alpha2/namespaces/${namespace}/inferencemodelrewrites/${pool}-names`;
    try {
      const { spec } = await this.api.get<{
        spec: {
          rules: {
            matches: { model: { value: string } }[];
            targets: { modelRewrite: string; weight: number }[];
          }[];
        };
      }>(path);
      const rule = spec.rules.find(({ matches }) => matches[0]?.model.value === model);
      return Object.fromEntries((rule?.targets ?? []).map((target) => [target.modelRewrite, target.weight]));
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) return {};
      throw error;
    }
  }

  async pods(app: string, namespace = "default"): Promise<Pod[]> {
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`;
    return (await this.api.get<{ items: Pod[] }>(path)).items;
  }

  /** From now on these adapters are nowhere to be had; what is loaded stays. */
  async lose(...lost: string[]): Promise<void> {
    await fetch(`${this.lab.simulator.url}/registry`, { method: "POST", body: JSON.stringify({ lost }) });
  }

  /** SIGKILL for the model server of a pod. */
  async killServer(pod: string): Promise<void> {
    const servers = (await (await fetch(`${this.lab.simulator.url}/servers`)).json()) as {
      id: string;
      pod: string;
    }[];
    const server = servers.find((found) => found.pod === pod);
    if (server === undefined) throw new Error(`no model server runs in pod ${pod}`);
    await fetch(`${this.lab.simulator.url}/servers/${server.id}/kill`, { method: "POST" });
  }

  /** Where customers reach the service. */
  async target(): Promise<Target> {
    const { address } = await this.pulumi.outputs();
    if (typeof address !== "string") throw new Error("the stack has no output address");
    return { host: address, port: await this.lab.boundPort(address) };
  }
}
