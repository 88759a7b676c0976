import { refusedAsAnothers } from "../plan/rules/ownership-rules";
import {
  objectKey,
  ownId,
  whoseIs,
  type Claim,
  type OwnedObject,
  type OwnState,
  type Self,
} from "../plan/claims";
import type { GatewayConfig } from "../../components/gateways/gateway";
import type { Allowance, ServiceConfig } from "../plan/service-config";
import type { Refusal } from "../plan/model";
import type { DeploymentRecord } from "../plan/observed";
import type { HeldPlatform } from "../plan/standing";
import { fix, set } from "../plan/config-edits";
import type { ClusterReader } from "./cluster-reader";
import { inventory, ownedObject } from "./inventory";
import type { Belongs } from "./observe";
import {
  annotations,
  metricsName,
  secretArgsName,
  stackLabel,
  tokenSecretName,
} from "../../components/names";
import { ownStackName, ownState } from "./own-state";
import { kubernetesKind } from "./state-resources";
import type { LastUpdate } from "./last-update";
import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** What this stack knows of whose the live objects are. */
export interface Ownership {
  self: Self;
  state: OwnState;
  /** What this stack's state has beneath the services. */
  held: HeldPlatform;
  claims: readonly Claim[];
  /** Whether a live object that this program made is this stack's, or becomes so in this update. */
  belongs: Belongs;
}

/** Where to look, and for what. */
export interface Looked {
  /** Namespaces of the stack. */
  namespaces: readonly string[];
  /** Absent for a stack that is a platform only. */
  service?: ServiceConfig;
  /** Rules that the config waives. */
  allow: readonly Allowance[];
}

/** @param reader undefined: there is no cluster yet, and nothing in it. */
export async function ownershipOf(
  reader: ClusterReader | undefined,
  last: LastUpdate,
  { namespaces, service, allow }: Looked,
): Promise<Ownership> {
  const stack = ownStackName();
  const takeOver = allow.includes("take-over-service");
  const places = [...new Set([...namespaces, ...Object.values(last.record?.pools ?? {})])];
  const [{ objects: state, held }, objects] = await Promise.all([
    ownState(last.record !== undefined || last.owner !== undefined || last.address !== undefined),
    reader === undefined
      ? []
      : inventory(
          reader,
          {
            namespaces: places,
            made: (namespace) => takeOver || canBeOurs(namespace, last.owner, stack),
            secrets: (found) => secretsOf(service, places, last.record, found),
          },
          (what) =>
            void pulumi.log.warn(`${what}: the program cannot tell which of them belong to this stack`),
        ),
  ]);
  const id = ownId(stack, last.owner, objects, state, randomUUID);
  const self = { id, stack, label: stackLabel(pulumi.getProject(), pulumi.getStack()) };
  const recorded = {
    ...(service === undefined ? {} : { service: service.service }),
    ...(service === undefined ? {} : { place: { home: service.namespace, namespaces } }),
    ...(last.record === undefined ? {} : { pools: last.record.pools }),
    preview: pulumi.runtime.isDryRun(),
  };
  return {
    self,
    state,
    held,
    claims: objects.map((object) => ({ object, whose: whoseIs(object, self, state, recorded) })),
    // Taken over is a service with what is its own: a namespace or a Gateway of a platform stays its platform's.
    belongs: (live, kind) => {
      const object = ownedObject(live, kind);
      const taken = takeOver && (service === undefined || object.service === service.service);
      return taken || whoseIs(object, self, state, recorded) !== "theirs";
    },
  };
}

/**
 * Whether this stack can have made a namespace, and so can have things in it that its config no longer names. On a
 * platform with many services, those of the others are most of them.
 * @param id under which this stack owns things; undefined: not known, and its full name counts.
 */
function canBeOurs({ owner }: OwnedObject, id: string | undefined, stack: string): boolean {
  return owner === undefined || (id === undefined ? owner.stack === stack : owner.id === id);
}

/**
 * Secrets that the pools of this stack have, or get in this update: see service.ts and
 * components/pool/pool-monitoring.ts. A pool stays where it was made, whatever the config says of its namespace now.
 * @param found everything else that this program has made.
 */
function secretsOf(
  service: ServiceConfig | undefined,
  namespaces: readonly string[],
  record: DeploymentRecord | undefined,
  found: readonly OwnedObject[],
): { namespace: string; name: string }[] {
  if (service === undefined) return [];
  const live = found.flatMap((object) =>
    object.service === service.service && object.pool !== undefined ? [object.pool] : [],
  );
  const planned = [service.stable, ...(service.candidate === undefined ? [] : [service.candidate])];
  const pools = new Set([...planned, ...Object.keys(record?.pools ?? {}), ...live]);
  return [...pools]
    .filter((pool) => service.pools[pool]?.existing === false)
    .flatMap((pool) => [tokenSecretName(pool), metricsName(pool), secretArgsName(pool)])
    .flatMap((name) => namespaces.map((namespace) => ({ namespace, name })));
}

/** A Gateway that another stack made cannot be made here: it can only be used. */
export function gatewayOfAnother(gateway: GatewayConfig, { claims }: Ownership): Refusal[] {
  if (gateway.existing) return [];
  return claims
    .filter(({ whose, object }) => whose === "theirs" && object.kind === "Gateway")
    .filter(({ object }) => object.name === gateway.name && object.namespace === gateway.namespace)
    .map(({ object }) => {
      const refusal = refusedAsAnothers(object.owner?.stack ?? "", [object]);
      return {
        ...refusal,
        fix: fix`use it as it is: ${set("gateway.existing", true)}; or ${refusal.fix}`,
      };
    });
}

type Known = Pick<Ownership, "self" | "state" | "claims">;

/** What becomes of one object that the program renders. */
export interface Treatment {
  annotations: Record<string, string>;
  /** Set for what exists, is ours (or is taken over), and is not in the state: the engine then adopts it. */
  import?: string;
}

/** @param takeOver whether what is another stack's becomes this one's in this update. */
export function treatmentOf(
  object: Pick<OwnedObject, "group" | "kind" | "namespace" | "name">,
  { self, state, claims }: Known,
  takeOver: boolean,
): Treatment {
  const mark = { [annotations.owner]: JSON.stringify({ id: self.id, stack: self.stack }) };
  const key = objectKey(object);
  const claim = claims.find((one) => objectKey(one.object) === key);
  if (claim === undefined || (claim.whose === "theirs" && !takeOver)) return { annotations: mark };
  const inState = state?.get(key);
  // If the state is not known, this requests the import anyway: the engine imports nothing that the state already has.
  const adopt = inState === undefined;
  // Every resource writes under a field manager of its own. What another one wrote would conflict with any change.
  const conflicts = claim.object.managers.some((manager) => manager !== inState?.manager);
  const force = state === undefined ? claim.whose === "theirs" : conflicts;
  return {
    annotations: { ...mark, ...(force ? { "pulumi.com/patchForce": "true" } : {}) },
    ...(adopt ? { import: importId(object) } : {}),
  };
}

/** As the Kubernetes provider names an object. */
const importId = ({ namespace, name }: Pick<OwnedObject, "namespace" | "name">): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/**
 * Writes on everything that the program renders whose it is, and adopts what this stack's state has lost. One place
 * for all kinds: a component that is added tomorrow is marked too.
 */
export function claimEverything(ownership: Known, takeOver: boolean): void {
  pulumi.runtime.registerStackTransformation((args) => transformed(args, ownership, takeOver));
}

/** Exported for tests: what the program renders, as it is registered. */
export function transformed(
  { type, props, opts }: pulumi.ResourceTransformationArgs,
  ownership: Known,
  takeOver: boolean,
): pulumi.ResourceTransformationResult | undefined {
  const kind = kubernetesKind(type);
  const { metadata } = props as { metadata?: Record<string, unknown> };
  const { name, namespace } = metadata ?? {};
  if (kind === undefined || typeof name !== "string") return undefined;
  const object = { ...kind, name, ...(typeof namespace === "string" ? { namespace } : {}) };
  const treatment = treatmentOf(object, ownership, takeOver);
  const given = opts as pulumi.CustomResourceOptions;
  const filledIn = filledInByCluster(kind.kind, props);
  return {
    props: {
      ...(props as object),
      metadata: {
        ...metadata,
        annotations: merged(metadata?.["annotations"], treatment.annotations),
      },
    },
    opts: {
      ...given,
      ...(treatment.import === undefined || given.import !== undefined ? {} : { import: treatment.import }),
      ...(filledIn === undefined ? {} : { ignoreChanges: filledIn }),
    },
  };
}

/**
 * What the cluster fills in and the provider would replace an object for: an imported one has it in its inputs, and the
 * program never says it.
 */
function filledInByCluster(kind: string, { type }: { type?: unknown }): string[] | undefined {
  if (kind === "Service") return ["spec.clusterIP", "spec.clusterIPs"];
  return kind === "Secret" && type === "kubernetes.io/service-account-token" ? ["data"] : undefined;
}

function merged(
  own: unknown,
  added: Readonly<Record<string, string>>,
): pulumi.Input<Record<string, pulumi.Input<string>>> {
  return pulumi.Output.isInstance(own) || own instanceof Promise
    ? pulumi.output(own as pulumi.Input<Record<string, string>>).apply((found) => ({ ...found, ...added }))
    : { ...(own as Record<string, string> | undefined), ...added };
}
