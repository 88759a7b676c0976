import * as pulumi from "@pulumi/pulumi";
import { annotations, overtaken, shapeGuardName } from "../names";
import { guardRoute, isPulumis, noteOf, type RouteGuardArgs } from "./route-guard";

export type ShapeGuardArgs = RouteGuardArgs;

/** What a write says it was made from, or what the route says. */
const note = (object: "object" | "oldObject"): string => noteOf(object, annotations.writtenFrom);

/**
 * A write of this program: Pulumi's, and it says what it was made from, anew or as before. The latter is known by the
 * fields that its manager owns once it is applied, also where a lost state has given the program a new manager. Who
 * manages the route with a Pulumi program of their own says nothing.
 */
const isOurs = `${isPulumis} && (
  ${note("object")} != ${note("oldObject")} ||
  object.metadata.?managedFields.orValue([]).exists(m,
    m.?manager.orValue('') == request.options.fieldManager &&
    m.?fieldsV1[?'f:metadata'][?'f:annotations'][?'f:${annotations.writtenFrom}'].hasValue()))`;

/**
 * Keeps an owner's edit of the customers' route from being overwritten. `rules` is one value for server-side apply, so
 * who moves a weight writes all of them, as they were when they were read. Pulumi's Kubernetes provider sends no
 * resourceVersion; so the write itself says from which generation of the route it was made, and the API server refuses
 * it where there is a later one.
 */
export class ShapeGuard extends pulumi.ComponentResource {
  constructor(name: string, args: ShapeGuardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ShapeGuard", name, {}, opts);
    const { service, namespace, route } = args;
    guardRoute(
      `${name}-route-shape`,
      args,
      {
        name: shapeGuardName(namespace, service),
        conditions: [{ name: "is-written-by-the-program", expression: isOurs }],
        validation: {
          expression: `object.spec == oldObject.spec || ${note("object")} == string(oldObject.metadata.generation)`,
          message: `HTTPRoute ${namespace}/${route} was edited ${overtaken}: nothing was overwritten. Run pulumi up again`,
        },
      },
      this,
    );
    this.registerOutputs();
  }
}
