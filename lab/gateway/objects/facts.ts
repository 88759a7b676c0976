import type { Pod, Secret } from "./types";

/**
 * What the gateway needs to know of a pod. Pods change often for reasons that do not matter here; an event that
 * leaves the facts as they were causes no work.
 */
export interface PodFacts {
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  ip: string | undefined;
  /** Ready, and its deletion has not begun: only such pods get new requests. */
  serving: boolean;
  /** Container ports by name: a Service may name one as its targetPort. */
  ports: Readonly<Record<string, number>>;
  /** An endpoint picker serves TLS with a certificate of its own making unless told not to. */
  secureServing: boolean;
}

export function podFacts(pod: Pod): PodFacts {
  const { metadata, spec, status } = pod;
  const words = spec.containers.flatMap(({ command, args }) => [...(command ?? []), ...(args ?? [])]);
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    labels: metadata.labels ?? {},
    ip: status?.podIP,
    serving:
      metadata.deletionTimestamp === undefined &&
      status?.podIP !== undefined &&
      (status.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True"),
    ports: Object.fromEntries(
      ports.flatMap(({ name, containerPort }) =>
        name === undefined ? [] : [[name, containerPort] as const],
      ),
    ),
    secureServing: !words.some((word) => /^--?secure-serving=(false|f|0)$/i.test(word)),
  };
}

export interface SecretFacts {
  namespace: string;
  name: string;
  /** PEM texts; undefined where the Secret lacks them. */
  certificate: string | undefined;
  key: string | undefined;
}

/** undefined for Secrets that cannot be a listener's certificate, so that no other Secret is kept in memory. */
export function secretFacts(secret: Secret): SecretFacts | undefined {
  if (secret.type !== "kubernetes.io/tls") return undefined;
  const text = (name: string): string | undefined => {
    const value = secret.data?.[name];
    return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
  };
  return {
    namespace: secret.metadata.namespace ?? "",
    name: secret.metadata.name,
    certificate: text("tls.crt"),
    key: text("tls.key"),
  };
}
