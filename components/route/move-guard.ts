import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { annotations, apis, labels, managedBy, moveGuardName, overtaken } from "../names";

export interface MoveGuardArgs {
  /** The service of the route: a label, and part of the policy's name. */
  service: string;
  /** Namespace of the customers' route. */
  namespace: string;
  /** Name of the customers' HTTPRoute. */
  route: string;
}

const note = (object: string, key: string): string =>
  `${object}.metadata.?annotations[?'${key}'].orValue('')`;

/** A count that CEL can read: anything else on the route is nobody's count, and the write passes. */
const isCounted = (object: string): string => `${note(object, annotations.moves)}.matches('^[0-9]{1,15}$')`;

const same = (key: string): string => `${note("object", key)} == ${note("oldObject", key)}`;

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
    const metadata = {
      name: moveGuardName(namespace, service),
      labels: { [labels.managedBy]: managedBy, [labels.service]: service },
    };
    const [before, after] = ["oldObject", "object"].map(
      (object) => `int(${note(object, annotations.moves)})`,
    );
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      `${name}-route-moves`,
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
            {
              name: "is-written-by-pulumi",
              expression: "request.?options.?fieldManager.orValue('').startsWith('pulumi-kubernetes')",
            },
            { name: "is-counted", expression: `${isCounted("object")} && ${isCounted("oldObject")}` },
          ],
          validations: [
            {
              expression: `${after} > ${before} || (${after} == ${before} && ${same(annotations.weights)} && ${same(annotations.latched)})`,
              message: `HTTPRoute ${namespace}/${route} was moved or rolled back ${overtaken}: nothing was overwritten. Run pulumi up again: it plans with the route as it is now`,
              reason: "Forbidden",
            },
          ],
        },
      },
      { parent: this },
    );
    new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      `${name}-route-moves`,
      { metadata, spec: { policyName: policy.metadata.name, validationActions: ["Deny"] } },
      { parent: this },
    );
    this.registerOutputs();
  }
}
