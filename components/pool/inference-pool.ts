import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, poolLabels, labels, annotations, podSelector, type PoolRef } from "../names";
import { deletionHooks, pickerPorts } from "./endpoint-picker";

export interface InferencePoolArgs extends PoolRef {
  /** Port of the model servers. */
  targetPort: number;
  /** Name of the picker's Service, in the same namespace. */
  picker: pulumi.Input<string>;
  /**
   * What the pool is made as, written to it as the annotation `inference-rollout/identity` for whoever compares a later
   * config with it. Default: no annotation.
   */
  identity?: Readonly<Record<string, string>>;
  /** Hooks that run before the pool is deleted. Default: none. */
  beforeDelete?: pulumi.ResourceHook[];
}

/** The InferencePool object: which pods serve, and which picker chooses among them. */
export class InferencePool extends pulumi.ComponentResource {
  constructor(name: string, args: InferencePoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferencePool", name, {}, opts);
    new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: `${apis.pool}/v1`,
        kind: "InferencePool",
        metadata: {
          name: args.pool,
          namespace: args.namespace,
          labels: poolLabels(args.service, args.pool),
          ...(args.identity === undefined
            ? {}
            : { annotations: { [annotations.identity]: JSON.stringify(args.identity) } }),
        },
        spec: {
          selector: { matchLabels: podSelector(args.pool) },
          targetPorts: [{ number: args.targetPort }],
          endpointPickerRef: {
            name: args.picker,
            port: { number: pickerPorts.extProc },
            // Should the picker be down, requests go to any ready model server instead of failing.
            failureMode: "FailOpen",
          },
        },
      },
      { parent: this, ...deletionHooks(args.beforeDelete) },
    );
    this.registerOutputs();
  }
}

/** A priority that requests can have. */
export interface Objective {
  /** Clients name it in the header `x-gateway-inference-objective`. Unique in the pool's namespace. */
  name: string;
  /** Higher is served first; below 0 is shed first when the pool is full. */
  priority: number;
}

export interface ObjectivesArgs extends PoolRef {
  /** Empty: none is made. */
  objectives: readonly Objective[];
  /**
   * Names of ServingPools in this namespace that may have had the objectives in an earlier update: Pulumi then binds the
   * same objects to this pool, where it would otherwise make them again, and delete them with the other pool. Default: none.
   */
  madeAs?: readonly string[];
}

const objectivesType = "inference-rollout:index:ServingPool$inference-rollout:index:Objectives";

const objectiveUrn = (pool: string, objective: string): string =>
  `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::${objectivesType}$kubernetes:${apis.extension}/v1alpha2:InferenceObjective::${pool}-${objective}`;

/** The service's InferenceObjectives, bound to one pool. Both pools of a rollout have the same ones. */
export class Objectives extends pulumi.ComponentResource {
  constructor(name: string, args: ObjectivesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:Objectives", name, {}, opts);
    for (const objective of args.objectives) {
      new k8s.apiextensions.CustomResource(
        `${name}-${objective.name}`,
        {
          apiVersion: `${apis.extension}/v1alpha2`,
          kind: "InferenceObjective",
          metadata: {
            name: objective.name,
            namespace: args.namespace,
            labels: poolLabels(args.service, args.pool),
          },
          spec: {
            priority: objective.priority,
            poolRef: { group: apis.pool, kind: "InferencePool", name: args.pool },
          },
        },
        {
          parent: this,
          ...(args.madeAs === undefined
            ? {}
            : { aliases: args.madeAs.map((pool) => objectiveUrn(pool, objective.name)) }),
        },
      );
    }
    this.registerOutputs();
  }
}

export interface PoolNamespaceArgs extends PoolRef {
  /** Stack that makes the namespace, as a label value (`stackLabel`). */
  stack: string;
  /** Whether the namespace is made here; false: it exists. */
  create: boolean;
  /**
   * Names of components of this type that may have made the namespace in an earlier update: Pulumi then keeps it instead
   * of making it again. Default: this component alone.
   */
  madeAs?: readonly string[];
  /** Namespace whose HTTPRoutes may name the pool as their backend. */
  routesFrom: string;
}

const namespaceType = "inference-rollout:index:PoolNamespace";

const namespaceUrn = (name: string): string =>
  `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::${namespaceType}$kubernetes:core/v1:Namespace::${name}`;

/** A pool's own namespace, and the grant by which routes of the service's namespace may name the pool. */
export class PoolNamespace extends pulumi.ComponentResource {
  constructor(name: string, args: PoolNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super(namespaceType, name, {}, opts);
    const own = poolLabels(args.service, args.pool);
    const namespace = args.create
      ? [
          new k8s.core.v1.Namespace(
            name,
            { metadata: { name: args.namespace, labels: { ...own, [labels.stack]: args.stack } } },
            {
              parent: this,
              aliases: (args.madeAs ?? []).filter((other) => other !== name).map(namespaceUrn),
              customTimeouts: { delete: "15m" },
            },
          ),
        ]
      : [];
    new k8s.apiextensions.CustomResource(
      `${name}-grant`,
      {
        // v1 exists only in newer clusters; v1beta1 is served by all of them.
        apiVersion: `${apis.gateway}/v1beta1`,
        kind: "ReferenceGrant",
        metadata: { name: `routes-to-${args.pool}`, namespace: args.namespace, labels: own },
        spec: {
          from: [{ group: apis.gateway, kind: "HTTPRoute", namespace: args.routesFrom }],
          to: [{ group: apis.pool, kind: "InferencePool", name: args.pool }],
        },
      },
      { parent: this, dependsOn: namespace },
    );
    this.registerOutputs();
  }
}
