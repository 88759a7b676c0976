import * as fs from "node:fs";
import type { AuthenticationV1TokenRequest } from "@kubernetes/client-node";
import type { ClusterApi } from "../cluster/cluster-api";
import { identify, type Pod, type TokenProjection } from "./objects";

/** A token is renewed when this part of its life is over, as the kubelet does. */
const renewAt = 0.8;
const retryMs = 10_000;

/** Writes tokens of a pod's ServiceAccount into files and keeps them fresh until the pod has gone. */
export class PodTokens {
  private readonly timers = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(
    private readonly api: Pick<ClusterApi, "post">,
    private readonly pod: Pod,
  ) {}

  /** @throws ApiRefused where the ServiceAccount is not there. */
  async write(projection: TokenProjection, file: string): Promise<void> {
    const { namespace, name, uid } = identify(this.pod);
    const account = this.pod.spec?.serviceAccountName ?? "default";
    const { audience, expirationSeconds = 3600 } = projection;
    const request = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        ...(audience === undefined ? {} : { audiences: [audience] }),
        expirationSeconds,
        // The token dies with the pod.
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const { status } = await this.api.post<AuthenticationV1TokenRequest>(path, request);
    const fresh = `${file}.new`;
    fs.writeFileSync(fresh, status?.token ?? "", { mode: 0o600 });
    fs.renameSync(fresh, file);
    this.again(projection, file, expirationSeconds * 1000 * renewAt);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  private again(projection: TokenProjection, file: string, ms: number): void {
    if (this.closed) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.write(projection, file).catch(() => this.again(projection, file, retryMs));
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }
}
