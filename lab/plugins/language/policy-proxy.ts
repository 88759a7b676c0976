import { Client, credentials, Metadata, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { AnalyzerService } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/analyzer_pb";
import { toServiceError } from "../protocol/errors";
import { listen, newServer } from "../protocol/serve";

/** What a policy pack is told of the stack, before it starts. */
export type StackConfiguration = pb.AnalyzerStackConfigureRequest;

/**
 * Stands between the engine and a policy pack. The engine connects first and then sends the stack's configuration,
 * but the SDK reads that from its environment: so the pack starts when the configuration is known, and from then
 * on every call is passed through as the bytes it came in.
 */
export class PolicyProxy {
  readonly server = newServer();
  readonly configuration: Promise<StackConfiguration | undefined>;
  private configure: (configuration: StackConfiguration | undefined) => void = () => undefined;
  private attached: (client: Client) => void = () => undefined;
  private failed: (error: Error) => void = () => undefined;
  private readonly client: Promise<Client>;

  constructor() {
    this.configuration = new Promise((resolve) => (this.configure = resolve));
    this.client = new Promise((resolve, reject) => {
      this.attached = resolve;
      this.failed = reject;
    });
    this.client.catch(() => undefined);
    const raw = rawService();
    const service: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(raw)) {
      service[name] = (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        if (name === "handshake")
          callback(null, Buffer.from(new pb.AnalyzerHandshakeResponse().serializeBinary()));
        else if (name === "configureStack") {
          this.configure(pb.AnalyzerStackConfigureRequest.deserializeBinary(call.request));
          callback(null, Buffer.from(new pb.AnalyzerStackConfigureResponse().serializeBinary()));
        } else this.pass(method.path, call.request, callback);
      };
    }
    this.server.addService(raw, service);
  }

  /** Port on which the engine finds the pack. */
  listen(): Promise<number> {
    return listen(this.server);
  }

  /** The pack serves on `port`. */
  async attach(port: number): Promise<void> {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const configuration = await this.configuration;
    if (configuration !== undefined) {
      const bytes = Buffer.from(configuration.serializeBinary());
      // Packs built with an older SDK do not know this call, and need not.
      await unaryCall(client, "/pulumirpc.Analyzer/ConfigureStack", bytes).catch(() => undefined);
    }
    this.attached(client);
  }

  /** The pack has ended or never came up. */
  fail(reason: string): void {
    this.failed(new Error(`policy pack not started: ${reason}`));
    // Calls that wait for the pack still get their error.
    this.server.tryShutdown(() => undefined);
  }

  private pass(path: string, request: Buffer, callback: sendUnaryData<Buffer>): void {
    // `pulumi policy publish` asks without ever configuring a stack.
    this.configure(undefined);
    this.client
      .then((client) => unaryCall(client, path, request))
      .then((response) => callback(null, response))
      // An error of the pack itself goes on as it came, with its code.
      .catch((error: unknown) => callback(toServiceError(error)));
  }
}

const identity = (bytes: Buffer): Buffer => bytes;

function rawService(): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(AnalyzerService).map(([name, method]: [string, { path: string }]) => [
      name,
      {
        path: method.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    ]),
  );
}

function unaryCall(client: Client, path: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, identity, identity, request, new Metadata(), (error, response) => {
      if (error !== null) reject(error);
      else resolve(response ?? Buffer.alloc(0));
    });
  });
}
