import { fix, pulumiUp, run, set } from "../config-edits";
import type { Rule } from "../model";

/* What a stack with rights in its namespaces only cannot do. */

const clusterRights: Rule = {
  id: "cluster-rights",
  summary: `With \`clusterScoped: false\` the stack creates no cluster-scoped objects, and a pool would need a namespace of its own (by
default, every pool of a stack with \`objectives\` does).`,
  fix: "Ask somebody to create the namespace, or create the pool in the route's namespace.",
  check: (config, observed, { namespaces }) =>
    config.clusterScoped === false
      ? namespaces
          // One that this stack has made already stays as it is.
          .filter(({ name, create }) => create && observed.namespaces[name] === undefined)
          .map(({ name, pool }) => ({
            found: `pool ${pool} needs namespace ${name}, and clusterScoped: false does not let this stack create it`,
            fix: fix`ask somebody with the permission to create it: ${run(`kubectl create namespace ${name}`)}; or, if the pool does not exist yet, create it in the route's namespace: ${[set(["pools", pool, "namespace"], config.namespace), pulumiUp]}`,
          }))
      : [],
};

export const rightsRules: readonly Rule[] = [clusterRights];
