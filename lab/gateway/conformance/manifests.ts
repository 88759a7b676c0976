import type { KubernetesObject, V1PodTemplateSpec } from "@kubernetes/client-node";
import { dump, loadAll } from "js-yaml";

/*
 * A suite's base manifests as a lab can run them. They are read from the suite itself and changed in memory; the
 * manifests of the tests stay as they are.
 */

type Change = (objects: readonly Loaded[]) => Loaded[];

interface Loaded extends KubernetesObject {
  spec?: { template?: V1PodTemplateSpec };
  rules?: object[];
}

/** Deployments, Services and ConfigMaps of Gateway API's suite for features that are not claimed: TLS, gRPC, TCP, UDP. */
const unclaimedBackends = /^(tls-backend(-2)?|grpc-infra-backend-v\d|tcp-backend|coredns)$/;

/** Gateway API's suite: without the backends of features that are not claimed, whose pods would never be ready here. */
export function gatewayApiBase(text: string): string {
  return changed(text, (objects) =>
    objects.filter(({ metadata }) => !unclaimedBackends.test(metadata?.name ?? "")),
  );
}

/** The picker that the lab's Envoy can talk to. */
const pickerImage = "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0";

/** Picks the pod that a test's header names, and says in an answer's header which endpoint Envoy reported. */
const pickerConfig = `
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: header-based-testing-filter
- type: destination-endpoint-served-verifier
- type: max-score-picker
schedulingProfiles:
- name: conformance
  plugins:
  - pluginRef: header-based-testing-filter
  - pluginRef: max-score-picker
`;

const infrastructure = "inference-conformance-infra";

/**
 * The inference extension's suite: with the full endpoint picker instead of its light one (lwepp), whose answers to
 * bodies Envoy refuses in mode FULL_DUPLEX_STREAMED, and the rights that one needs; and with a pod in the Gateways'
 * namespace, because the suite waits until a pod is ready there and takes a gateway's own pods for granted.
 */
export function inferenceBase(text: string): string {
  return changed(text, (objects) => [...objects.map(withPicker).map(withRights), idlePod]);
}

function withPicker(object: Loaded): Loaded {
  const container = object.spec?.template?.spec?.containers.find(({ image }) => /\/lwepp:/.test(image ?? ""));
  if (container === undefined) return object;
  const args = container.args ?? [];
  const value = (flag: string): string => args[args.indexOf(flag) + 1] ?? "";
  container.image = pickerImage;
  container.args = [
    ...["--pool-name", "--pool-namespace", "--grpc-port", "--grpc-health-port"].flatMap((flag) => [
      flag,
      value(flag),
    ]),
    ...["--config-text", pickerConfig, "--metrics-endpoint-auth=false", "--tracing=false"],
  ];
  for (const probe of [container.livenessProbe, container.readinessProbe]) {
    Object.assign(probe ?? {}, { initialDelaySeconds: 0, periodSeconds: 1 });
  }
  return object;
}

function withRights(object: Loaded): Loaded {
  if (object.kind !== "Role") return object;
  const more = {
    apiGroups: ["inference.networking.x-k8s.io"],
    resources: ["inferenceobjectives", "inferencemodelrewrites"],
    verbs: ["get", "list", "watch"],
  };
  return { ...object, rules: [...(object.rules ?? []), more] };
}

const idlePod: Loaded = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "idle", namespace: infrastructure },
  spec: { containers: [{ name: "pause", image: "registry.k8s.io/pause:3.10" }] } as object,
};

function changed(text: string, change: Change): string {
  // An empty document is null.
  const objects = (loadAll(text) as (Loaded | null)[]).filter((one) => one !== null);
  return change(objects)
    .map((one) => dump(one))
    .join("---\n");
}
