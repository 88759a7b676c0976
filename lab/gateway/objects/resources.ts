import type { Api } from "./api";
import { gatewayGroup } from "./types";

/** Collections of the API server that the gateway reads. */
export const paths = {
  classes: `/apis/${gatewayGroup}/v1/gatewayclasses`,
  gateways: `/apis/${gatewayGroup}/v1/gateways`,
  routes: `/apis/${gatewayGroup}/v1/httproutes`,
  pools: "/apis/inference.networking.k8s.io/v1/inferencepools",
  services: "/api/v1/services",
  pods: "/api/v1/pods",
  secrets: "/api/v1/secrets",
  namespaces: "/api/v1/namespaces",
} as const;

/** Path of one object of a collection. */
export function objectPath(
  collection: string,
  { namespace, name }: { namespace?: string; name: string },
): string {
  const cut = collection.lastIndexOf("/");
  const [version, plural] = [collection.slice(0, cut), collection.slice(cut + 1)];
  const scope = namespace === undefined || namespace === "" ? "" : `/namespaces/${namespace}`;
  return `${version}${scope}/${plural}/${name}`;
}

/** Older clusters serve ReferenceGrants as v1beta1 only; the newest version that is served is the one to watch. */
export async function grantsPath(api: Api): Promise<string> {
  for (const version of ["v1", "v1beta1"]) {
    try {
      const list = (await api.get(`/apis/${gatewayGroup}/${version}`)) as { resources?: { name: string }[] };
      if (list.resources?.some(({ name }) => name === "referencegrants") === true) {
        return `/apis/${gatewayGroup}/${version}/referencegrants`;
      }
    } catch {
      // A version that is not served at all; the next one may be.
    }
  }
  throw new Error(
    `the API server serves no ReferenceGrant of ${gatewayGroup}: are Gateway API's CRDs there?`,
  );
}
