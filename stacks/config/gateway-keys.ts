import type { z } from "zod";
import { usesTls, type GatewayConfig } from "../../components/gateways/gateway";
import { hostCovers } from "../../components/gateways/hostnames";
import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";
import { maxLabel } from "../../components/names";
import { isReported, missing, type Mistake } from "../messages/mistakes";
import { edits, remove, set } from "../plan/config-edits";
import { defaultPort, defaults } from "./defaults";
import {
  aModel,
  anyDnsName,
  flag,
  integer,
  list,
  matching,
  name,
  object,
  oneOf,
  optional,
  required,
  section,
  withDefault,
} from "./fields";

/* The gateway, and what inspects its traffic. */

const template = matching(
  /^projects\/[^/]+\/locations\/[^/]+\/templates\/[^/]+$/,
  "a Model Armor template, for example projects/PROJECT/locations/REGION/templates/NAME",
);

const modelArmorSchema = object({
  promptTemplate: required(template, {
    description: "Template that Model Armor checks prompts against.",
    example: "projects/acme-ml/locations/us-central1/templates/prompts",
  }),
  responseTemplate: required(template, {
    description:
      "Template that Model Armor checks responses against. In the region of the prompts' template.",
    example: "projects/acme-ml/locations/us-central1/templates/responses",
  }),
  model: optional(aModel, {
    description: "The model whose traffic is checked.",
    default: "the stack's model",
    example: "Qwen/Qwen3-8B",
  }),
  failOpen: withDefault(flag(), false, {
    description: "Whether traffic passes while Model Armor does not respond.",
    example: false,
  }),
});

const gatewaySchema = object({
  name: withDefault(name(maxLabel), defaults.gateway.name, {
    description: "Name of the Gateway.",
    example: "llm-gateway",
  }),
  namespace: optional(name(maxLabel), {
    description: "Namespace of the Gateway.",
    default: "the service's namespace",
    example: "default",
  }),
  existing: withDefault(flag(), false, {
    description:
      "Whether the Gateway was created outside this stack. The stack then uses it and never changes it.",
    example: true,
  }),
  routesFrom: optional(list(name(maxLabel), "namespaces"), {
    description: "Namespaces whose routes may attach to the Gateway.",
    default: "the service's namespace",
    example: ["default"],
  }),
  exposure: withDefault(oneOf(["internal", "external"]), "internal", {
    description:
      "`internal`: a regional internal load balancer. `external`: one that the internet can reach.",
    example: "internal",
  }),
  port: optional(integer(1, 65535), {
    description: "Port of the listener.",
    default: `${defaultPort(false)} without TLS, ${defaultPort(true)} with TLS`,
    example: 8080,
  }),
  hostname: optional(matching(anyDnsName, "a DNS name, or *. and a DNS name"), {
    description:
      "DNS name that clients use. Required for an external gateway. `*.` and a domain stands for all its names: each service then sets `hostname`.",
    default: "none",
    example: "llm.example.com",
  }),
  tlsSecret: optional(name(maxLabel), {
    description:
      "Secret with the TLS certificate, in the Gateway's namespace. An external gateway requires `tlsSecret` or `certificate`.",
    default: "none",
    example: "llm-certificate",
  }),
  certificate: optional(name(maxLabel), {
    description: "Certificate in Certificate Manager, in the Gateway's region, instead of a Secret.",
    default: "none",
    example: "llm-certificate",
  }),
  address: optional(name(maxLabel), {
    description: "Name of a reserved regional IP address with the same exposure.",
    default: "GKE chooses a free address",
    example: "llm-address",
  }),
  globalAccess: withDefault(flag(), defaults.gateway.globalAccess, {
    description: "Internal gateways: whether clients in other regions of the network can connect.",
    example: true,
  }),
  timeoutSeconds: withDefault(integer(1, 86_400, "seconds"), defaults.gateway.timeoutSeconds, {
    description:
      "Longest time for a complete response, including streams. The load balancer's own default is 30.",
    example: 600,
  }),
  logging: withDefault(flag(), defaults.gateway.logging, {
    description: "Whether the load balancer logs requests.",
    example: true,
  }),
  cloudArmor: optional(name(maxLabel), {
    description: "External gateways: name of a regional Cloud Armor security policy for all pools.",
    default: "none",
    example: "llm-policy",
  }),
  modelArmor: optional(modelArmorSchema, {
    description:
      "Model Armor checks prompts and responses of `/v1/chat/completions` and `/v1/completions`. It does not check other paths (`/v1/responses`, embeddings).",
    default: "none",
    example: {
      promptTemplate: "projects/acme-ml/locations/us-central1/templates/prompts",
      responseTemplate: "projects/acme-ml/locations/us-central1/templates/responses",
    },
  }),
});

export const gatewayKeys = {
  gateway: section(gatewaySchema, {
    description: "The Gateway that clients connect to. With `role: service` it is the platform stack's.",
    default: "an internal gateway that this stack creates",
    example: { exposure: "internal" },
  }),
};

type GatewayInput = z.infer<typeof gatewaySchema>;

/**
 * The gateway, with every mistake in it added to `mistakes`.
 * @param stack what it takes over from the other keys of the stack.
 */
export function resolveGateway(
  gateway: GatewayInput,
  stack: { namespace: string; model?: string | undefined },
  mistakes: Mistake[],
): GatewayConfig {
  const { name: gatewayName, exposure, existing, globalAccess, timeoutSeconds, logging } = gateway;
  if (exposure === "external" && !existing) mistakes.push(...missingTls(gateway, mistakes));
  mistakes.push(...contradictions(gateway));
  const given = {
    ...(gateway.hostname === undefined ? {} : { hostname: gateway.hostname }),
    ...(gateway.tlsSecret === undefined ? {} : { tlsSecret: gateway.tlsSecret }),
    ...(gateway.certificate === undefined ? {} : { certificate: gateway.certificate }),
    ...(gateway.address === undefined ? {} : { address: gateway.address }),
    ...(gateway.cloudArmor === undefined ? {} : { cloudArmor: gateway.cloudArmor }),
  };
  const modelArmor = resolveModelArmor(gateway.modelArmor, stack.model, mistakes);
  return {
    name: gatewayName,
    namespace: gateway.namespace ?? stack.namespace,
    existing,
    exposure,
    routesFrom: gateway.routesFrom ?? [stack.namespace],
    port: gateway.port ?? defaultPort(usesTls(given)),
    globalAccess,
    timeoutSeconds,
    logging,
    ...given,
    ...(modelArmor === undefined ? {} : { modelArmor }),
  };
}

/**
 * Whether clients can reach a service by its name.
 * @param listening the gateway's, where it has one.
 */
export function checkHostname(
  hostname: string | undefined,
  listening: string | undefined,
  reported: readonly Mistake[] = [],
): Mistake[] {
  if (listening === undefined || isReported(reported, "gateway.hostname")) return [];
  const example = listening.replace(/^\*\./, "llm.");
  if (hostname === undefined) {
    return listening.startsWith("*.")
      ? [missing("hostname", `the service's own name: the Gateway takes requests for ${listening}`, example)]
      : [];
  }
  if (hostCovers(listening, hostname) || isReported(reported, "hostname")) return [];
  return [
    {
      key: "hostname",
      found: hostname,
      allowed: `a name that the Gateway takes requests for: ${listening}`,
      fix: edits(set("hostname", example)),
    },
  ];
}

/** Nothing is opened to the internet without a name and a certificate. */
function missingTls(gateway: GatewayInput, reported: readonly Mistake[]): Mistake[] {
  return [
    ...(gateway.hostname === undefined && !isReported(reported, "gateway.hostname")
      ? [missing("gateway.hostname", "the DNS name of an external gateway", "llm.example.com")]
      : []),
    ...(!usesTls(gateway) &&
    !isReported(reported, "gateway.tlsSecret") &&
    !isReported(reported, "gateway.certificate")
      ? [
          missing(
            "gateway.tlsSecret",
            "the Secret with its certificate (or gateway.certificate): an external gateway requires TLS",
            "llm-certificate",
          ),
        ]
      : []),
  ];
}

function contradictions({
  exposure,
  tlsSecret,
  certificate,
  cloudArmor,
  globalAccess,
}: GatewayInput): Mistake[] {
  const mistakes: Mistake[] = [];
  if (tlsSecret !== undefined && certificate !== undefined) {
    mistakes.push({
      key: "gateway.certificate",
      found: `${certificate}, but tlsSecret ${tlsSecret} is also set`,
      allowed: "only one of certificate and tlsSecret",
      fix: edits(remove("gateway.tlsSecret")),
    });
  }
  if (cloudArmor !== undefined && !defaultGatewayKind.exposures.cloudArmor.includes(exposure)) {
    mistakes.push({
      key: "gateway.cloudArmor",
      found: `${cloudArmor}, but the gateway is internal`,
      allowed: "nothing: a security policy protects only an external gateway",
      fix: edits(remove("gateway.cloudArmor")),
    });
  }
  if (globalAccess && !defaultGatewayKind.exposures.globalAccess.includes(exposure)) {
    mistakes.push({
      key: "gateway.globalAccess",
      found: "true, but the gateway is external",
      allowed: "nothing: every region can reach an external gateway",
      fix: edits(remove("gateway.globalAccess")),
    });
  }
  return mistakes;
}

function resolveModelArmor(
  modelArmor: GatewayInput["modelArmor"],
  stackModel: string | undefined,
  mistakes: Mistake[],
): GatewayConfig["modelArmor"] {
  if (modelArmor === undefined) return undefined;
  const { promptTemplate, responseTemplate, failOpen } = modelArmor;
  const locationOf = (path: string): string => path.split("/")[3] ?? "";
  const location = locationOf(promptTemplate);
  if (locationOf(responseTemplate) !== location) {
    mistakes.push({
      key: "gateway.modelArmor.responseTemplate",
      found: `a template in ${locationOf(responseTemplate)}`,
      allowed: `a template in ${location}, like the template of the prompts`,
      fix: edits(
        set(
          "gateway.modelArmor.responseTemplate",
          responseTemplate.replace(/locations\/[^/]+/, `locations/${location}`),
        ),
      ),
    });
  }
  const model = modelArmor.model ?? stackModel;
  if (model === undefined) {
    mistakes.push(missing("gateway.modelArmor.model", "the model whose traffic is checked", "Qwen/Qwen3-8B"));
  }
  return { promptTemplate, responseTemplate, model: model ?? "", failOpen, location };
}
