import type { EngineLog } from "../protocol/engine";
import { messageOf } from "../protocol/errors";
import { assertLabServer, type LabEnvironment } from "../protocol/guard";
import type { ResourceRequest } from "../protocol/provider";
import { Client } from "./api/client";
import { annotation, apiVersionOf, kindOf, type KubeObject } from "./api/objects";
import { NoMatchError, UnreachableError } from "./api/status";
import type { WaitContext } from "./await/wait";
import type { Configuration } from "./configuration";
import { gvkOf } from "./types";
import type { WriteContext } from "./write";

const defaultTimeoutMs = 600_000;

/** A configured provider: its options, and the cluster behind it if there is one. */
export class Session {
  private readonly client: Client | undefined;
  private readonly cancelled = new AbortController();
  /** Why there is no cluster to talk to. */
  private unreachable: string | undefined;
  private probed: Promise<void> | undefined;

  /** @throws Error where the cluster is not the lab's. */
  constructor(
    readonly options: Configuration,
    lab: LabEnvironment,
    private readonly engine: EngineLog,
  ) {
    this.unreachable = options.unreachable;
    if (options.cluster === undefined) return;
    assertLabServer(lab, options.cluster.server);
    this.client = new Client(options.cluster);
  }

  cancel(): void {
    this.cancelled.abort();
  }

  /** @throws Error where there is no cluster, in the real provider's words. */
  async reachable(): Promise<Client> {
    if (this.client !== undefined && this.unreachable === undefined) {
      this.probed ??= this.client.version().then(
        () => undefined,
        (error: unknown) => {
          this.unreachable = `unable to load schema information from the API server: ${messageOf(error)}`;
        },
      );
      await this.probed;
    }
    if (this.client === undefined || this.unreachable !== undefined)
      throw new Error(
        `configured Kubernetes cluster is unreachable: ${this.unreachable ?? "it is not configured"}`,
      );
    return this.client;
  }

  /** Whether objects of a type have a namespace; a kind that the API does not serve yet is taken to have one. */
  async isNamespaced(type: string, object: KubeObject): Promise<boolean> {
    // The type of a patch is not that of the object.
    const given = { apiVersion: apiVersionOf(object), kind: kindOf(object) };
    const { apiVersion, kind } = given.apiVersion === "" ? gvkOf(type) : given;
    try {
      return (await this.client?.resource(apiVersion, kind))?.namespaced ?? true;
    } catch (error) {
      if (error instanceof NoMatchError || error instanceof UnreachableError) return true;
      throw error;
    }
  }

  /** Whether the API server serves the kind; a preview of what it does not serve shows the inputs. */
  async isKnown(object: KubeObject): Promise<boolean> {
    try {
      const client = await this.reachable();
      await client.resource(apiVersionOf(object), kindOf(object));
      return true;
    } catch {
      return false;
    }
  }

  waitContext(
    request: ResourceRequest & { timeout: number },
    client: Client,
    inputs: KubeObject,
  ): WaitContext {
    const { urn, timeout } = request;
    const annotated = Number.parseInt(annotation(inputs, "pulumi.com/timeoutSeconds"), 10);
    const seconds = timeout > 0 ? timeout : Number.isNaN(annotated) ? undefined : annotated;
    return {
      client,
      cancel: this.cancelled.signal,
      timeoutMs: seconds === undefined ? defaultTimeoutMs : seconds * 1000,
      status: (message, severity) => this.engine.status(urn, message, severity),
      log: (message, severity) => this.engine.log(severity, urn, message),
    };
  }

  writeContext(
    request: ResourceRequest & { preview: boolean },
    client: Client,
    fieldManager: string,
    isPatch: boolean,
  ): WriteContext {
    const { urn, preview } = request;
    return {
      client,
      configuration: this.options,
      fieldManager,
      preview,
      isPatch,
      cancel: this.cancelled.signal,
      status: (message) => this.engine.status(urn, message),
      log: (message, severity) => this.engine.log(severity, urn, message),
    };
  }
}
