import type { ObservedRewrite } from "../plan/observed";
import { apis, labels, managedBy } from "../../components/names";
import type { ClusterReader } from "./cluster-reader";
import { isOurs } from "./ours";

interface LiveRule {
  matches?: { model?: { value?: string } }[];
  targets?: { modelRewrite: string; weight?: number }[];
}

/** Names that somebody else's InferenceModelRewrites answer on a pool: its servers list none of them. */
export async function rewrittenNames(
  reader: ClusterReader,
  { name, namespace }: { name: string; namespace: string },
): Promise<string[]> {
  const path = `/apis/${apis.extension}/v1alpha2/namespaces/${namespace}/inferencemodelrewrites`;
  return (await reader.list(path)).flatMap((object) => {
    const { poolRef, rules = [] } = (object["spec"] ?? {}) as {
      poolRef?: { name?: string };
      rules?: LiveRule[];
    };
    // This stack's own are names that its config declares.
    if (poolRef?.name !== name || object.metadata.labels?.[labels.managedBy] === managedBy) return [];
    return rules.flatMap(({ matches = [] }) => matches.flatMap(({ model }) => model?.value ?? []));
  });
}

/** How this service's pools in one namespace rewrite model names now. */
export async function observedRewrites(
  reader: ClusterReader,
  namespace: string,
  service: string,
): Promise<ObservedRewrite[]> {
  const path = `/apis/${apis.extension}/v1alpha2/namespaces/${namespace}/inferencemodelrewrites`;
  const objects = (await reader.list(path)).filter((object) => isOurs(object, service));
  return objects.flatMap((object) => {
    const pool = object.metadata.labels?.[labels.pool] ?? "";
    const { rules = [] } = (object["spec"] ?? {}) as { rules?: LiveRule[] };
    return rules.flatMap(({ matches = [], targets = [] }) =>
      matches.flatMap(({ model }) =>
        model?.value === undefined
          ? []
          : [
              {
                pool,
                namespace,
                model: model.value,
                targets: targets.map(({ modelRewrite, weight }) => ({
                  model: modelRewrite,
                  weight: weight ?? 1,
                })),
              },
            ],
      ),
    );
  });
}
