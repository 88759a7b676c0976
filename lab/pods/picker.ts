import { writeKubeconfig } from "../cluster/objects";
import { Forwarder } from "./pod-network";
import type { FreePorts } from "../processes/addresses";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Keeper } from "../processes/keeper";
import type { Mount } from "../simulator/protocol";
import { rewritePaths } from "./mounts";
import { startChild, type ContainerStart, type RunningProgram } from "./program";
import { type Pod, identify } from "./objects";

export interface PickerSettings {
  /** The picker's program. */
  epp: string;
  server: string;
  caFile: string;
  keeper: Keeper;
  ports: FreePorts;
}

/** Where Kubernetes mounts the ServiceAccount's token, unless the pod refuses it. */
const accountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Two threads each: on a small machine several pickers, Envoy and the traffic share the cores. */
const goThreads = "2";

/** Runs the real endpoint picker with the container's own command line and environment. */
export async function startPicker(start: ContainerStart, settings: PickerSettings): Promise<RunningProgram> {
  const { pod, invocation, mounts, folder } = start;
  const host = pod.status?.podIP ?? "";
  // The image's entry point is the picker; a command replaces it, with the program's name first.
  const words = [...invocation.command.slice(1), ...invocation.args];
  const declared = declaredPorts(words);
  const real: Record<PickerPort, number> = { ...declared };
  for (const name of pickerPorts) real[name] = await settings.ports.take();
  const env = Object.fromEntries(
    Object.entries(invocation.env).map(([name, value]) => [name, rewritePaths(value, mounts)]),
  );
  const child = startChild(
    {
      command: settings.epp,
      args: withPorts(words, real).map((word) => rewritePaths(word, mounts)),
      env: {
        HOSTNAME: identify(pod).name,
        HOME: folder,
        PATH: "/usr/local/bin:/usr/bin:/bin",
        GOMAXPROCS: goThreads,
        ...env,
        ...credentials(start, settings),
      },
      cwd: folder,
      log: start.log,
    },
    settings.keeper,
  );
  const refused = (error: Error): void => {
    fs.appendFileSync(start.log, `${error.message}\n`);
    child.signal("SIGKILL");
  };
  const forwarders = pickerPorts.map((name) => new Forwarder(host, declared[name], real[name], refused));
  const ended = child.ended.then(async (exit) => {
    for (const forwarder of forwarders) await forwarder.close();
    for (const name of pickerPorts) settings.ports.giveBack(real[name]);
    return exit;
  });
  return {
    pid: child.pid,
    ports: Object.fromEntries(pickerPorts.map((name) => [declared[name], real[name]])),
    ended,
    terminate: () => child.signal("SIGTERM"),
    kill: () => child.signal("SIGKILL"),
  };
}

/**
 * The pod's own ServiceAccount, as a kubeconfig, so that a right that is missing in RBAC is missing here. The token
 * stays in its file: client libraries read it again, and it is renewed there.
 */
function credentials(
  { mounts, folder, pod }: ContainerStart,
  settings: PickerSettings,
): Record<string, string> {
  const account = mounts.find((mount: Mount) => mount.path === accountPath);
  if (account === undefined) return {};
  const file = path.join(folder, "kubeconfig");
  const { server, caFile } = settings;
  writeKubeconfig(file, { server, caFile, token: "" }, identify(pod).namespace);
  const config = JSON.parse(fs.readFileSync(file, "utf8")) as { users: { user: unknown }[] };
  for (const entry of config.users) entry.user = { tokenFile: path.join(account.folder, "token") };
  fs.writeFileSync(file, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  return { KUBECONFIG: file };
}

/** A port of the picker: its flag, and what it is where the flag is not given (gateway-api-inference-extension v1.5.0). */
const portFlags = { "grpc-port": 9002, "grpc-health-port": 9003, "metrics-port": 9090 } as const;

type PickerPort = keyof typeof portFlags;

const pickerPorts = Object.keys(portFlags) as readonly PickerPort[];

/** The ports a picker's command line asks for. */
export function declaredPorts(args: readonly string[]): Readonly<Record<PickerPort, number>> {
  const declared: Record<PickerPort, number> = { ...portFlags };
  args.forEach((word, i) => {
    const [, name, inline] = /^--([\w-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined || !isPort(name)) return;
    const port = Number(inline ?? args[i + 1]);
    if (Number.isInteger(port)) declared[name] = port;
  });
  return declared;
}

/** The same command line on other ports: the last of repeated flags counts. */
export function withPorts(args: readonly string[], ports: Readonly<Record<PickerPort, number>>): string[] {
  return [...args, ...pickerPorts.map((name) => `--${name}=${ports[name]}`)];
}

function isPort(name: string): name is PickerPort {
  return name in portFlags;
}

export const poolsPath = "/apis/inference.networking.k8s.io/v1/inferencepools";

/** The part of an InferencePool that says which pods are its own. */
export interface InferencePool extends Pick<Pod, "metadata"> {
  spec?: { selector?: { matchLabels?: Record<string, string> } };
}

/** The names of the pools whose selector matches the pod, in order, joined with commas. */
export function poolsOf(pod: Pod, pools: readonly InferencePool[]): string {
  const { namespace } = identify(pod);
  const labels = pod.metadata?.labels;
  const matching = pools.filter(({ metadata, spec }) => {
    const selector = Object.entries(spec?.selector?.matchLabels ?? {});
    return (
      metadata?.namespace === namespace &&
      selector.length > 0 &&
      selector.every(([key, value]) => labels?.[key] === value)
    );
  });
  return matching
    .map(({ metadata }) => metadata?.name ?? "")
    .sort()
    .join(",");
}
