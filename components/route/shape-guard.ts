import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { annotations, apis, labels, managedBy, overtaken, shapeGuardName } from "../names";

export interface ShapeGuardArgs {
  /** The service of the route: a label, and part of the policy's name. */
  service: string;
  /** Namespace of the customers' route. */
  namespace: string;
  /** Name of the customers' HTTPRoute. */
  route: string;
}

const note = (object: string): string =>
  `${object}.metadata.?annotations[?'${annotations.writtenFrom}'].orValue('')`;

/**
 * A write of this program: Pulumi's, and it says what it was made from, anew or as before. The latter is known by the
 * fields that its manager owns once it is applied, also where a lost state has given the program a new manager. Who
 * manages the route with a Pulumi program of their own says nothing.
 */
const isOurs = `request.?options.?fieldManager.orValue('').startsWith('pulumi-kubernetes') && (
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
    const metadata = {
      name: shapeGuardName(namespace, service),
      labels: { [labels.managedBy]: managedBy, [labels.service]: service },
    };
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      `${name}-route-shape`,
      {
        metadata,
        spec: {
          // A rollback must not depend on it: a policy that cannot be evaluated lets the write pass.
          failurePolicy: "Ignore",
          matchConstraints: {
            resourceRules: [
              {
                apiGroups: [apis.gateway],
                apiVersions: ["*"],
                resources: ["httproutes"],
                operations: ["UPDATE"],
              },
            ],
          },
          matchConditions: [
            {
              name: "is-the-customers-route",
              expression: `object.metadata.namespace == '${namespace}' && object.metadata.name == '${route}'`,
            },
            { name: "is-written-by-the-program", expression: isOurs },
          ],
          validations: [
            {
              expression: `object.spec == oldObject.spec || ${note("object")} == string(oldObject.metadata.generation)`,
              message: `HTTPRoute ${namespace}/${route} was edited ${overtaken}: nothing was overwritten. Run pulumi up again`,
              reason: "Forbidden",
            },
          ],
        },
      },
      { parent: this },
    );
    new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      `${name}-route-shape`,
      { metadata, spec: { policyName: policy.metadata.name, validationActions: ["Deny"] } },
      { parent: this },
    );
    this.registerOutputs();
  }
}
