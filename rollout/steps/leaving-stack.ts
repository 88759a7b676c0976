import { otherTraffic } from "../../stacks/plan/rival-routes";
import { plan } from "../../stacks/plan/plan";
import { setList } from "../../stacks/plan/config-edits";
import type { Observed } from "../../stacks/plan/observed";
import { shareText, sharesOf } from "../../stacks/plan/shares";
import { livePath } from "../../stacks/state/inventory";
import { kubernetesKind } from "../../stacks/state/state-resources";
import { fixText } from "../../stacks/messages/edits";
import { command, type Reason } from "./moves";
import { resolveValues, type ServiceStack } from "./resolve-values";
import { waiversIn, withEdits, type StackValues } from "./values";

/*
 * `release`: how a stack leaves. What it took over stays and is handed back, what it created and nobody uses goes.
 * Pure: config, cluster and state in, what is to be done out.
 */

/** A resource of `pulumi stack export`. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  custom?: boolean;
  external?: boolean;
  retainOnDelete?: boolean;
  resourceHooks?: Readonly<Record<string, readonly string[] | null>>;
}

export interface Leaving {
  /** Whether an update has prepared the state: nothing in it needs the program to go, and what serves stays. */
  isPrepared: boolean;
  /** What `pulumi destroy` deletes, as `Deployment llm-new`. */
  goes: readonly string[];
  /** What it leaves in the cluster. */
  stays: readonly string[];
  /** What customers come through, by its path at the API server: it is handed back. */
  serving: readonly { name: string; path: string }[];
}

/** The word in `allow` that prepares a stack to leave. */
const word = "release";

export function allowRelease(values: StackValues, allowed: boolean): StackValues {
  const others = waiversIn(values).filter((name) => name !== word);
  return withEdits(values, setList("allow", allowed ? [...others, word] : others));
}

/** What of a state goes and what stays, once it is destroyed without the program. */
export function leavingOf(resources: readonly StateResource[], config: ServiceStack): Leaving {
  const real = resources.filter(
    ({ custom, external, type }) => custom === true && external !== true && !type.startsWith("pulumi:"),
  );
  const mustStay = (resource: StateResource): boolean => isServing(resource, config);
  const isHooked = ({ resourceHooks = {} }: StateResource): boolean =>
    (resourceHooks["BeforeDelete"] ?? []).length > 0;
  return {
    isPrepared: real.every((one) => !isHooked(one) && (!mustStay(one) || one.retainOnDelete === true)),
    goes: real.filter((one) => one.retainOnDelete !== true && !mustStay(one)).map(nameOf),
    stays: real.filter((one) => one.retainOnDelete === true || mustStay(one)).map(nameOf),
    serving: real.filter(mustStay).flatMap((one) => {
      const kind = kubernetesKind(one.type);
      const path = kind === undefined || one.id === undefined ? undefined : livePath(kind, one.id);
      return path === undefined ? [] : [{ name: nameOf(one), path }];
    }),
  };
}

/** What customers come through: their route (it has the service's name in the state), and the platform around it. */
function isServing({ urn, type }: StateResource, { service }: ServiceStack): boolean {
  const [kinds = "", name = ""] = urn.split("::").slice(-2);
  if (type.endsWith(":HTTPRoute")) return name === service.service && kinds.includes("InferenceRoute$");
  if (kinds.includes("InferenceGateway$")) return true;
  return type.endsWith(":Namespace") && !kinds.includes("PoolNamespace$");
}

/** As the cluster names it, where it is in one: names in the state can be the same for two objects of a kind. */
function nameOf({ urn, type, id }: StateResource): string {
  const live = kubernetesKind(type) === undefined ? undefined : id?.split("/").at(-1);
  return `${type.split(":").at(-1) ?? type} ${live ?? urn.split("::").at(-1) ?? ""}`;
}

/** Why the stack cannot leave, with what to do first; empty: it can. */
export function releaseObstacles(values: StackValues, observed: Observed): readonly Reason[] {
  const resolved = resolveValues(allowRelease(values, true));
  if (resolved.outcome === "mistakes") {
    return resolved.mistakes.map((mistake) => ({ found: mistake, fix: "fix the config first" }));
  }
  const { config } = resolved;
  const created = config.role === "all" && config.platform.cluster.mode === "create";
  const outcome = plan(config.service, { ...observed, cluster: { ...observed.cluster, created } });
  // What else stands against an update, the update says itself.
  const refusals = outcome.outcome === "approved" ? [] : outcome.refusals;
  const reasons = refusals
    .filter(({ rule }) => rule === "release-serving")
    .map(({ found, fix }) => ({ found, fix: fixText(fix) }));
  // An update may go back with this word in the config; the command leaves only once customers have gone back.
  const serving = stillServing(observed);
  return reasons.length > 0 || serving === undefined
    ? reasons
    : [{ found: serving, fix: command("rollback") }];
}

/** Why a live route must not be let go of: by what it says in the moment before it is written. */
export function stillServing(observed: Observed): string | undefined {
  const own = observed.pools.filter(({ owned }) => owned);
  const shares = sharesOf(observed.route?.backends ?? []);
  const [serving] = own.filter(
    (pool) => (shares[pool.name] ?? 0) > 0 || otherTraffic(pool, observed) !== undefined,
  );
  return serving === undefined
    ? undefined
    : `pool ${serving.name} of this stack gets requests (the route sends ${shareText(shares)})`;
}
