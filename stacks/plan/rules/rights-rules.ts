import { fix, pulumiUp, run, set } from "../config-edits";
import type { Draft, Finding, Rule } from "../model";
import { isMadeHere } from "../namespaces";
import type { Observed } from "../observed";
import type { ServiceConfig } from "../service-config";

/* What a stack with rights in its namespaces only cannot do. */

const clusterRights: Rule = {
  id: "cluster-rights",
  summary: `With \`clusterScoped: false\` the stack creates nothing that belongs to no namespace, and the service's namespace does
not exist, or a pool would get a namespace of its own (by default every pool does where there are \`objectives\`).`,
  fix: "Let somebody create the namespace, or put the pool beside the route.",
  check: (config, observed, { namespaces }) =>
    config.clusterScoped === false
      ? [...homeMissing(config, observed), ...ofPools(observed, namespaces, config)]
      : [],
};

/** Nothing is known of a cluster that is still to be made. */
function homeMissing({ namespace }: ServiceConfig, { others, namespaces }: Observed): Finding[] {
  if (others === undefined || !isMadeHere(namespace, namespaces) || namespaces[namespace] === "owned")
    return [];
  return [
    {
      found: `the service needs namespace ${namespace}, and clusterScoped: false does not let this stack create it`,
      fix: fix`let somebody with the right create it: ${run(`kubectl create namespace ${namespace}`)}`,
    },
  ];
}

function ofPools(observed: Observed, namespaces: Draft["namespaces"], config: ServiceConfig): Finding[] {
  return (
    namespaces
      // One that this stack has made already stays as it is.
      .filter(({ name, create }) => create && observed.namespaces[name] === undefined)
      .map(({ name, pool }) => ({
        found: `pool ${pool} needs namespace ${name}, and clusterScoped: false does not let this stack create it`,
        fix: fix`let somebody with the right create it: ${run(`kubectl create namespace ${name}`)}; or put a pool that does not exist yet beside the route: ${[set(["pools", pool, "namespace"], config.namespace), pulumiUp]}`,
      }))
  );
}

export const rightsRules: readonly Rule[] = [clusterRights];
