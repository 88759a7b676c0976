import { Metadata, status as Code, type ServiceError } from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { ErrorResourceInitFailed } from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { encodeProperties, type Properties } from "./values";

/** A failure with a gRPC code of its own. Every other error reaches the engine as UNKNOWN, as Go's plugins do. */
export class RpcError extends Error {
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}

export function unimplemented(what: string): RpcError {
  return new RpcError(Code.UNIMPLEMENTED, what);
}

/**
 * The resource exists but did not become what it should: the engine keeps `properties` in the state together with
 * `reasons`, fails the update, and tries again the next time.
 */
export class InitFailed extends Error {
  constructor(
    message: string,
    readonly id: string,
    readonly properties: Properties,
    readonly reasons: readonly string[] = [message],
    readonly inputs?: Properties,
  ) {
    super(message);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What gRPC sends for an error; details travel in a trailer that Go reads as part of the status. */
export function toServiceError(error: unknown): Partial<ServiceError> {
  const message = messageOf(error);
  if (error instanceof RpcError) return { code: error.code, details: message };
  if (isServiceError(error)) return { code: error.code, details: error.details, metadata: error.metadata };
  if (!(error instanceof InitFailed)) return { code: Code.UNKNOWN, details: message };
  const detail = new ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(encodeProperties(error.properties));
  detail.setReasonsList([...error.reasons]);
  if (error.inputs !== undefined) detail.setInputs(encodeProperties(error.inputs));
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(Code.UNKNOWN);
  status.setMessage(message);
  status.addDetails(any);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: Code.UNKNOWN, details: message, metadata };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}
