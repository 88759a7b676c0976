import { fix, pulumiUp, run, set } from "../config-edits";
import type { Rule } from "../model";

/* What a stack with rights in its namespaces only cannot do. */

const clusterRights: Rule = {
  id: "cluster-rights",
  summary: `With \`clusterScoped: false\` the stack creates nothing that belongs to no namespace, and a pool would get a namespace
of its own (by default every pool does where there are \`objectives\`).`,
  fix: "Let somebody create the namespace, or put the pool beside the route.",
  check: (config, observed, { namespaces }) =>
    config.clusterScoped === false
      ? namespaces
          // One that this stack has made already stays as it is.
          .filter(({ name, create }) => create && observed.namespaces[name] === undefined)
          .map(({ name, pool }) => ({
            found: `pool ${pool} needs namespace ${name}, and clusterScoped: false does not let this stack create it`,
            fix: fix`let somebody with the right create it: ${run(`kubectl create namespace ${name}`)}; or put a pool that does not exist yet beside the route: ${[set(["pools", pool, "namespace"], config.namespace), pulumiUp]}`,
          }))
      : [],
};

export const rightsRules: readonly Rule[] = [clusterRights];
