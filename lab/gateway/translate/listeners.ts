import { createPrivateKey, X509Certificate } from "node:crypto";
import { isGranted, type Snapshot } from "../objects/snapshot";
import { gatewayGroup, keyOf, type Gateway, type LabelSelector, type Listener } from "../objects/types";
import type { AddressProblem } from "./addresses";

export interface Problem {
  reason: string;
  message: string;
}

/** A listener of one of our Gateways, and whether it can serve. */
export interface ListenerPlan {
  gateway: Gateway;
  listener: Listener;
  supportedKinds: { group: string; kind: string }[];
  /** Why it is not accepted. */
  refused?: Problem;
  conflict?: Problem;
  unresolved?: Problem;
  /** Why its Gateway has no address. */
  homeless?: AddressProblem;
  certificates: readonly { certificate: string; key: string }[];
}

/** Whether it can serve: it is valid, and its Gateway has an address. */
export function isUsable(plan: ListenerPlan): boolean {
  return isValid(plan) && plan.homeless === undefined;
}

/** Whether nothing is wrong with it. One that names kinds of routes we do not know still serves those we do. */
export function isValid({ refused, conflict, unresolved }: ListenerPlan): boolean {
  const lacksCertificate = unresolved !== undefined && unresolved.reason !== "InvalidRouteKinds";
  return refused === undefined && conflict === undefined && !lacksCertificate;
}

export function planListeners(
  gateway: Gateway,
  snapshot: Snapshot,
  homeless: AddressProblem | undefined,
): ListenerPlan[] {
  return gateway.spec.listeners.map((listener) => {
    const refused = refusal(listener, gateway);
    const conflict = conflictOf(listener, gateway.spec.listeners);
    const kinds = kindsOf(listener);
    const tls = listener.protocol === "HTTPS" ? certificatesOf(listener, gateway, snapshot) : noCertificates;
    const unresolved = kinds.problem ?? tls.problem;
    return {
      gateway,
      listener,
      supportedKinds: kinds.supported,
      certificates: tls.certificates,
      ...(refused !== undefined && { refused }),
      ...(conflict !== undefined && { conflict }),
      ...(unresolved !== undefined && { unresolved }),
      ...(homeless !== undefined && { homeless }),
    };
  });
}

/** Whether routes of a namespace may attach. Gateway API's default is the Gateway's own namespace. */
export function allowsNamespace(
  { listener, gateway }: ListenerPlan,
  namespace: string,
  snapshot: Snapshot,
): boolean {
  const allowed = listener.allowedRoutes?.namespaces;
  switch (allowed?.from ?? "Same") {
    case "All":
      return true;
    case "Same":
      return gateway.metadata.namespace === namespace;
    case "Selector": {
      const labels = snapshot.namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels;
      return allowed?.selector !== undefined && selects(allowed.selector, labels ?? {});
    }
    default:
      return false;
  }
}

function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && (values ?? []).includes(value);
        case "NotIn":
          return value === undefined || !(values ?? []).includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          return false;
      }
    })
  );
}

function refusal({ protocol, tls }: Listener, gateway: Gateway): Problem | undefined {
  if (protocol !== "HTTP" && protocol !== "HTTPS") {
    return { reason: "UnsupportedProtocol", message: `the lab serves HTTP and HTTPS, not ${protocol}` };
  }
  if (protocol === "HTTPS" && (tls?.mode ?? "Terminate") !== "Terminate") {
    return {
      reason: "UnsupportedValue",
      message: `tls.mode ${tls?.mode ?? ""}: the lab terminates TLS at the Gateway`,
    };
  }
  // Serving without the check would let in whom the Gateway is to keep out.
  if (protocol === "HTTPS" && gateway.spec.tls?.frontend !== undefined) {
    return {
      reason: "UnsupportedValue",
      message: "spec.tls.frontend: the lab does not verify client certificates",
    };
  }
  return undefined;
}

function conflictOf(listener: Listener, all: readonly Listener[]): Problem | undefined {
  const samePort = all.filter((other) => other !== listener && other.port === listener.port);
  const otherProtocol = samePort.find(({ protocol }) => protocol !== listener.protocol);
  if (otherProtocol !== undefined) {
    return {
      reason: "ProtocolConflict",
      message: `listener ${otherProtocol.name} has port ${listener.port} with ${otherProtocol.protocol}`,
    };
  }
  const sameHost = samePort.find(({ hostname }) => (hostname ?? "") === (listener.hostname ?? ""));
  return sameHost === undefined
    ? undefined
    : { reason: "HostnameConflict", message: `listener ${sameHost.name} has the same port and hostname` };
}

function kindsOf({ allowedRoutes }: Listener): {
  supported: ListenerPlan["supportedKinds"];
  problem?: Problem;
} {
  const httpRoutes = { group: gatewayGroup, kind: "HTTPRoute" };
  const desired = allowedRoutes?.kinds ?? [];
  if (desired.length === 0) return { supported: [httpRoutes] };
  const isHttpRoute = (one: { group?: string; kind: string }): boolean =>
    (one.group ?? gatewayGroup) === httpRoutes.group && one.kind === httpRoutes.kind;
  const other = desired.find((one) => !isHttpRoute(one));
  return {
    supported: desired.some(isHttpRoute) ? [httpRoutes] : [],
    ...(other !== undefined && {
      problem: { reason: "InvalidRouteKinds", message: `the lab serves HTTPRoute, not ${other.kind}` },
    }),
  };
}

type Certificates = Pick<ListenerPlan, "certificates"> & { problem?: Problem };
const noCertificates: Certificates = { certificates: [] };

function certificatesOf(listener: Listener, gateway: Gateway, snapshot: Snapshot): Certificates {
  const invalid = (message: string, reason = "InvalidCertificateRef"): Certificates => ({
    certificates: [],
    problem: { reason, message },
  });
  const refs = listener.tls?.certificateRefs ?? [];
  if (refs.length === 0) return invalid("tls.certificateRefs is empty");
  const certificates: { certificate: string; key: string }[] = [];
  for (const { group, kind, name, namespace } of refs) {
    const from = { kind: "Gateway", namespace: gateway.metadata.namespace ?? "" };
    const to = { group: group ?? "", kind: kind ?? "Secret", namespace: namespace ?? from.namespace, name };
    if (to.group !== "" || to.kind !== "Secret") return invalid(`${to.kind} ${name} is not a Secret`);
    if (!isGranted(snapshot, from, to)) {
      return invalid(
        `no ReferenceGrant in ${to.namespace} allows Gateway ${keyOf(gateway)} to use Secret ${name}`,
        "RefNotPermitted",
      );
    }
    const secret = snapshot.secrets.find((one) => one.name === name && one.namespace === to.namespace);
    if (secret === undefined)
      return invalid(`Secret ${to.namespace}/${name} (kubernetes.io/tls) does not exist`);
    const { certificate, key } = secret;
    if (certificate === undefined || key === undefined || !belongTogether(certificate, key)) {
      return invalid(`Secret ${to.namespace}/${name} contains no certificate with its key`);
    }
    certificates.push({ certificate, key });
  }
  return { certificates };
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
