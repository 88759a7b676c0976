import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { annotations, apis, labels, managedBy, routeName } from "../stacks/names";

export interface TrafficGuardArgs {
  service: string;
  /** Namespace of the customers' route. */
  namespace: string;
}

/**
 * The cluster's own refusal to delete what customers are connected to, whoever asks: kubectl, `pulumi destroy`,
 * `--target`, a state that was put back. An admission policy with the customers' route as its parameter: where the
 * route gives a pool weight, the pool, its model servers, its picker and its namespace stay, and so does the route.
 */
export class TrafficGuard extends pulumi.ComponentResource {
  constructor(name: string, args: TrafficGuardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:TrafficGuard", name, {}, opts);
    const metadata = {
      name: `${args.namespace}-${args.service}-traffic-guard`,
      labels: { [labels.managedBy]: managedBy, [labels.service]: args.service },
    };
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      name,
      {
        metadata,
        spec: {
          failurePolicy: "Fail",
          paramKind: { apiVersion: `${apis.gateway}/v1`, kind: "HTTPRoute" },
          matchConstraints: { resourceRules: deletions },
          variables: [
            { name: "kind", expression: "request.resource.resource" },
            { name: "own", expression: "params.metadata.namespace" },
            { name: "pool", expression: poolOfObject },
            {
              name: "poolNamespace",
              expression: "has(oldObject.metadata.namespace) ? oldObject.metadata.namespace : ''",
            },
          ],
          validations: [
            { expression: poolIsFree, messageExpression: poolMessage(args), reason: "Forbidden" },
            { expression: namespaceIsFree, messageExpression: namespaceMessage(args), reason: "Forbidden" },
            { expression: routeMayGo, message: routeMessage(args), reason: "Forbidden" },
          ],
        },
      },
      { parent: this },
    );
    new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      name,
      {
        metadata,
        spec: {
          policyName: policy.metadata.name,
          validationActions: ["Deny"],
          paramRef: {
            name: routeName(args.service),
            namespace: args.namespace,
            // Without a route nobody is connected, and everything may go.
            parameterNotFoundAction: "Allow",
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}

const deletion = (apiGroup: string, apiVersion: string, resource: string): object => ({
  apiGroups: [apiGroup],
  apiVersions: [apiVersion],
  resources: [resource],
  operations: ["DELETE"],
});

const deletions = [
  deletion(apis.pool, "*", "inferencepools"),
  deletion("apps", "v1", "deployments"),
  deletion("leaderworkerset.x-k8s.io", "*", "leaderworkersets"),
  deletion("", "v1", "services"),
  deletion("", "v1", "namespaces"),
  deletion(apis.gateway, "*", "httproutes"),
];

/**
 * Whether any backend with weight fits a condition. A weight that is absent is 1; in CEL a field called namespace
 * is written __namespace__.
 */
const someBackend = (condition: string): string =>
  `params.spec.?rules.orValue([]).exists(r, r.?backendRefs.orValue([]).exists(b, b.?weight.orValue(1) > 0 && ${condition}))`;

const backendNamespace = "b[?'namespace'].orValue(variables.own)";

/** Deployments and Services say by a label whose they are; other people's say nothing and are free to go. */
const poolOfObject = `
variables.kind == 'inferencepools'
  ? oldObject.metadata.name
  : (variables.kind in ['deployments', 'leaderworkersets', 'services']
      ? oldObject.metadata.?labels[?'${labels.pool}'].orValue('')
      : '')`.trim();

const sendsToPool = someBackend(
  `b.?kind.orValue('Service') == 'InferencePool' && b.name == variables.pool && ${backendNamespace} == variables.poolNamespace`,
);

const poolIsFree = `variables.pool == '' || !${sendsToPool}`;

const namespaceIsFree = `
variables.kind != 'namespaces' ||
  !${someBackend(`(${backendNamespace} == oldObject.metadata.name || variables.own == oldObject.metadata.name)`)}`.trim();

const routeMayGo = `
variables.kind != 'httproutes' ||
  oldObject.metadata.name != params.metadata.name ||
  oldObject.metadata.namespace != variables.own ||
  oldObject.metadata.?annotations[?'${annotations.deletable}'].orValue('') == 'true' ||
  !${someBackend("true")}`.trim();

/** The route as people write it: namespace and name. */
const nameOfRoute = ({ namespace, service }: TrafficGuardArgs): string =>
  `${namespace}/${routeName(service)}`;

const poolMessage = (args: TrafficGuardArgs): string =>
  `"pool " + variables.pool + " serves customers: HTTPRoute ${nameOfRoute(args)} gives it weight. Take the weight off it first (pulumi config set weight ..., pulumi up)."`;

const namespaceMessage = (args: TrafficGuardArgs): string =>
  `"namespace " + oldObject.metadata.name + " holds what HTTPRoute ${nameOfRoute(args)} sends customers to. Take the weight off its pools first (pulumi config set weight ..., pulumi up)."`;

const routeMessage = (args: TrafficGuardArgs): string =>
  `HTTPRoute ${nameOfRoute(args)} carries the customers' traffic. To take the whole service down: pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program`;
