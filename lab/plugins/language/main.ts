import type {
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/language_pb";
import { PackageDependency, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { toServiceError, unimplemented } from "../protocol/errors";
import { labEnvironment } from "../protocol/guard";
import { record, recordAs } from "../protocol/record";
import { announce, endWithEngine, listen, newServer } from "../protocol/serve";
import type { Child } from "./child";
import { pluginPackages, programDependencies } from "./packages";
import { runProgram } from "./run";

/* eslint-disable @typescript-eslint/no-require-imports -- most updates need neither, and starting fast matters */
const lazy = {
  installDependencies: () => require("./install-dependencies") as typeof import("./install-dependencies"),
  runPlugin: () => require("./run-plugin") as typeof import("./run-plugin"),
};
/* eslint-enable @typescript-eslint/no-require-imports */

/**
 * Stand-in for pulumi-language-nodejs: a language host for Node programs. The engine asks it which plugins a
 * program needs and has it run the program with the SDK's own runner.
 */
async function main(): Promise<void> {
  labEnvironment("pulumi-language-nodejs");
  recordAs("pulumi-language-nodejs");
  const children = new Set<Child>();
  const server = newServer();
  server.addService(LanguageRuntimeService, service(process.argv.at(-1) ?? "", children));
  endWithEngine(() => {
    for (const child of children) child.process.kill("SIGKILL");
  });
  announce(await listen(server));
}

function service(engineAddress: string, children: Set<Child>): UntypedServiceImplementation {
  let engine = engineAddress;
  const started = (child: Child): void => {
    children.add(child);
    const ended = (): void => void children.delete(child);
    child.ended.then(ended, ended);
  };
  const methods: UntypedServiceImplementation = {};
  for (const method of Object.keys(LanguageRuntimeService))
    methods[method] = unary(() =>
      Promise.reject(unimplemented(`pulumi-language-nodejs: ${method} is not in the lab`)),
    );
  return {
    ...methods,
    handshake: unary((request: pb.LanguageHandshakeRequest) => {
      engine = request.getEngineAddress();
      return new pb.LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(() => {
      const info = new PluginInfo();
      info.setVersion("3.274.1");
      return info;
    }),
    getRequiredPackages: unary((request: pb.GetRequiredPackagesRequest) => {
      const response = new pb.GetRequiredPackagesResponse();
      const folder = request.getInfo()?.getProgramDirectory() ?? ".";
      response.setPackagesList(pluginPackages(folder).map(dependency));
      return response;
    }),
    run: unary(async (request: pb.RunRequest, call) => {
      const begin = performance.now();
      const outcome = await runProgram(request, engine, (child) => {
        started(child);
        call.once("cancelled", () => child.stop());
      });
      record(`run ${Math.round(performance.now() - begin)} ms`);
      const response = new pb.RunResponse();
      response.setError(outcome.error ?? "");
      response.setBail(outcome.bail ?? false);
      return response;
    }),
    about: unary(() => {
      const response = new pb.AboutResponse();
      response.setExecutable(process.execPath);
      response.setVersion(process.version);
      response.getMetadataMap().set("packagemanager", "npm");
      return response;
    }),
    getProgramDependencies: unary((request: pb.GetProgramDependenciesRequest) => {
      const folder = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
      const response = new pb.GetProgramDependenciesResponse();
      response.setDependenciesList(
        programDependencies(folder, request.getTransitivedependencies()).map(({ name, version }) => {
          const info = new pb.DependencyInfo();
          info.setName(name);
          info.setVersion(version);
          return info;
        }),
      );
      return response;
    }),
    runtimeOptionsPrompts: unary(() => new pb.RuntimeOptionsResponse()),
    template: unary(() => new pb.TemplateResponse()),
    installDependencies: stream(
      async (call: ServerWritableStream<pb.InstallDependenciesRequest, pb.InstallDependenciesResponse>) => {
        const { installDependencies } = lazy.installDependencies();
        await installDependencies(call);
      },
    ),
    runPlugin: stream(async (call: ServerWritableStream<pb.RunPluginRequest, pb.RunPluginResponse>) => {
      const { runPlugin } = lazy.runPlugin();
      await runPlugin(call, started);
    }),
    cancel: unary(() => {
      for (const child of children) child.stop();
      return new Empty();
    }),
  };
}

function unary<Request, Response>(
  handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Response | Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then((response) => callback(null, response))
      .catch((error: unknown) => callback(toServiceError(error)));
  };
}

function stream<Request, Response>(handle: (call: ServerWritableStream<Request, Response>) => Promise<void>) {
  return (call: ServerWritableStream<Request, Response>): void => {
    handle(call).then(
      () => call.end(),
      (error: unknown) => call.emit("error", toServiceError(error)),
    );
  };
}

function dependency(plugin: { name: string; version: string; server: string }): PackageDependency {
  const result = new PackageDependency();
  result.setName(plugin.name);
  result.setKind("resource");
  result.setVersion(plugin.version);
  result.setServer(plugin.server);
  return result;
}

void main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
