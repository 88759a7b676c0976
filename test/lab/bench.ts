import * as fs from "node:fs";
import * as path from "node:path";
import { Command, Option } from "commander";
import { StackLab } from "./end-to-end/stack-lab";
import { Pulumi } from "./pulumi";
import { projectFolder, type Workspace } from "./workspace";

/*
 * `npm run bench`: what a weight move costs beside the engine's own floor, which is a program of one route whose
 * weight changes, run by the same engine against the same lab. Both in turn, so that whatever else the machine does
 * falls on both; what counts is the ratio.
 */

const floorProgram = `import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
const weight = new pulumi.Config().requireNumber("weight");
new k8s.apiextensions.CustomResource("route", {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "floor", namespace: "default" },
  spec: {
    parentRefs: [{ name: "nobody" }],
    rules: [{ backendRefs: [{ name: "a", port: 80, weight }, { name: "b", port: 80, weight: 100 - weight }] }],
  },
});
`;

async function main(): Promise<void> {
  const program = new Command("npm run bench --")
    .description("What a weight move costs beside the engine's own floor, as a ratio.")
    .addOption(new Option("--rounds <n>", "how often each is run").default("7"))
    .addOption(new Option("--json", "for programs"))
    .parse(process.argv);
  const { rounds, json } = program.opts<{ rounds: string; json?: boolean }>();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  say("starting a lab");
  const lab = await StackLab.start();
  try {
    const floor = new Pulumi(floorWorkspace(lab.lab.folder), lab.lab.plugins.environment());
    await floor.initStack();
    const ours = (await lab.stack("bench", { weight: 10 })).pulumi;
    say("deploying both");
    for (const pulumi of [floor, ours]) {
      await pulumi.setConfig("weight", "10");
      await pulumi.up();
    }
    const times: { floor: number[]; ours: number[] } = { floor: [], ours: [] };
    for (let round = 0; round < Number(rounds); round++) {
      const weight = round % 2 === 0 ? "20" : "10";
      for (const [name, pulumi] of [["floor", floor] as const, ["ours", ours] as const]) {
        await pulumi.setConfig("weight", weight);
        const began = performance.now();
        await pulumi.up();
        times[name].push((performance.now() - began) / 1000);
      }
      say(`round ${round + 1}: floor ${text(times.floor.at(-1))}, a weight move ${text(times.ours.at(-1))}`);
    }
    const [low, own] = [median(times.floor), median(times.ours)];
    const ratio = own / low;
    if (json === true) console.log(JSON.stringify({ floorSeconds: low, moveSeconds: own, ratio, times }));
    else
      console.log(
        `medians: floor ${text(low)}, a weight move ${text(own)}; ${ratio.toFixed(2)} times the floor`,
      );
  } finally {
    await lab.stop();
  }
}

function floorWorkspace(labFolder: string): Workspace {
  const folder = path.join(labFolder, "workspaces", "floor");
  fs.mkdirSync(folder, { recursive: true });
  fs.symlinkSync(path.join(projectFolder, "node_modules"), path.join(folder, "node_modules"));
  fs.copyFileSync(path.join(projectFolder, "tsconfig.json"), path.join(folder, "tsconfig.json"));
  fs.writeFileSync(path.join(folder, "Pulumi.yaml"), "name: floor\nruntime: nodejs\n");
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "floor", main: "index.ts" }));
  fs.writeFileSync(path.join(folder, "index.ts"), floorProgram);
  return { folder, stack: "floor", configFile: path.join(folder, "Pulumi.floor.yaml") };
}

const text = (seconds: number | undefined): string => `${(seconds ?? NaN).toFixed(2)} s`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
