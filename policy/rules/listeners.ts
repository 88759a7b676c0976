import type { Asked } from "./pod-specs";

/** Classes of GKE whose load balancers have addresses inside the network only. */
const internalClasses = /^gke-l7-(rilb|cross-regional-internal-managed)(-mc)?$/;

interface Listener {
  name?: string;
  protocol?: string;
  tls?: { mode?: string; certificateRefs?: readonly unknown[]; options?: object };
}

/** Ways by which the world could reach the service in clear text. A class that is not known counts as public. */
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
        `listener ${name ?? "(unnamed)"} of a public gateway (${gatewayClassName}) speaks ${protocol ?? "nothing known"} in clear text; give it a certificate (gateway.tlsSecret), or make the gateway internal`,
    );
}

function isEncrypted({ protocol, tls }: Listener): boolean {
  if (protocol !== "HTTPS" && protocol !== "TLS") return false;
  // Passed through, the servers themselves have the certificate; of GKE it can be named in the options.
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
    "a Service of type LoadBalancer is reachable by the world, past the gateway; annotate networking.gke.io/load-balancer-type: Internal, or take the type out",
  ];
}
