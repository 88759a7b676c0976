import type { RunRequest } from "@pulumi/pulumi/proto/language_pb";
import { decodeProperties } from "../protocol/values";
import { Child, locateModule } from "./child";
import { optionsEnvironment, runtimeOptions } from "./options";

/** Status with which the SDK ends when it has told the user already what is wrong. */
const userWasTold = 32;

export interface RunOutcome {
  error?: string;
  /** The user knows already: the engine prints nothing more. */
  bail?: boolean;
}

/** Runs the program with the SDK's own runner; the program talks to the engine's monitor directly. */
export async function runProgram(
  request: RunRequest,
  engine: string,
  started: (child: Child) => void,
): Promise<RunOutcome> {
  const info = request.getInfo();
  const folder = info?.getProgramDirectory() ?? request.getPwd();
  let child: Child;
  try {
    const options = runtimeOptions(decodeProperties(info?.getOptions()));
    const module = process.env["PULUMI_LANGUAGE_NODEJS_RUN_PATH"] ?? "@pulumi/pulumi/cmd/run";
    const runner = locateModule(module, folder, "pulumi install");
    child = new Child({
      args: [...options.nodeArgs, runner, ...runnerArguments(request, engine, folder)],
      cwd: folder,
      env: { ...process.env, ...optionsEnvironment(options), ...configEnvironment(request) },
      output: "inherit",
    });
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
  started(child);
  const status = await child.ended.catch((error: unknown) => String(error));
  if (typeof status === "string") return { error: `Problem executing program (${status})` };
  if (status === 0) return {};
  if (status === userWasTold) return { bail: true };
  return { error: `Program exited with non-zero exit code: ${status}` };
}

function runnerArguments(request: RunRequest, engine: string, folder: string): string[] {
  const info = request.getInfo();
  const flags: [string, string][] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engine],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", info?.getRootDirectory() ?? ""],
    ["stack", request.getStack()],
    ["pwd", folder],
    ["parallel", String(request.getParallel())],
  ];
  return [
    ...flags.filter(([, value]) => value !== "").flatMap(([name, value]) => [`--${name}`, value]),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() ?? request.getProgram(),
    ...request.getArgsList(),
  ];
}

function configEnvironment(request: RunRequest): Record<string, string> {
  const config = request.getConfigMap().toArray();
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config.map(([key, value]) => [oldKey(key), value]))),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
  };
}

/** `namespace:name` in the form that the SDK still expects, `namespace:config:name`. */
export function oldKey(key: string): string {
  const colon = key.indexOf(":");
  return colon < 0 ? key : `${key.slice(0, colon)}:config:${key.slice(colon + 1).replace(/^config:/, "")}`;
}
