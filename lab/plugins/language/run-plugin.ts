import type { ServerWritableStream } from "@grpc/grpc-js";
import { RunPluginResponse, type RunPluginRequest } from "@pulumi/pulumi/proto/language_pb";
import { decodeProperties } from "../protocol/values";
import { Child, locateModule } from "./child";
import { optionsEnvironment, runtimeOptions } from "./options";
import { PolicyProxy, type StackConfiguration } from "./policy-proxy";
import { oldKey } from "./run";

type Call = ServerWritableStream<RunPluginRequest, RunPluginResponse>;

/** Runs a plugin that is a Node program: a policy pack (`pulumi up --policy-pack`) or a provider in a folder. */
export async function runPlugin(call: Call, started: (child: Child) => void): Promise<void> {
  const request = call.request;
  const folder = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
  const options = runtimeOptions(decodeProperties(request.getInfo()?.getOptions()));
  const isPolicyPack = request.getKind() === "analyzer";
  const module = isPolicyPack ? "@pulumi/pulumi/cmd/run-policy-pack" : "@pulumi/pulumi/cmd/run-plugin";
  const runner = locateModule(module, folder, `npm install in ${folder}`);
  const env = { ...environmentOf(request.getEnvList()), ...optionsEnvironment(options) };
  const out = (bytes: Buffer): void => void call.write(stdout(bytes));

  let proxy: PolicyProxy | undefined;
  let configuration: StackConfiguration | undefined;
  if (isPolicyPack) {
    proxy = new PolicyProxy();
    out(Buffer.from(`${await proxy.listen()}\n`));
    configuration = await proxy.configuration;
  }
  const child = new Child({
    // A policy pack gets its folder last and runs in it, a provider first: so the SDK's runners want it.
    args: isPolicyPack
      ? [...options.nodeArgs, runner, ...request.getArgsList(), folder]
      : [...options.nodeArgs, runner, folder, ...request.getArgsList()],
    cwd: isPolicyPack ? folder : request.getPwd(),
    env: { ...env, ...stackEnvironment(configuration) },
    output: "pipe",
  });
  started(child);
  call.once("cancelled", () => child.stop());
  child.process.stderr?.on("data", (bytes: Buffer) => call.write(stderr(bytes)));
  if (proxy === undefined) child.process.stdout?.on("data", out);
  else attachWhenReady(child, proxy, out);
  const status = await child.ended;
  proxy?.fail(`it ended with status ${status}`);
  if (status !== 0) throw new Error(`Program exited with non-zero exit code: ${status}`);
}

/** The first line that a pack prints is its port; the rest is output. */
function attachWhenReady(child: Child, proxy: PolicyProxy, out: (bytes: Buffer) => void): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  child.process.stdout?.on("data", (bytes: Buffer) => {
    if (head === undefined) {
      out(bytes);
      return;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf("\n");
    if (end < 0) return;
    const port = Number(head.subarray(0, end).toString());
    const rest = head.subarray(end + 1);
    head = undefined;
    if (Number.isInteger(port)) void proxy.attach(port);
    else proxy.fail("it printed no port");
    if (rest.length > 0) out(rest);
  });
}

function environmentOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

function stackEnvironment(configuration: StackConfiguration | undefined): Record<string, string> {
  if (configuration === undefined) return {};
  const config = configuration.getConfigMap().toArray();
  const values: [string, string][] = [
    ["PULUMI_NODEJS_ORGANIZATION", configuration.getOrganization()],
    ["PULUMI_NODEJS_PROJECT", configuration.getProject()],
    ["PULUMI_NODEJS_STACK", configuration.getStack()],
    ["PULUMI_NODEJS_DRY_RUN", String(configuration.getDryRun())],
    ["PULUMI_CONFIG", JSON.stringify(Object.fromEntries(config.map(([key, value]) => [oldKey(key), value])))],
  ];
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

function stdout(bytes: Buffer): RunPluginResponse {
  const response = new RunPluginResponse();
  response.setStdout(bytes);
  return response;
}

function stderr(bytes: Buffer): RunPluginResponse {
  const response = new RunPluginResponse();
  response.setStderr(bytes);
  return response;
}
