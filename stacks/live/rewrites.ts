import { apis, labels } from "../names";
import type { ObservedRewrite } from "../plan/observed";
import type { ClusterReader } from "./cluster-reader";
import { isOurs } from "./ours";

interface LiveRule {
  matches?: { model?: { value?: string } }[];
  targets?: { modelRewrite: string; weight?: number }[];
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
