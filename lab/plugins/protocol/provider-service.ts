import type { sendUnaryData, ServerUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Message } from "google-protobuf";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { EngineLog } from "./engine";
import { messageOf, toServiceError, unimplemented } from "./errors";
import type { Autonaming, CheckFailure, DiffKind, DiffResult, Provider, ResourceRequest } from "./provider";
import { record, recordAs } from "./record";
import { announce, endWithEngine, listen, newServer } from "./serve";
import { parseUrn, decodeProperties, encodeProperties } from "./values";

/**
 * Runs a provider plugin: makes the provider and serves it to the engine that started this process, until that
 * engine is gone. What goes wrong before is told on standard error, which the engine shows.
 */
export function runPlugin(make: (engine: EngineLog) => Provider): void {
  const start = async (): Promise<void> => {
    const provider = make(new EngineLog(process.argv.at(-1)));
    recordAs(`pulumi-resource-${provider.name}`);
    const server = newServer();
    server.addService(ResourceProviderService, providerService(provider));
    endWithEngine();
    announce(await listen(server));
    record(`serves ${provider.name} ${provider.version} after ${Math.round(process.uptime() * 1000)} ms`);
  };
  start().catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  });
}

type Handler<Request extends Message> = (request: Request) => Promise<Message>;

/** The gRPC face of a provider. */
function providerService(provider: Provider): UntypedServiceImplementation {
  const check =
    (method: "check" | "checkConfig"): Handler<pb.CheckRequest> =>
    async (request) => {
      const autonaming = autonamingOf(request.getAutonaming());
      const { inputs, failures = [] } = await provider[method]({
        ...resource(request),
        oldInputs: decodeProperties(request.getOlds()),
        inputs: decodeProperties(request.getNews()),
        randomSeed: request.getRandomseed() as Uint8Array,
        ...(autonaming === undefined ? {} : { autonaming }),
      });
      const response = new pb.CheckResponse();
      response.setInputs(encodeProperties(inputs));
      response.setFailuresList(failures.map(encodeFailure));
      return response;
    };
  const diff =
    (method: "diff" | "diffConfig"): Handler<pb.DiffRequest> =>
    async (request) =>
      encodeDiff(
        await provider[method]({
          ...resource(request),
          id: request.getId(),
          oldInputs: decodeProperties(request.getOldInputs()),
          olds: decodeProperties(request.getOlds()),
          inputs: decodeProperties(request.getNews()),
          ignoreChanges: request.getIgnorechangesList(),
        }),
      );
  const handlers = {
    handshake: () => Promise.resolve(handshake()),
    attach: () => Promise.resolve(new Empty()),
    getPluginInfo: () => {
      const info = new PluginInfo();
      info.setVersion(provider.version);
      return Promise.resolve(info);
    },
    checkConfig: check("checkConfig"),
    diffConfig: diff("diffConfig"),
    configure: async (request: pb.ConfigureRequest) => {
      const variables = new Map<string, string>(request.getVariablesMap().toArray());
      const urn = request.getUrn() ?? "";
      await provider.configure({ urn, inputs: decodeProperties(request.getArgs()), variables });
      const response = new pb.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    },
    check: check("check"),
    diff: diff("diff"),
    create: async (request: pb.CreateRequest) => {
      const { id, properties } = await provider.create({
        ...resource(request),
        inputs: decodeProperties(request.getProperties()),
        timeout: request.getTimeout(),
        preview: request.getPreview(),
      });
      const response = new pb.CreateResponse();
      response.setId(id);
      response.setProperties(encodeProperties(properties));
      return response;
    },
    read: async (request: pb.ReadRequest) => {
      const { id, properties, inputs } = await provider.read({
        ...resource(request),
        id: request.getId(),
        oldInputs: decodeProperties(request.getInputs()),
        olds: decodeProperties(request.getProperties()),
        timeout: request.getTimeout(),
      });
      const response = new pb.ReadResponse();
      if (id === "") return response;
      response.setId(id);
      response.setProperties(encodeProperties(properties));
      response.setInputs(encodeProperties(inputs));
      return response;
    },
    update: async (request: pb.UpdateRequest) => {
      const properties = await provider.update({
        ...resource(request),
        id: request.getId(),
        oldInputs: decodeProperties(request.getOldInputs()),
        olds: decodeProperties(request.getOlds()),
        inputs: decodeProperties(request.getNews()),
        ignoreChanges: request.getIgnorechangesList(),
        timeout: request.getTimeout(),
        preview: request.getPreview(),
      });
      const response = new pb.UpdateResponse();
      response.setProperties(encodeProperties(properties));
      return response;
    },
    delete: async (request: pb.DeleteRequest) => {
      await provider.delete({
        ...resource(request),
        id: request.getId(),
        oldInputs: decodeProperties(request.getOldInputs()),
        olds: decodeProperties(request.getProperties()),
        timeout: request.getTimeout(),
      });
      return new Empty();
    },
    invoke: async (request: pb.InvokeRequest) => {
      const { properties, failures = [] } = await provider.invoke({
        token: request.getTok(),
        args: decodeProperties(request.getArgs()),
        preview: request.getPreview(),
      });
      const response = new pb.InvokeResponse();
      response.setReturn(encodeProperties(properties));
      response.setFailuresList(failures.map(encodeFailure));
      return response;
    },
    cancel: () => {
      provider.cancel();
      return Promise.resolve(new Empty());
    },
  };
  const service: UntypedServiceImplementation = {};
  for (const method of Object.keys(ResourceProviderService)) {
    service[method] = unary(method, () =>
      Promise.reject(unimplemented(`${provider.name}: ${method} is not in the lab`)),
    );
  }
  for (const [method, handler] of Object.entries(handlers)) {
    // Each handler takes the request message that its method's definition decodes.
    service[method] = unary(method, handler as Handler<Message>);
  }
  return service;
}

function unary(method: string, handler: Handler<Message>) {
  return (call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>): void => {
    const start = performance.now();
    const done = (how: string): void =>
      record(`${method} ${urnOf(call.request)} ${Math.round(performance.now() - start)} ms ${how}`);
    handler(call.request).then(
      (response) => {
        done("ok");
        callback(null, response);
      },
      (error: unknown) => {
        done("failed");
        callback(toServiceError(error));
      },
    );
  };
}

function urnOf(request: Message): string {
  return (request as { getUrn?: () => string | undefined }).getUrn?.() ?? "";
}

function handshake(): pb.ProviderHandshakeResponse {
  const response = new pb.ProviderHandshakeResponse();
  response.setAcceptSecrets(true);
  response.setSupportsAutonamingConfiguration(true);
  return response;
}

function resource(request: { getUrn(): string; getType(): string; getName(): string }): ResourceRequest {
  const urn = request.getUrn();
  const { type, name } = parseUrn(urn);
  return { urn, type: request.getType() || type, name: request.getName() || name };
}

function autonamingOf(options: pb.CheckRequest.AutonamingOptions | undefined): Autonaming | undefined {
  if (options === undefined) return undefined;
  const { Mode } = pb.CheckRequest.AutonamingOptions;
  const modes = { [Mode.PROPOSE]: "propose", [Mode.ENFORCE]: "enforce", [Mode.DISABLE]: "disable" } as const;
  return { mode: modes[options.getMode()], proposedName: options.getProposedName() };
}

function encodeFailure({ property, reason }: CheckFailure): pb.CheckFailure {
  const failure = new pb.CheckFailure();
  if (property !== undefined) failure.setProperty(property);
  failure.setReason(reason);
  return failure;
}

const { Kind } = pb.PropertyDiff;
const kinds = {
  add: Kind.ADD,
  "add-replace": Kind.ADD_REPLACE,
  delete: Kind.DELETE,
  "delete-replace": Kind.DELETE_REPLACE,
  update: Kind.UPDATE,
  "update-replace": Kind.UPDATE_REPLACE,
} as const satisfies Record<DiffKind, pb.PropertyDiff.Kind>;

function encodeDiff(result: DiffResult): pb.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  const response = new pb.DiffResponse();
  response.setChanges(result.changes ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList([...(result.diffs ?? [])]);
  response.setReplacesList([...(result.replaces ?? [])]);
  response.setStablesList([...(result.stables ?? [])]);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  if (result.detailedDiff !== undefined) {
    response.setHasdetaileddiff(true);
    const map = response.getDetaileddiffMap();
    for (const [path, { kind, inputDiff }] of result.detailedDiff) {
      const entry = new pb.PropertyDiff();
      entry.setKind(kinds[kind]);
      entry.setInputdiff(inputDiff ?? false);
      map.set(path, entry);
    }
  }
  return response;
}
