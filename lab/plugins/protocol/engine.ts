import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

export type Severity = "debug" | "info" | "warning" | "error";

const severities = {
  debug: LogSeverity.DEBUG,
  info: LogSeverity.INFO,
  warning: LogSeverity.WARNING,
  error: LogSeverity.ERROR,
} as const satisfies Record<Severity, LogSeverity>;

/** The engine's log, as the user sees it beside a resource. */
export class EngineLog {
  private readonly client: EngineClient | undefined;
  private readonly lastStatus = new Map<string, string>();

  /** `address` is the engine's own, the last argument of every plugin; without it nothing is logged. */
  constructor(address: string | undefined) {
    if (address !== undefined && address !== "") {
      this.client = new EngineClient(address, credentials.createInsecure());
    }
  }

  /** A message that stays in the output. */
  log(severity: Severity, urn: string, message: string): Promise<void> {
    return this.send(severity, urn, message, false);
  }

  /** A line beside the resource that the next one replaces; the same line twice is sent once. */
  async status(urn: string, message: string, severity: Severity = "info"): Promise<void> {
    if (this.lastStatus.get(urn) === message) return;
    this.lastStatus.set(urn, message);
    await this.send(severity, urn, message, true);
  }

  /** Takes the status line away; does nothing where there was none. */
  async clear(urn: string): Promise<void> {
    if (!this.lastStatus.has(urn)) return;
    await this.status(urn, "");
    this.lastStatus.delete(urn);
  }

  private send(severity: Severity, urn: string, message: string, ephemeral: boolean): Promise<void> {
    const { client } = this;
    if (client === undefined) return Promise.resolve();
    const request = new LogRequest();
    request.setSeverity(severities[severity]);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // A message that cannot be delivered is no reason to fail what it is about.
    return new Promise((resolve) => client.log(request, () => resolve()));
  }
}
