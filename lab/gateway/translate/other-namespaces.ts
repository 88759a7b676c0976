import * as fs from "node:fs";
import * as path from "node:path";
import { poolGroup, type BackendRef, type HTTPRoute } from "../objects/types";
import type { Snapshot } from "../objects/snapshot";
import type { Problem } from "./listeners";

/*
 * A gateway that does not take InferencePools of other namespaces. Nobody has seen what GKE does with them; these are the
 * ways in which it might refuse: by the reference although a grant is there, by the route, or without a word.
 */

export const refusals = ["RefNotPermitted", "NotAccepted", "no-status"] as const;

export type OtherNamespaces = (typeof refusals)[number];

/** What `<lab>/faults.json` says: {"gateway": {"otherNamespaces": "RefNotPermitted"}}. Absent: they are taken. */
export function refusalIn(labFolder: string): OtherNamespaces | undefined {
  const file = path.join(labFolder, "faults.json");
  if (!fs.existsSync(file)) return undefined;
  const { gateway } = JSON.parse(fs.readFileSync(file, "utf8")) as {
    gateway?: { otherNamespaces?: string };
  };
  return refusals.find((one) => one === gateway?.otherNamespaces);
}

/** The cluster as such a gateway looks at it. */
export function asRefused(snapshot: Snapshot, refusal: OtherNamespaces | undefined): Snapshot {
  if (refusal === "RefNotPermitted") {
    const grants = snapshot.grants.filter(
      ({ spec }) => !spec.to.some(({ kind }) => kind === "InferencePool"),
    );
    return { ...snapshot, grants };
  }
  return refusal === "no-status"
    ? { ...snapshot, routes: snapshot.routes.filter((route) => !leavesNamespace(route)) }
    : snapshot;
}

/** Why such a gateway does not accept a route; undefined: it has nothing against it. */
export function notAccepted(route: HTTPRoute, refusal: OtherNamespaces | undefined): Problem | undefined {
  if (refusal !== "NotAccepted" || !leavesNamespace(route)) return undefined;
  return { reason: "UnsupportedValue", message: "InferencePools of other namespaces are not supported" };
}

function leavesNamespace({ metadata, spec }: HTTPRoute): boolean {
  const isElsewhere = ({ group, namespace }: BackendRef): boolean =>
    group === poolGroup && namespace !== undefined && namespace !== metadata.namespace;
  return (spec.rules ?? []).some(({ backendRefs = [] }) => backendRefs.some(isElsewhere));
}
