import * as fs from "node:fs";
import * as path from "node:path";
import { catalogue } from "./catalogue";
import { runCommand } from "./command";
import { moduleFolder } from "./sources";
import { projectFolder } from "../workspace";

/*
 * `npm run outdated [-- --json]`: what this project pins, what is newest, and why an older one is kept. Status 1 where
 * something is older than the newest and no reason is written down here. Run once a week by .github/workflows.
 */

/** Why a pin is not the newest, by its name. A test removes none by itself: it fails for a name that is not pinned. */
export const reasons: Readonly<Record<string, string>> = {
  "npm @pulumi/pulumi": "3.248.0 is the last that supports Node 20 (3.249.0 requires node >=22)",
  "npm @kubernetes/client-node":
    "1.4.0 is the last that starts on Node 20 (2.0 needs zstd of Node 22's zlib)",
  "npm commander": "14 is the last that supports Node 20",
  "npm dependency-cruiser": "17 is the last that takes Node 20 (18 says node ^22)",
  "npm listr2": "9 is the last that supports Node 20",
  "npm @types/node": "types of the oldest Node that is supported",
  "npm typescript": "ts-node and typescript-eslint support 5.9",
  "npm js-yaml": "the major version that @types/js-yaml describes",
  "npm google-protobuf": "the major version that @pulumi/pulumi uses",
  "go sigs.k8s.io/gateway-api/conformance": "the suite of the Gateway API whose CRDs the lab has",
  "go k8s.io/kubernetes": "one minor version behind the newest, like GKE's Regular channel",
};

interface Pin {
  name: string;
  pinned: string;
  newest: string | undefined;
}

/** Names of all pins, as `reasons` has them. */
export function pinned(): string[] {
  return [
    ...npmPackages().map(([name]) => `npm ${name}`),
    ...[...goModules().keys()].map((name) => `go ${name}`),
  ];
}

type Manifest = Record<"dependencies" | "devDependencies", Record<string, string>>;

/** What the program and the lab each pin. */
const packageFiles = ["package.json", "lab/package.json"] as const;

export function pinsOf(file: (typeof packageFiles)[number]): Readonly<Record<string, string>> {
  const { dependencies, devDependencies } = JSON.parse(
    fs.readFileSync(path.join(projectFolder, file), "utf8"),
  ) as Manifest;
  return { ...dependencies, ...devDependencies };
}

/** Of both package files; a package in both has one version (held by a test). */
function npmPackages(): [string, string][] {
  return Object.entries(Object.assign({}, ...packageFiles.map(pinsOf)) as Record<string, string>);
}

function npmPins(): Promise<Pin[]> {
  return Promise.all(
    npmPackages().map(async ([name, pinned]) => ({
      name: `npm ${name}`,
      pinned,
      newest: lastWord(await runCommand("npm", ["view", name, "dist-tags.latest"], { timeoutSeconds: 60 })),
    })),
  );
}

/** The module that a tool is a command of: the longest prefix of its path that its go.mod requires. */
function requiredBy(module: string, command: string): { path: string; version: string } | undefined {
  const text = fs.readFileSync(path.join(moduleFolder(module), "go.mod"), "utf8");
  const required = [...text.matchAll(/^\s*(?:require )?([\w./~-]+\.[\w./~-]+) (v\S+)/gm)].map(
    ([, name = "", version = ""]) => ({ path: name, version }),
  );
  return required
    .filter((one) => command === one.path || command.startsWith(`${one.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function goModules(): Map<string, { module: string; version: string }> {
  const modules = new Map<string, { module: string; version: string }>();
  for (const { source } of catalogue) {
    if (source.kind !== "go") continue;
    const command = source.path.startsWith(".") ? (source.wraps ?? source.embed?.[0]?.module) : source.path;
    const found = command === undefined ? undefined : requiredBy(source.module, command);
    if (found !== undefined) modules.set(found.path, { module: source.module, version: found.version });
  }
  return modules;
}

function goPins(): Promise<Pin[]> {
  return Promise.all(
    [...goModules()].map(async ([name, { module, version }]) => ({
      name: `go ${name}`,
      pinned: version,
      newest: lastWord(
        await runCommand("go", ["list", "-m", "-f", "{{.Version}}", `${name}@latest`], {
          cwd: moduleFolder(module),
          env: { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" },
          timeoutSeconds: 60,
        }),
      ),
    })),
  );
}

async function wheelPins(): Promise<Pin[]> {
  const wheels = catalogue.flatMap(({ source, version }) =>
    source.kind === "wheel" ? [{ package: source.package, version }] : [],
  );
  return Promise.all(
    wheels.map(async (wheel) => {
      const args = ["-m", "pip", "index", "versions", wheel.package];
      const { status, output } = await runCommand("python3", args, { timeoutSeconds: 60 });
      const newest = status === 0 ? /\(([^)]+)\)/.exec(output)?.[1] : undefined;
      return { name: `pypi ${wheel.package}`, pinned: wheel.version, newest };
    }),
  );
}

function lastWord({ status, output }: { status: number | null; output: string }): string | undefined {
  const word = output.trim().split(/\s+/).at(-1);
  return status === 0 && word !== "" ? word : undefined;
}

async function main(): Promise<void> {
  console.error("Asking npm, the Go proxy and PyPI for the newest versions ...");
  const pins = (await Promise.all([npmPins(), goPins(), wheelPins()])).flat();
  const rows = pins.map(({ name, pinned, newest }) => {
    const reason = reasons[name];
    const old = newest !== undefined && newest !== pinned;
    const state = newest === undefined ? "unknown" : !old ? "newest" : reason === undefined ? "old" : "kept";
    return { name, pinned, newest: newest ?? "?", state, reason: state === "kept" ? reason : undefined };
  });
  if (process.argv.includes("--json")) console.log(JSON.stringify(rows, undefined, 2));
  else {
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const { name, pinned, newest, state, reason } of rows) {
      const versions = state === "newest" ? pinned : `${pinned} -> ${newest}`;
      console.log(
        `${state.padEnd(8)}${name.padEnd(width + 2)}${versions}${reason === undefined ? "" : `: ${reason}`}`,
      );
    }
  }
  // A registry that does not answer is no reason to fail a weekly check for the others' sake; it is shown.
  process.exitCode = rows.some(({ state }) => state === "old") ? 1 : 0;
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
