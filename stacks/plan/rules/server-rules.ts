import type { Rule } from "../model";
import { fix, joinFixes } from "../config-edits";
import { falls } from "../copied-pools";
import { byHandText, missingText } from "./copy-rules";

/* What a pool's own model servers need beside their nodes. */

/** Everything that the settings of a pool's pods name is where they will run. */
const serverReferenceMissing: Rule = {
  id: "server-reference-missing",
  summary: `\`server.env\`, \`server.volumes\`, \`server.priorityClassName\` or \`server.podPatch\` of a pool that is about to be created
(or whose pods are about to restart) name a Secret, ConfigMap, PersistentVolumeClaim or another object that does not
exist in the pool's namespace. Such pods would stay pending until the timeout \`server.loadingMinutes\`. References marked
\`optional\` are not checked. Objects that the identity that runs \`pulumi\` may not read cause a note, not a refusal.`,
  fix: "Create what is missing, or take the setting out.",
  check: (_config, observed, draft) =>
    draft.pools.flatMap(({ pool, namespace }) => {
      // A pool may always lose traffic, whatever its pods lack.
      if (falls(pool.name, observed, draft)) return [];
      const missing = observed.settings?.[pool.name]?.missing ?? [];
      if (missing.length === 0) return [];
      const make =
        observed.namespaces[namespace] === undefined ? [fix`kubectl create namespace ${namespace}`] : [];
      return [
        {
          found: `the pods of ${pool.name} cannot start in namespace ${namespace}: ${missing.map(missingText).join("; ")}`,
          fix: joinFixes(
            [...make, ...missing.map((object) => fix`${byHandText(object, namespace, namespace)}`)],
            "; ",
          ),
        },
      ];
    }),
};

export const serverRules: readonly Rule[] = [serverReferenceMissing];
