import { baseNames, namesLostByPromotion } from "../../stacks/plan/client-names";
import type { ServiceConfig } from "../../stacks/plan/service-config";
import { describeMistakes } from "../../stacks/messages/mistakes";
import { resolveConfig } from "../../stacks/config/resolve";
import { keysOf, prefixed, readConfigFile } from "./config-file";
import { kindOf } from "../../stacks/plan/rollout-move";
import { configFileOf, withoutSecrets } from "../workspace";
import { byPool, type Rehearsal } from "./kinds";
import { ladderOf, type Step } from "./ladder";

/**
 * The rollout of a pool that a stack's own config declares, whatever kind it is.
 * @param from name of a stack, or a path to a config file.
 * @throws Error where the config has mistakes, or where a lab that has just started cannot have what it asks for.
 */
export function ownCase(from: string): Rehearsal {
  const service = serviceOf(from);
  const { candidate, stable, pools } = service;
  const [old, fresh] = [pools[stable], candidate === undefined ? undefined : pools[candidate]];
  if (old === undefined || fresh === undefined || candidate === undefined) {
    throw new Error(
      `${from} declares no rollout of a pool: pulumi config set candidate NAME names one; npm start -- --kind adapter rehearses an adapter's`,
    );
  }
  const names = [
    ...baseNames(service).map((name) => ({ name, versions: [] })),
    ...service.adapters.map(({ name, stable: version }) => ({ name, versions: [version.served] })),
  ];
  return {
    kind: kindOf(old, fresh) ?? "node-update",
    // A rehearsal begins before the rollout: the candidate is declared and has no weight.
    changes: prefixed({ weight: 0 }),
    stable,
    candidate,
    between: { stable, candidate },
    steps: ladderOf(candidate).map((step) => keepingNames(step, service)),
    measure: byPool(candidate, names.length === 1 ? [] : names.map(({ name }) => name)),
    expectation: {
      names,
      // The lab's servers say which model they have loaded, whatever names it goes by.
      bases: { [stable]: old.model ?? "", [candidate]: fresh.model ?? "" },
    },
    asked: names.map(({ name }) => name),
    asking: {
      endpoint: service.gate.endpoint,
      // Secrets are the same dummy everywhere, so this is what the servers are started with too.
      ...(service.gate.apiKey === undefined ? {} : { apiKey: service.gate.apiKey }),
    },
    // A priority below 0 may be shed at any time, which here would be a failed request.
    objectives: service.objectives.filter(({ priority }) => priority >= 0).map(({ name }) => name),
    moved: { kind: "route", namespace: service.namespace, name: service.route },
  };
}

function serviceOf(from: string): ServiceConfig {
  const { raw, cloud } = keysOf(
    withoutSecrets(readConfigFile(configFileOf(from))) as Record<string, unknown>,
  );
  const { config, mistakes } = resolveConfig(raw, cloud);
  if (config === undefined) throw new Error(describeMistakes(mistakes));
  if (config.role !== "all") {
    throw new Error(
      `${from} is a ${config.role} stack, but a rehearsal needs the cluster and the service in one stack`,
    );
  }
  const { tlsSecret, certificate, existing } = config.platform.gateway;
  const missing = [
    ...Object.values(config.service.pools)
      .filter(({ existing }) => existing)
      .map(({ name }) => `pool ${name}, which the config marks as existing`),
    ...(tlsSecret === undefined && certificate === undefined ? [] : ["a certificate for the gateway"]),
    ...(existing ? ["the gateway, which the config marks as existing"] : []),
  ];
  if (missing.length > 0) {
    throw new Error(
      `${from} cannot be rehearsed as it is. A new lab does not have:\n${missing.map((what) => `  - ${what}`).join("\n")}\nRehearse a copy of the config that creates these itself or serves clear text.`,
    );
  }
  return config.service;
}

/** A promotion that would drop names of the old model keeps them, as the output `next` does. */
function keepingNames(step: Step, service: ServiceConfig): Step {
  if (step.config["stable"] === undefined) return step;
  const kept = namesLostByPromotion(service).map(
    (name, i) => [`aliases[${service.aliases.length + i}]`, name] as const,
  );
  return { ...step, config: { ...step.config, ...Object.fromEntries(kept) } };
}
