import * as fs from "node:fs";
import * as path from "node:path";
import { StackLab } from "../end-to-end/stack-lab";
import { resolveTool } from "../../lab/tools/resolve";
import { projectFolder } from "../../lab/workspace";
import { compare, measured, type Compared, type Sample } from "./measure";
import { moveWeight } from "./services";

/*
 * What a weight move costs, beside a program that does nothing and beside other people's ways to move a weight. All in
 * turn, in one lab.
 */

/** What `pulumi new typescript` makes, with one output. */
const emptyProject = {
  "Pulumi.yaml": "name: empty\nruntime:\n  name: nodejs\n",
  "package.json": `{"name":"empty","main":"index.ts"}\n`,
  "index.ts": `import * as pulumi from "@pulumi/pulumi";\nexport const weight = new pulumi.Config().requireNumber("weight");\n`,
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      outDir: "bin",
      target: "es2020",
      module: "commonjs",
      moduleResolution: "node",
      sourceMap: true,
      experimentalDecorators: true,
      pretty: true,
      noFallthroughCasesInSwitch: true,
      noImplicitReturns: true,
      forceConsistentCasingInFileNames: true,
    },
    files: ["index.ts"],
  }),
};

const route = (name: string, weight: number | string): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: nobody }]
  rules:
    - backendRefs:
        - { name: a, port: 80, weight: ${weight} }
        - { name: b, port: 80, weight: 50 }
`;

export async function weightMove(rounds: number, say: (text: string) => void): Promise<Compared[]> {
  const [helm, kubectl] = [(await resolveTool("helm", say)).path, (await resolveTool("kubectl", say)).path];
  say("starting a lab");
  const lab = await StackLab.start();
  try {
    const { kubeconfig } = lab.lab.controlPlane;
    const env = { ...process.env, ...lab.lab.plugins.environment(), KUBECONFIG: kubeconfig };
    say("deploying the dev stack");
    const stack = await lab.stack("dev", { weight: 10 });
    await stack.up();
    const empty = written(path.join(lab.lab.folder, "workspaces", "empty"), emptyProject);
    fs.symlinkSync(path.join(projectFolder, "node_modules"), path.join(empty, "node_modules"));
    const chart = written(path.join(lab.lab.folder, "workspaces", "chart"), {
      "Chart.yaml": "apiVersion: v2\nname: route\nversion: 1.0.0\n",
      "values.yaml": "weight: 1\n",
      "templates/route.yaml": route("by-helm", "{{ .Values.weight }}"),
    });
    const manifest = path.join(lab.lab.folder, "workspaces", "route.yaml");
    fs.writeFileSync(manifest, route("by-kubectl", 1));
    await measured("pulumi", ["stack", "init", "empty", "--non-interactive"], { cwd: empty, env });
    await measured(helm, ["install", "route", chart], { env });
    await measured(kubectl, ["apply", "-f", manifest], { env });

    const up = ["up", "--yes", "--skip-preview", "--non-interactive"];
    const moves: Record<string, (weight: number) => Promise<Sample>> = {
      "an empty TypeScript program": async (weight) => {
        await measured("pulumi", ["config", "set", "weight", String(weight)], { cwd: empty, env });
        return measured("pulumi", up, { cwd: empty, env });
      },
      "a weight move, gates on": (weight) => moveWeight({ lab, stack }, weight, false),
      "`helm upgrade` of a route": (weight) =>
        measured(helm, ["upgrade", "route", chart, "--set", `weight=${weight}`], { env }),
      "`kubectl patch` of a route": (weight) => {
        const value = [{ op: "replace", path: "/spec/rules/0/backendRefs/0/weight", value: weight }];
        const args = ["patch", "httproute", "by-kubectl", "-n", "default", "--type=json"];
        return measured(kubectl, [...args, "-p", JSON.stringify(value)], { env });
      },
    };
    // The first of each is what comes once: bundling, a cold cache.
    for (const move of Object.values(moves)) await move(12);
    const samples = Object.fromEntries(Object.keys(moves).map((name) => [name, [] as Sample[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, move] of Object.entries(moves)) samples[name]?.push(await move(20 + (round % 2) * 5));
      say(
        `round ${round + 1}: ${Object.entries(samples)
          .map(([name, own]) => `${name} ${own.at(-1)?.wall.toFixed(2) ?? "?"} s`)
          .join(", ")}`,
      );
    }
    return compare(samples);
  } finally {
    await lab.stop();
  }
}

function written(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}
