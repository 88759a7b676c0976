import type { Asked } from "./pod-specs";

/** GKE's classes whose load balancers have only addresses inside the network. */
const internalClasses = /^gke-l7-(rilb|cross-regional-internal-managed)(-mc)?$/;

interface Listener {
  name?: string;
  protocol?: string;
  tls?: { mode?: string; certificateRefs?: readonly unknown[]; options?: object };
}

/** Ways in which anyone could reach the service in clear text. An unknown class counts as public. */
export function clearTextListeners({ type, props }: Asked): string[] {
  if (/^kubernetes:gateway\.networking\.k8s\.io\/\w+:Gateway$/.test(type)) return ofGateway(props);
  return type === "kubernetes:core/v1:Service" ? ofService(props) : [];
}

function ofGateway(props: Asked["props"]): string[] {
  const spec = (props["spec"] ?? {}) as { gatewayClassName?: string; listeners?: readonly Listener[] };
  const { gatewayClassName = "", listeners = [] } = spec;
  if (internalClasses.test(gatewayClassName)) return [];
  return listeners
    .filter((listener) => !isEncrypted(listener))
    .map(
      ({ name, protocol }) =>
        `listener ${name ?? "(unnamed)"} of a public gateway (${gatewayClassName}) uses ${protocol ?? "an unknown protocol"} in clear text; set a certificate (gateway.tlsSecret), or make the gateway internal`,
    );
}

function isEncrypted({ protocol, tls }: Listener): boolean {
  if (protocol !== "HTTPS" && protocol !== "TLS") return false;
  // With passthrough the servers have the certificate; on GKE the options can name it.
  return (
    tls?.mode === "Passthrough" ||
    (tls?.certificateRefs ?? []).length > 0 ||
    Object.keys(tls?.options ?? {}).length > 0
  );
}

function ofService(props: Asked["props"]): string[] {
  const spec = (props["spec"] ?? {}) as { type?: string };
  const metadata = (props["metadata"] ?? {}) as { annotations?: Record<string, string> };
  if (spec.type !== "LoadBalancer") return [];
  const { annotations = {} } = metadata;
  const kind =
    annotations["networking.gke.io/load-balancer-type"] ?? annotations["cloud.google.com/load-balancer-type"];
  if (kind?.toLowerCase() === "internal") return [];
  return [
    "a Service of type LoadBalancer is public and bypasses the gateway; annotate it with networking.gke.io/load-balancer-type: Internal, or remove the type",
  ];
}
