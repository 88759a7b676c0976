import type { ToolName } from "../../tools/catalogue";

/** An official conformance suite, what the lab's gateway claims of it, and what is left out and why. */
export interface Suite {
  title: string;
  tool: ToolName;
  module: string;
  version: string;
  profile: string;
  /** Extended features that are claimed: all their tests must pass. Core features are claimed by the profile. */
  claimed: readonly string[];
  /** Extended features of the profile that are not claimed, with the reason. Together with `claimed`: all there are. */
  unclaimed: Readonly<Record<string, string>>;
  /** Tests of claimed features that are not run, with the reason. */
  skipped: Readonly<Record<string, string>>;
  /** How many tests pass; a suite without extended features has no such tests. */
  passed: { core: number; extended?: number };
  /** What it took on the machine where this was written (2 cores, shared): once to build, each time to run. */
  measured: { buildCpuSeconds: number; runSeconds?: number };
}

const rewrites = "the lab refuses URLRewrite; nothing that the program deploys uses it";
const mirrors = "the lab refuses RequestMirror; nothing that the program deploys uses it";
const clients = "the lab does not verify client certificates; it refuses such a listener (UnsupportedValue)";
const backendTls = "the lab connects to pods in clear text, as GKE connects to model servers";

export const gatewayApi: Suite = {
  title: "Gateway API",
  tool: "conformance-gateway",
  module: "sigs.k8s.io/gateway-api/conformance",
  version: "v1.5.1",
  profile: "GATEWAY-HTTP",
  claimed: [
    "GatewayAddressEmpty",
    "GatewayHTTPListenerIsolation",
    "GatewayPort8080",
    "GatewayStaticAddresses",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteSchemeRedirect",
  ],
  unclaimed: {
    BackendTLSPolicy: backendTls,
    BackendTLSPolicySANValidation: backendTls,
    GatewayBackendClientCertificate: backendTls,
    GatewayFrontendClientCertificateValidation: clients,
    GatewayFrontendClientCertificateValidationInsecureFallback: clients,
    GatewayHTTPSListenerDetectMisdirectedRequests: "a request for another listener's host gets 404, not 421",
    GatewayInfrastructurePropagation: "a Gateway in the lab creates no objects that could have labels",
    HTTPRouteCORS: "the lab refuses the filter; nothing that the program deploys uses it",
    HTTPRouteHostRewrite: rewrites,
    HTTPRoutePathRewrite: rewrites,
    HTTPRouteRequestMirror: mirrors,
    HTTPRouteRequestMultipleMirrors: mirrors,
    HTTPRouteRequestPercentageMirror: mirrors,
    ListenerSet: "listeners come only from the Gateway; nothing that the program deploys uses ListenerSets",
  },
  skipped: {
    HTTPRouteServiceTypes:
      "it writes EndpointSlices with the pods' addresses, and the API server refuses loopback addresses there",
  },
  passed: { core: 32, extended: 24 },
  measured: { buildCpuSeconds: 95, runSeconds: 40 },
};

export const inferenceExtension: Suite = {
  title: "Gateway API Inference Extension",
  tool: "conformance-inference",
  module: "sigs.k8s.io/gateway-api-inference-extension/conformance",
  version: "v1.6.0",
  profile: "Gateway",
  claimed: [],
  unclaimed: {},
  skipped: {
    InferencePoolMissingEPPRef:
      "it needs the InferencePool CRD of v1.6.0, where endpointPickerRef may be absent; the lab has v1.5.0's",
  },
  passed: { core: 13 },
  measured: { buildCpuSeconds: 100, runSeconds: 27 },
};

export const suites: readonly Suite[] = [gatewayApi, inferenceExtension];
