import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  annotations,
  apis,
  closedPathsName,
  labels,
  managedBy,
  previewRouteName,
  trafficGuardName,
} from "../names";

export interface TrafficGuardArgs {
  /** The service whose pools are guarded: a label, and part of the policies' names. */
  service: string;
  /** Namespace of the customers' route. */
  namespace: string;
  /** Name of the customers' HTTPRoute. */
  route: string;
  /** Further namespaces whose routes can send to the pools: those of the pools, and of routes of other services. */
  routesIn: readonly string[];
  /** Whether GRPCRoutes send to the pools too. A policy about a kind that is not installed refuses everything. */
  grpc: boolean;
  /**
   * Objects created outside this stack that its pools cannot serve without: they stay while the customers' route
   * gives the pool weight. Default: none.
   */
  parts?: readonly GuardedPart[];
}

export interface GuardedPart {
  /** As the API server names the kind: deployments, services, rolebindings. */
  resource: string;
  /** Absent for what belongs to no namespace. */
  namespace?: string;
  name: string;
  pool: { name: string; namespace: string };
}

/**
 * The cluster's own refusal to delete what customers are connected to, whoever sends the request: kubectl, `pulumi
 * destroy`, `--target`, a state that was put back. An admission policy with routes as its parameters: where any route gives a
 * pool weight, the pool, its model servers, its picker and its namespace stay, and so does the customers' route. Of a
 * pool that others made, what stands behind it stays too (`parts`): `helm uninstall` would leave a pool that answers
 * nobody.
 *
 * The API server takes parameters from one namespace for each binding (a selector cannot reach over namespaces), so
 * there is a binding for each namespace with routes that can name the pools: Gateway API lets a route name a pool of
 * its own namespace, and of another one where a ReferenceGrant says so.
 */
export class TrafficGuard extends pulumi.ComponentResource {
  constructor(name: string, args: TrafficGuardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:TrafficGuard", name, {}, opts);
    this.guardAgainst("HTTPRoute", name, args);
    if (args.grpc) this.guardAgainst("GRPCRoute", name, { ...args, parts: [] });
    this.registerOutputs();
  }

  private guardAgainst(kind: "HTTPRoute" | "GRPCRoute", name: string, args: TrafficGuardArgs): void {
    const mark = kind === "HTTPRoute" ? "" : "-grpc";
    const metadata = (suffix: string): object => ({
      name: `${trafficGuardName(args.namespace, args.service)}${mark}${suffix}`,
      labels: { [labels.managedBy]: managedBy, [labels.service]: args.service },
    });
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      `${name}${mark}`,
      {
        metadata: metadata(""),
        spec: {
          failurePolicy: "Fail",
          paramKind: { apiVersion: `${apis.gateway}/v1`, kind },
          matchConstraints: { resourceRules: [...deletions, ...partDeletions(args.parts ?? [])] },
          variables: variables(args, kind),
          validations: [
            {
              expression: poolIsFree,
              messageExpression: poolMessage(kind, args.parts ?? []),
              reason: "Forbidden",
            },
            { expression: namespaceIsFree, messageExpression: namespaceMessage(kind), reason: "Forbidden" },
            ...(kind === "HTTPRoute"
              ? [
                  { expression: routeMayGo, message: routeMessage(args), reason: "Forbidden" },
                  { expression: gatewayMayGo, messageExpression: gatewayMessage(args), reason: "Forbidden" },
                ]
              : []),
          ],
        },
      },
      { parent: this },
    );
    for (const namespace of [...new Set([args.namespace, ...args.routesIn])]) {
      const suffix = namespace === args.namespace ? "" : `-${namespace}`;
      new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        `${name}${mark}${suffix}`,
        {
          metadata: metadata(suffix),
          spec: {
            policyName: policy.metadata.name,
            validationActions: ["Deny"],
            paramRef: {
              // Every route of the namespace.
              selector: {},
              namespace,
              // Without a route nobody is connected, and everything may go.
              parameterNotFoundAction: "Allow",
            },
          },
        },
        { parent: this },
      );
    }
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
  deletion(apis.gateway, "*", "gateways"),
];

/** Where each kind of part is, beyond those whose every deletion is looked at. */
const partGroups: Readonly<Record<string, string>> = {
  statefulsets: "apps",
  serviceaccounts: "",
  configmaps: "",
  secrets: "",
  roles: "rbac.authorization.k8s.io",
  rolebindings: "rbac.authorization.k8s.io",
  clusterroles: "rbac.authorization.k8s.io",
  clusterrolebindings: "rbac.authorization.k8s.io",
  healthcheckpolicies: "networking.gke.io",
  gcpbackendpolicies: "networking.gke.io",
};

/** By name: the API server asks about no other ConfigMap of the cluster. */
function partDeletions(parts: readonly GuardedPart[]): object[] {
  return Object.entries(partGroups).flatMap(([resource, group]) => {
    const names = [...new Set(parts.filter((part) => part.resource === resource).map(({ name }) => name))];
    return names.length === 0 ? [] : [{ ...deletion(group, "v1", resource), resourceNames: names }];
  });
}

/** The pool that an object of others stands behind, as [name, namespace], by the object's kind and place. */
function partsMap(parts: readonly GuardedPart[]): string {
  const entries = parts.map(
    ({ resource, namespace = "", name, pool }) =>
      `'${resource}/${namespace}/${name}': ['${pool.name}', '${pool.namespace}']`,
  );
  return `{${entries.join(", ")}}`;
}

interface Variable {
  name: string;
  expression: string;
}

function variables(args: TrafficGuardArgs, kind: "HTTPRoute" | "GRPCRoute"): Variable[] {
  const { service, namespace, route, parts = [] } = args;
  const helpers = [previewRouteName(service), closedPathsName(service)].map((name) => `'${name}'`).join(", ");
  return [
    { name: "kind", expression: "request.resource.resource" },
    { name: "own", expression: "params.metadata.namespace" },
    {
      name: "isCustomers",
      expression: `${kind === "HTTPRoute"} && variables.own == '${namespace}' && params.metadata.name == '${route}'`,
    },
    // Only the gate, and people who have the secret, use the preview route.
    {
      name: "isHelper",
      expression: `variables.own == '${namespace}' && params.metadata.name in [${helpers}]`,
    },
    // Other services have guards of their own; what the customers' route names is guarded whoever made it.
    {
      name: "isOurs",
      expression: `variables.isCustomers || oldObject.metadata.?labels[?'${labels.service}'].orValue('') == '${service}'`,
    },
    ...(parts.length === 0
      ? [
          { name: "pool", expression: poolOfObject },
          { name: "poolNamespace", expression: namespaceOfObject },
        ]
      : [
          { name: "behind", expression: poolBehind(parts) },
          {
            name: "pool",
            expression: `variables.behind.size() > 0 ? variables.behind[0] : (${poolOfObject})`,
          },
          {
            name: "poolNamespace",
            expression: `variables.behind.size() > 0 ? variables.behind[1] : (${namespaceOfObject})`,
          },
        ]),
    { name: "rules", expression: "params.spec.?rules.orValue([])" },
  ];
}

const namespaceOfObject = "has(oldObject.metadata.namespace) ? oldObject.metadata.namespace : ''";

/** Only for the customers' route: what other routes need is not this stack's to decide. */
const poolBehind = (parts: readonly GuardedPart[]): string =>
  `variables.isCustomers ? ${partsMap(parts)}[?(variables.kind + '/' + (${namespaceOfObject}) + '/' + oldObject.metadata.name)].orValue([]) : []`;

const backendNamespace = "b[?'namespace'].orValue(variables.own)";

/**
 * Whether the route sends requests, or copies of them, to a backend that fits a condition. A weight that is absent is
 * 1; copies go wherever a filter says, of a rule or of a backend with weight.
 */
const sendsTo = (condition: string): string => {
  const mirrors = (where: string): string =>
    `${where}.?filters.orValue([]).exists(f, f.?requestMirror.hasValue() && [f.requestMirror.backendRef].exists(b, ${condition}))`;
  return `variables.rules.exists(r, ${mirrors("r")} || r.?backendRefs.orValue([]).exists(b, b.?weight.orValue(1) > 0 && ${condition}) || r.?backendRefs.orValue([]).exists(w, w.?weight.orValue(1) > 0 && ${mirrors("w")}))`;
};

/** Deployments and Services have a label that says whose they are; those without one may be deleted. */
const poolOfObject = `
variables.kind == 'inferencepools'
  ? oldObject.metadata.name
  : (variables.kind in ['deployments', 'leaderworkersets', 'services']
      ? oldObject.metadata.?labels[?'${labels.pool}'].orValue('')
      : '')`.trim();

const sendsToPool = sendsTo(
  `b.?kind.orValue('Service') == 'InferencePool' && b.name == variables.pool && ${backendNamespace} == variables.poolNamespace`,
);

const poolIsFree = `variables.pool == '' || variables.isHelper || !variables.isOurs || !${sendsToPool}`;

const namespaceIsFree = `
variables.kind != 'namespaces' || variables.isHelper || !variables.isOurs ||
  !${sendsTo(`(${backendNamespace} == oldObject.metadata.name || (variables.isCustomers && (variables.own == oldObject.metadata.name || params.spec.?parentRefs.orValue([]).exists(p, p[?'namespace'].orValue('') == oldObject.metadata.name))))`)}`.trim();

const routeMayGo = `
variables.kind != 'httproutes' ||
  !variables.isCustomers ||
  oldObject.metadata.name != params.metadata.name ||
  oldObject.metadata.namespace != variables.own ||
  oldObject.metadata.?annotations[?'${annotations.deletable}'].orValue('') == 'true' ||
  !${sendsTo("true")}`.trim();

/** The Gateway through which customers reach the route stays as long as the route does, whoever made it. */
const gatewayMayGo = `
variables.kind != 'gateways' ||
  !variables.isCustomers ||
  params.metadata.?annotations[?'${annotations.deletable}'].orValue('') == 'true' ||
  !params.spec.?parentRefs.orValue([]).exists(p,
    p.?kind.orValue('Gateway') == 'Gateway' && p.name == oldObject.metadata.name &&
    p[?'namespace'].orValue(variables.own) == oldObject.metadata.namespace) ||
  !${sendsTo("true")}`.trim();

/** The route as people write it: kind, namespace and name. */
const nameOfParam = (kind: string): string => `"${kind} " + variables.own + "/" + params.metadata.name`;

const advice = `(variables.isCustomers ? " (pulumi config set weight ..., pulumi up)." : " (take it out of that route).")`;

const poolMessage = (kind: string, parts: readonly GuardedPart[]): string =>
  `${parts.length === 0 ? "" : partMessage}"pool " + variables.pool + " serves customers: " + ${nameOfParam(kind)} + " gives it weight. Take the weight off it first" + ${advice}`;

const partMessage = `(variables.behind.size() > 0 ? variables.kind + " " + oldObject.metadata.name + " is part of what serves: " : "") + `;

const namespaceMessage = (kind: string): string =>
  `"namespace " + oldObject.metadata.name + " holds what " + ${nameOfParam(kind)} + " sends customers to. Take the weight off its pools first" + ${advice}`;

const gatewayMessage = ({ namespace, route }: TrafficGuardArgs): string =>
  `"customers reach HTTPRoute ${namespace}/${route} through Gateway " + oldObject.metadata.namespace + "/" + oldObject.metadata.name + ". Move the route to another Gateway first (pulumi config set --path gateway.name ..., pulumi up), or take the service down: pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program"`;

const routeMessage = ({ namespace, route }: TrafficGuardArgs): string =>
  `HTTPRoute ${namespace}/${route} carries the customers' traffic. To take the whole service down: pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program`;
