import * as pulumi from "@pulumi/pulumi";
import { annotations, moveGuardName, overtaken } from "../names";
import { guardRoute, isPulumis, noteOf, type RouteGuardArgs } from "./route-guard";

export type MoveGuardArgs = RouteGuardArgs;

/** A count that CEL can read: anything else on the route is nobody's count, and the write passes. */
const isCounted = (object: "object" | "oldObject"): string =>
  `${noteOf(object, annotations.moves)}.matches('^[0-9]{1,15}$')`;

const same = (key: string): string => `${noteOf("object", key)} == ${noteOf("oldObject", key)}`;

/**
 * Keeps a rollback from being undone by an update that was planned before it. Every write that moves the customers'
 * route or latches a candidate counts one more than the route that it was made from; so of two writes that were made
 * from the same route the later one counts no more than what is there, and the API server refuses it. Who goes back
 * reads the route again and counts on; an update ends, and the next one plans with what is live.
 */
export class MoveGuard extends pulumi.ComponentResource {
  constructor(name: string, args: MoveGuardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:MoveGuard", name, {}, opts);
    const { service, namespace, route } = args;
    const [before, after] = (["oldObject", "object"] as const).map(
      (object) => `int(${noteOf(object, annotations.moves)})`,
    );
    guardRoute(
      `${name}-route-moves`,
      args,
      {
        name: moveGuardName(namespace, service),
        conditions: [
          { name: "is-written-by-pulumi", expression: isPulumis },
          { name: "is-counted", expression: `${isCounted("object")} && ${isCounted("oldObject")}` },
        ],
        validation: {
          expression: `${after} > ${before} || (${after} == ${before} && ${same(annotations.weights)} && ${same(annotations.latched)})`,
          message: `HTTPRoute ${namespace}/${route} was moved or rolled back ${overtaken}: nothing was overwritten. Run pulumi up again: it plans with the route as it is now`,
        },
      },
      this,
    );
    this.registerOutputs();
  }
}
