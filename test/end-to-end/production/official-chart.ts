import * as fs from "node:fs";
import * as path from "node:path";
import { runCommand, type CommandResult } from "../../../lab/tools/command";
import { resolveTool } from "../../../lab/tools/resolve";
import { goModuleFolder } from "../../../lab/tools/sources";
import type { StackLab } from "../stack-lab";
import { serve } from "./production";

/*
 * The extension's own chart for an InferencePool, as its release has it: the module that the lab's picker is built from
 * contains the chart. Rendered and installed by the real helm.
 */

const extension = "sigs.k8s.io/gateway-api-inference-extension";

/** Values as an adopter on GKE has them: the route comes from the chart, too. */
const values = {
  "inferencePool.modelServers.matchLabels.app": "vllm-qwen3-8b",
  "provider.name": "gke",
  "experimentalHttpRoute.enabled": "true",
  "experimentalHttpRoute.inferenceGatewayName": "my-inference-gateway",
};

/** What a release of the chart consists of, with these values. */
export const partsOfRelease = [
  ["inference.networking.k8s.io/v1", "InferencePool", "llm"],
  ["apps/v1", "Deployment", "llm-epp"],
  ["v1", "Service", "llm-epp"],
  ["v1", "ConfigMap", "llm-epp"],
  ["v1", "ServiceAccount", "llm-epp"],
  ["rbac.authorization.k8s.io/v1", "Role", "llm-epp-sa"],
  ["rbac.authorization.k8s.io/v1", "Role", "llm-epp-non-sa"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding", "llm-epp-sa"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding", "llm-epp-non-sa"],
  ["networking.gke.io/v1", "HealthCheckPolicy", "llm"],
  ["networking.gke.io/v1", "GCPBackendPolicy", "llm"],
] as const;

/** The release `llm` of the official chart in a lab. */
export class OfficialChart {
  private constructor(
    private readonly helm: string,
    private readonly chart: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Lays the chart out with the library that it depends on; installs nothing. */
  static async in(lab: StackLab): Promise<OfficialChart> {
    const [{ path: helm }, source] = await Promise.all([
      resolveTool("helm"),
      goModuleFolder("epp", extension),
    ]);
    const folder = path.join(lab.lab.folder, "charts");
    // The module cache cannot be written to, and helm puts what a chart depends on beside it.
    for (const name of ["inferencepool", "epplib"]) {
      copyWritable(path.join(source, "config", "charts", name), path.join(folder, name));
    }
    const own = (name: string): string => path.join(folder, name);
    const env = {
      ...process.env,
      KUBECONFIG: lab.lab.controlPlane.kubeconfig,
      HELM_CACHE_HOME: own("cache"),
      HELM_CONFIG_HOME: own("config"),
      HELM_DATA_HOME: own("data"),
    };
    const made = new OfficialChart(helm, own("inferencepool"), env);
    await made.must("dependency", "build", made.chart);
    return made;
  }

  /** Installs it, serves a model behind it, and waits until customers are answered. @returns the Gateway's address. */
  async serve(lab: StackLab): Promise<string> {
    await this.must("install", "llm", this.chart, ...set(values));
    // The chart has everything else.
    return serve(lab, (objects) =>
      objects.filter(
        ({ kind, metadata }) => kind === "Gateway" || (kind === "Deployment" && metadata?.name !== "llm-epp"),
      ),
    );
  }

  /** `helm upgrade` with what is changed of the values. */
  upgrade(changes: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.must("upgrade", "llm", this.chart, ...set({ ...values, ...changes }));
  }

  /** Helm says why an object was not deleted only in its debug log. */
  uninstall(): Promise<CommandResult> {
    return this.run("uninstall", "llm", "--timeout", "60s", "--debug");
  }

  private run(...args: string[]): Promise<CommandResult> {
    return runCommand(this.helm, args, { env: this.env, timeoutSeconds: 180 });
  }

  private async must(...args: string[]): Promise<string> {
    const { status, output } = await this.run(...args);
    if (status !== 0) throw new Error(`helm ${args.join(" ")}:\n${output}`);
    return output;
  }
}

const set = (all: Readonly<Record<string, string>>): string[] =>
  Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

/** Module caches are read-only, folders included. */
function copyWritable(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyWritable(source, target);
    else fs.writeFileSync(target, fs.readFileSync(source));
  }
}
