import * as fs from "node:fs";
import * as path from "node:path";
import { Command, Option } from "commander";
import { StackLab } from "./end-to-end/stack-lab";
import { Pulumi } from "../lab/pulumi";
import { projectFolder, type Workspace } from "../lab/workspace";

/*
 * `npm run bench`: what a weight move costs beside the engine's own floor: a program of one route whose weight
 * changes, and one that has as many resources beside it as the stack has, all by the same engine against the same
 * lab. In turn, so that whatever else the machine does falls on all; what counts are the ratios.
 */

const floorProgram = `import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
const weight = new pulumi.Config().requireNumber("weight");
for (let i = 0; i < (new pulumi.Config().getNumber("others") ?? 0); i++) {
  new k8s.core.v1.ConfigMap("other-" + i, { metadata: { name: pulumi.getStack() + "-" + i, namespace: "default" }, data: { i: String(i) } });
}
new k8s.apiextensions.CustomResource("route", {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: pulumi.getStack(), namespace: "default" },
  spec: {
    parentRefs: [{ name: "nobody" }],
    rules: [{ backendRefs: [{ name: "a", port: 80, weight }, { name: "b", port: 80, weight: 100 - weight }] }],
  },
});
`;

async function main(): Promise<void> {
  const program = new Command("npm run bench --")
    .description("Measures how long a weight change takes, as a ratio to the minimum of the engine itself.")
    .addOption(new Option("--rounds <n>", "number of runs of each").default("7"))
    .addOption(new Option("--json", "print the result as JSON"))
    .parse(process.argv);
  const { rounds, json } = program.opts<{ rounds: string; json?: boolean }>();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  say("starting a lab");
  const lab = await StackLab.start();
  try {
    const stack = await lab.stack("bench", { weight: 10 });
    say("deploying");
    await stack.up();
    const others = (await stack.resources()).filter(
      ({ type }) => !type.startsWith("inference-rollout:"),
    ).length;
    const floor = await plainStack(lab, "floor", 0);
    const sized = await plainStack(lab, "sized", others);
    const runs = [["floor", floor] as const, ["sized", sized] as const, ["stack", stack.pulumi] as const];
    const times: Record<(typeof runs)[number][0], number[]> = { floor: [], sized: [], stack: [] };
    for (let round = 0; round < Number(rounds); round++) {
      for (const [name, pulumi] of runs) {
        await pulumi.setConfig("weight", round % 2 === 0 ? "20" : "10");
        const began = performance.now();
        await pulumi.up();
        times[name].push((performance.now() - began) / 1000);
      }
      say(
        `round ${round + 1}: one route ${text(times.floor.at(-1))}, ${others} resources and one route ${text(times.sized.at(-1))}, a weight move ${text(times.stack.at(-1))}`,
      );
    }
    const [low, same, own] = [median(times.floor), median(times.sized), median(times.stack)];
    const ratios = { toOneRoute: own / low, toAsManyResources: own / same };
    if (json === true) console.log(JSON.stringify({ others, ratios, times }));
    else {
      console.log(
        `medians: one route ${text(low)}, ${others} resources and one route ${text(same)}, a weight move ${text(own)}`,
      );
      console.log(
        `a weight move takes ${ratios.toOneRoute.toFixed(2)} times as long as one route, and ${ratios.toAsManyResources.toFixed(2)} times as long as the same number of plain resources`,
      );
    }
  } finally {
    await lab.stop();
  }
}

/** A stack of a plain program: one route, and so many objects beside it that never change. */
async function plainStack(lab: StackLab, stack: string, others: number): Promise<Pulumi> {
  const folder = path.join(lab.lab.folder, "workspaces", stack);
  fs.mkdirSync(folder, { recursive: true });
  fs.symlinkSync(path.join(projectFolder, "node_modules"), path.join(folder, "node_modules"));
  fs.copyFileSync(path.join(projectFolder, "tsconfig.json"), path.join(folder, "tsconfig.json"));
  fs.writeFileSync(path.join(folder, "Pulumi.yaml"), "name: floor\nruntime: nodejs\n");
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "floor", main: "index.ts" }));
  fs.writeFileSync(path.join(folder, "index.ts"), floorProgram);
  const workspace: Workspace = { folder, stack, configFile: path.join(folder, `Pulumi.${stack}.yaml`) };
  const pulumi = new Pulumi(workspace, lab.lab.plugins.environment());
  await pulumi.initStack();
  await pulumi.setConfig("others", String(others));
  await pulumi.setConfig("weight", "10");
  await pulumi.up();
  return pulumi;
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
