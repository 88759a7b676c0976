import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { apis, labels, managedBy } from "../names";

/** The customers' route that a policy is about. */
export interface RouteGuardArgs {
  /** The service of the route: a label, and part of the policy's name. */
  service: string;
  /** Namespace of the customers' route. */
  namespace: string;
  /** Name of the customers' HTTPRoute. */
  route: string;
}

/** Which writes of the route a policy looks at, and which of them pass. */
export interface RouteRule {
  /** Name of the policy and its binding in the cluster. */
  name: string;
  conditions: readonly { name: string; expression: string }[];
  validation: { expression: string; message: string };
}

/** Text of an annotation in CEL; empty where there is none. */
export const noteOf = (object: "object" | "oldObject", key: string): string =>
  `${object}.metadata.?annotations[?'${key}'].orValue('')`;

/** A write by Pulumi's Kubernetes provider, or by a command that writes under its name. */
export const isPulumis = "request.?options.?fieldManager.orValue('').startsWith('pulumi-kubernetes')";

/** A policy about writes of the customers' route, and its binding. @param resource the name of both in Pulumi's state. */
export function guardRoute(
  resource: string,
  { service, namespace, route }: RouteGuardArgs,
  { name, conditions, validation }: RouteRule,
  parent: pulumi.Resource,
): void {
  const metadata = { name, labels: { [labels.managedBy]: managedBy, [labels.service]: service } };
  const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
    resource,
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
          ...conditions,
        ],
        validations: [{ ...validation, reason: "Forbidden" }],
      },
    },
    { parent },
  );
  new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
    resource,
    { metadata, spec: { policyName: policy.metadata.name, validationActions: ["Deny"] } },
    { parent },
  );
}
