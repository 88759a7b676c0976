import { usesTls, type GatewayConfig } from "../../components/gateways/gateway";
import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";
import { defaultPort, defaults } from "./defaults";
import { broken, missing, removeCommand, setCommand, type Mistake } from "../messages/mistakes";
import type { Parsed } from "./validate";

/** The gateway, with everything that is not right about it added to `mistakes`. */
export function resolveGateway(values: Parsed, namespace: string, mistakes: Mistake[]): GatewayConfig {
  const { gateway } = values;
  const exposure = gateway?.exposure ?? "internal";
  if (exposure === "external" && gateway?.existing !== true)
    mistakes.push(...nothingInClear(values, mistakes));
  mistakes.push(...contradictions(values));
  const given = {
    ...(gateway?.hostname === undefined ? {} : { hostname: gateway.hostname }),
    ...(gateway?.tlsSecret === undefined ? {} : { tlsSecret: gateway.tlsSecret }),
    ...(gateway?.certificate === undefined ? {} : { certificate: gateway.certificate }),
    ...(gateway?.address === undefined ? {} : { address: gateway.address }),
    ...(gateway?.cloudArmor === undefined ? {} : { cloudArmor: gateway.cloudArmor }),
  };
  const modelArmor = resolveModelArmor(values, mistakes);
  return {
    name: gateway?.name ?? defaults.gateway.name,
    namespace: gateway?.namespace ?? namespace,
    existing: gateway?.existing ?? false,
    exposure,
    routesFrom: gateway?.routesFrom ?? [namespace],
    port: gateway?.port ?? defaultPort(usesTls(given)),
    globalAccess: gateway?.globalAccess ?? defaults.gateway.globalAccess,
    timeoutSeconds: gateway?.timeoutSeconds ?? defaults.gateway.timeoutSeconds,
    logging: gateway?.logging ?? defaults.gateway.logging,
    ...given,
    ...(modelArmor === undefined ? {} : { modelArmor }),
  };
}

function nothingInClear({ gateway }: Parsed, told: readonly Mistake[]): Mistake[] {
  const hasCertificate = usesTls(gateway ?? {});
  return [
    ...(gateway?.hostname === undefined && !broken(told, "gateway.hostname")
      ? [missing("gateway.hostname", "the DNS name of an external gateway", "llm.example.com")]
      : []),
    ...(!hasCertificate && !broken(told, "gateway.tlsSecret") && !broken(told, "gateway.certificate")
      ? [
          missing(
            "gateway.tlsSecret",
            "the Secret with its certificate (or gateway.certificate): nothing is opened to the world in clear text",
            "llm-certificate",
          ),
        ]
      : []),
  ];
}

function contradictions({ gateway }: Parsed): Mistake[] {
  const exposure = gateway?.exposure ?? "internal";
  const mistakes: Mistake[] = [];
  if (gateway?.tlsSecret !== undefined && gateway.certificate !== undefined) {
    mistakes.push({
      key: "gateway.certificate",
      found: `${gateway.certificate}, beside tlsSecret ${gateway.tlsSecret}`,
      allowed: "one of the two",
      fix: removeCommand("gateway.tlsSecret"),
    });
  }
  if (gateway?.cloudArmor !== undefined && !defaultGatewayKind.exposures.cloudArmor.includes(exposure)) {
    mistakes.push({
      key: "gateway.cloudArmor",
      found: `${gateway.cloudArmor}, for an internal gateway`,
      allowed: "nothing: a security policy guards an external gateway",
      fix: removeCommand("gateway.cloudArmor"),
    });
  }
  if (gateway?.globalAccess === true && !defaultGatewayKind.exposures.globalAccess.includes(exposure)) {
    mistakes.push({
      key: "gateway.globalAccess",
      found: "true, for an external gateway",
      allowed: "nothing: whom an external gateway admits is no matter of regions",
      fix: removeCommand("gateway.globalAccess"),
    });
  }
  return mistakes;
}

function resolveModelArmor(
  { gateway, model: stackModel }: Parsed,
  mistakes: Mistake[],
): GatewayConfig["modelArmor"] {
  const wanted = gateway?.modelArmor;
  if (wanted === undefined) return undefined;
  const { promptTemplate, responseTemplate, failOpen } = wanted;
  const locations = [promptTemplate, responseTemplate].map((path) => path.split("/")[3] ?? "");
  if (locations[0] !== locations[1]) {
    mistakes.push({
      key: "gateway.modelArmor.responseTemplate",
      found: `a template in ${locations[1] ?? ""}`,
      allowed: `a template in ${locations[0] ?? ""}, where the prompt's is`,
      fix: setCommand(
        "gateway.modelArmor.responseTemplate",
        responseTemplate.replace(/locations\/[^/]+/, `locations/${locations[0] ?? ""}`),
      ),
    });
  }
  const model = wanted.model ?? stackModel;
  if (model === undefined) {
    mistakes.push(
      missing("gateway.modelArmor.model", "the model whose traffic is looked at", "Qwen/Qwen3-8B"),
    );
  }
  return {
    promptTemplate,
    responseTemplate,
    model: model ?? "",
    failOpen: failOpen ?? false,
    location: locations[0] ?? "",
  };
}
