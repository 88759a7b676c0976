import type { ObservedRoute, RouteTexts } from "../plan/observed";
import { annotations, labels, managedBy } from "../../components/names";
import { backendOf, keptBackends, unevenSplits, type LiveMatch, type LiveRule } from "../plan/kept-route";
import { parseLatches } from "../plan/latch";
import { hostCovers } from "../../components/gateways/hostnames";
import { keptShape, mirrorsOf, ourBackends, type PoolPlaces } from "./kept-shape";
import type { LiveObject } from "./cluster-reader";
import { originalText, wasTakenOver } from "./taken-over";

/*
 * What a live HTTPRoute says besides its weights: whose it is, and in what it differs from the one route that this
 * program writes (one rule that matches everything, with backendRefs and nothing else). A route created outside this
 * stack keeps its shape (see kept-shape.ts): there, only where it attaches is compared.
 */

/** Where the program attaches its route. */
export interface Attachment {
  name: string;
  namespace: string;
  hostname?: string;
}

interface LiveParent {
  name: string;
  namespace?: string;
  sectionName?: string;
  port?: number;
}

/** What is known of whose the route's backends are. */
export interface Known {
  /** This service's pools; absent: not known, and a route of others is then not looked into. */
  places?: PoolPlaces;
  /** Whether the last update's record says that the route keeps its shape: somebody may have taken its mark off. */
  kept?: boolean;
}

/** @param wanted where the route will be attached; absent: not compared. */
export function routeShape(
  route: LiveObject,
  wanted?: Attachment,
  { places, kept: recorded = false }: Known = {},
): ObservedRoute {
  const notes = route.metadata.annotations ?? {};
  const own = route.metadata.namespace ?? "default";
  const service = route.metadata.labels?.[labels.service];
  const written = parseNumbers(notes[annotations.weights]);
  const carried = parseNumbers(notes[annotations.carried]);
  const foreign = route.metadata.labels?.[labels.managedBy] !== managedBy && written === undefined;
  const moves = Number(notes[annotations.moves]);
  const latches = parseLatches(notes[annotations.latched]);
  const rules = (route["spec"] as { rules?: LiveRule[] }).rules ?? [];
  const coOwners = ownersOfRules(route);
  const keeps = recorded || notes[annotations.shape] !== undefined || (foreign && places !== undefined);
  const isOurs = ourBackends(places ?? {}, Object.keys(written ?? {}));
  const kept = keeps ? keptShape(route, isOurs) : undefined;
  const uneven = kept === undefined ? [] : unevenSplits(kept);
  const mirrored = kept === undefined ? [] : mirrorsOf(route).filter(isOurs);
  const original = notes[annotations.takenOver] ?? (foreign ? originalText(route) : undefined);
  return {
    backends:
      kept === undefined
        ? rules.flatMap(({ backendRefs }) => (backendRefs ?? []).map((ref) => backendOf(ref, own)))
        : keptBackends(kept),
    ...(foreign ? { foreign } : {}),
    ...(service === undefined ? {} : { service }),
    ...(kept === undefined ? {} : { kept }),
    ...(uneven.length === 0 ? {} : { uneven }),
    ...(mirrored.length === 0 ? {} : { mirrored: [...new Set(mirrored.map(({ pool }) => pool))] }),
    ...(!foreign && wasTakenOver(route) ? { takenOver: true } : {}),
    ...(original === undefined ? {} : { original }),
    ...(written === undefined ? {} : { written }),
    ...(Number.isInteger(moves) ? { moves } : {}),
    ...(route.metadata.generation === undefined ? {} : { generation: route.metadata.generation }),
    ...(written === undefined ? {} : { texts: textsOf(notes) }),
    ...(latches.length === 0 ? {} : { latches }),
    ...(carried === undefined ? {} : { carried }),
    differences:
      kept === undefined
        ? {
            rules: ruleDifferences(rules),
            attachment: wanted === undefined ? [] : attachmentDifferences(route, wanted),
          }
        : { rules: [], attachment: wanted === undefined ? [] : outsideOf(route, wanted) },
    ...(coOwners.length === 0 ? {} : { coOwners }),
  };
}

const textsOf = ({
  [annotations.weights]: weights,
  [annotations.latched]: latched,
}: Readonly<Record<string, string>>): RouteTexts => ({
  ...(weights === undefined ? {} : { weights }),
  ...(latched === undefined ? {} : { latched }),
});

/** Where the config looks for customers, and the route is not: its own parents and hostnames are its owner's. */
function outsideOf(route: LiveObject, wanted: Attachment): string[] {
  const spec = route["spec"] as { parentRefs?: LiveParent[]; hostnames?: string[] };
  const own = route.metadata.namespace ?? "default";
  const parents = (spec.parentRefs ?? []).map(({ name, namespace }) => `${namespace ?? own}/${name}`);
  const parent = `${wanted.namespace}/${wanted.name}`;
  const live = spec.hostnames ?? [];
  const { hostname } = wanted;
  return [
    ...(parents.includes(parent)
      ? []
      : [`the config has Gateway ${parent}, and the route attaches to ${parents.join(", ") || "none"}`]),
    ...(live.length === 0 || (hostname !== undefined && live.some((host) => hostCovers(host, hostname)))
      ? []
      : [
          `the config has ${hostname === undefined ? "no hostname" : `hostname ${hostname}`}, and the route answers only for ${live.join(", ")}`,
        ]),
  ];
}

/** Fields of rules that this program does not write. */
function ruleDifferences(rules: readonly LiveRule[]): string[] {
  return [
    ...(rules.length === 1 ? [] : [`${rules.length} rules instead of 1`]),
    ...rules.flatMap((rule, i) => [
      ...Object.keys(rule)
        .filter((field) => field !== "matches" && field !== "backendRefs")
        .map((field) => `rules[${i}].${field}`),
      ...(matchesAll(rule.matches ?? []) ? [] : [`rules[${i}].matches`]),
      ...(rule.backendRefs ?? []).flatMap((ref, j) =>
        "filters" in ref ? [`rules[${i}].backendRefs[${j}].filters`] : [],
      ),
    ]),
  ];
}

/** No match, or the one that the API server fills in. */
function matchesAll(matches: readonly LiveMatch[]): boolean {
  return matches.every(
    ({ path, ...rest }) =>
      Object.keys(rest).length === 0 &&
      (path?.type ?? "PathPrefix") === "PathPrefix" &&
      (path?.value ?? "/") === "/",
  );
}

function attachmentDifferences(route: LiveObject, wanted: Attachment): string[] {
  const spec = route["spec"] as { parentRefs?: LiveParent[]; hostnames?: string[] };
  const own = route.metadata.namespace ?? "default";
  const parents = (spec.parentRefs ?? []).map(
    ({ name, namespace, sectionName, port }) =>
      `${namespace ?? own}/${name}${sectionName === undefined ? "" : `/${sectionName}`}${port === undefined ? "" : `:${port}`}`,
  );
  const parent = `${wanted.namespace}/${wanted.name}`;
  const hostnames = wanted.hostname === undefined ? [] : [wanted.hostname];
  const live = spec.hostnames ?? [];
  return [
    ...(parents.length === 1 && parents[0] === parent
      ? []
      : [`the gateway from ${parents.join(", ") || "none"} to ${parent}`]),
    ...([...live].sort().join() === hostnames.join()
      ? []
      : [`the hostnames from ${live.join(", ") || "any"} to ${hostnames.join(", ") || "any"}`]),
  ];
}

/** Field managers besides Pulumi's that own the rules (server-side apply: the list is owned as a whole). */
function ownersOfRules({ metadata }: LiveObject): string[] {
  const owners = (metadata.managedFields ?? [])
    .filter(({ subresource, fieldsV1 }) => {
      const spec = fieldsV1?.["f:spec"] as Record<string, unknown> | undefined;
      return (subresource ?? "") === "" && spec !== undefined && "f:rules" in spec;
    })
    .map(({ manager }) => manager ?? "")
    .filter((manager) => !manager.startsWith("pulumi"));
  return [...new Set(owners)];
}

/** An annotation that holds numbers by pool; undefined where there is none, or somebody edited it. */
function parseNumbers(text: string | undefined): Record<string, number> | undefined {
  try {
    const parsed = JSON.parse(text ?? "null") as unknown;
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    const entries = Object.entries(parsed as Record<string, unknown>);
    return entries.every(([, share]) => typeof share === "number")
      ? (parsed as Record<string, number>)
      : undefined;
  } catch {
    return undefined;
  }
}
