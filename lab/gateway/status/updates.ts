import type { Outcome } from "../envoy/apply";
import { paths } from "../objects/resources";
import type { Snapshot } from "../objects/snapshot";
import type { StatusUpdate } from "../objects/statuses";
import {
  keyOf,
  type ApiObject,
  type Gateway,
  type GatewayClass,
  type HTTPRoute,
  type InferencePool,
} from "../objects/types";
import type { Plan } from "../translate/plan";
import { classStatus, gatewayStatus } from "./gateway-status";
import { poolParents } from "./pool-status";
import { routeParents } from "./route-status";

/** What there is to say about every object of ours, and about those that once were. */
export function statusUpdates(snapshot: Snapshot, plan: Plan, outcome: Outcome): StatusUpdate[] {
  const { controllerName } = snapshot;
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const update = <T extends ApiObject>(
    collection: string,
    object: T,
    next: (object: T) => Readonly<Record<string, unknown>>,
  ): StatusUpdate => ({ collection, object, next: next as StatusUpdate["next"] });
  const isNamed = (object: HTTPRoute | InferencePool): boolean =>
    object.status?.parents?.some((one) => one.controllerName === controllerName) ?? false;

  const classes = snapshot.classes
    .filter(({ spec }) => spec.controllerName === controllerName)
    .map((one) => update<GatewayClass>(paths.classes, one, (object) => ({ ...classStatus(object, now) })));
  const gateways = plan.gateways.map((one) =>
    update<Gateway>(paths.gateways, one.gateway, (object) => ({
      ...gatewayStatus(one, plan.routes, outcome, object.status, now),
    })),
  );
  const routePlans = new Map(plan.routes.map((one) => [keyOf(one.route), one]));
  const routes = snapshot.routes
    .filter((route) => routePlans.has(keyOf(route)) || isNamed(route))
    .map((route) =>
      update<HTTPRoute>(paths.routes, route, (object) => ({
        parents: routeParents(object, routePlans.get(keyOf(route)), outcome, controllerName, now),
      })),
    );
  const poolPlans = new Map(plan.pools.map((one) => [keyOf(one.pool), one]));
  const pools = snapshot.pools
    .filter((pool) => poolPlans.has(keyOf(pool)) || isNamed(pool))
    .map((pool) =>
      update<InferencePool>(paths.pools, pool, (object) => ({
        parents: poolParents(object, poolPlans.get(keyOf(pool)), plan.routes, controllerName, now),
      })),
    );
  return [...classes, ...gateways, ...routes, ...pools];
}
