import {
  metricsReaderName,
  nodeLabel,
  pickerReviewerName,
  previewRouteName,
  moveGuardName,
  shapeGuardName,
  trafficGuardName,
} from "../../../components/names";
import { isAt, objectKey, type Claim, type OwnedObject } from "../claims";
import { allow, fix, pulumiUp, set } from "../config-edits";
import type { Draft, Finding, Refusal, Rule } from "../model";
import type { Observed } from "../observed";
import { movedService } from "../moved-service";
import { otherTraffic } from "../rival-routes";
import type { ServiceConfig } from "../service-config";

/* What another stack has and this update would write, and what this stack has and its state lost. */

/** What another stack has and this update would write, or would have to share. */
export function inTheWay(config: ServiceConfig, claims: readonly Claim[], draft: Draft): OwnedObject[] {
  const pools = new Map(draft.pools.map(({ pool, namespace }) => [pool.name, namespace]));
  const place = { home: config.namespace, namespaces: [config.namespace, ...pools.values()] };
  return (
    claims
      .filter(({ whose }) => whose === "theirs")
      .map(({ object }) => object)
      // What belongs to no namespace is a platform's then: this update writes none of it.
      .filter(({ namespace }) => config.clusterScoped !== false || namespace !== undefined)
      .filter(
        (object) =>
          (object.service === config.service && isAt(object, place)) ||
          (object.pool !== undefined &&
            object.namespace !== undefined &&
            pools.get(object.pool) === object.namespace) ||
          isOfSameName(object, config, draft) ||
          // Another service's route, which this one's config names.
          (object.kind === "HTTPRoute" &&
            object.namespace === config.namespace &&
            object.name === config.route),
      )
  );
}

/** What belongs to no namespace has names that another service in another namespace can have too. */
function isOfSameName(
  { kind, namespace: inside, name }: OwnedObject,
  { namespace, service }: ServiceConfig,
  { pools, shape, guarded }: Draft,
): boolean {
  if (inside !== undefined) return false;
  if (kind.startsWith("ValidatingAdmissionPolicy")) {
    const guard = trafficGuardName(namespace, service);
    const ends = ["", ...guarded.namespaces.map((place) => `-${place}`)];
    const guards = [guard, `${guard}-grpc`].flatMap((start) => ends.map((end) => `${start}${end}`));
    const ofRoute = [
      moveGuardName(namespace, service),
      ...(shape === undefined ? [] : [shapeGuardName(namespace, service)]),
    ];
    return [...guards, ...ofRoute].includes(name);
  }
  const names = pools.flatMap((one) => [
    pickerReviewerName(one.namespace, one.pool.name),
    metricsReaderName(one.namespace, one.pool.name),
  ]);
  return ["ClusterRole", "ClusterRoleBinding"].includes(kind) && names.includes(name);
}

/**
 * @param stack "" where nothing on the objects says whose they are.
 * @param own full name of the stack that runs.
 */
function belongsToAnother(stack: string, objects: readonly OwnedObject[], own?: string): Finding {
  if (stack !== "" && stack === own) {
    // To run that stack, or to remove it, would be to run or remove this one.
    return {
      found: `this update would write objects that a stack with this stack's name created (${stack}, ${objects[0]?.owner?.id ?? ""}), and this stack's state does not have them: ${listed(objects)}`,
      fix: fix`if the state was lost, or the service was left behind, take the objects over: ${[allow("take-over-service"), pulumiUp]}; if ${stack} has its state in another backend, run the update there (pulumi login)`,
    };
  }
  const owner =
    stack === ""
      ? "a stack of an earlier version, which left no name on them"
      : `stack ${stack} (${objects[0]?.owner?.id ?? ""})`;
  const leave =
    stack === ""
      ? "run the update in the stack that created them"
      : `run the update in that stack (pulumi up --stack ${stack})`;
  const forget =
    stack === ""
      ? ""
      : `; then, once that update has succeeded, remove ${stack}, which deletes nothing in the cluster or in Google Cloud: pulumi stack rm ${stack} --force --preserve-config (node pools and a cluster that it has created have to be imported first: docs/ownership.md)`;
  return {
    found: `this update would write objects that belong to ${owner}: ${listed(objects)}`,
    fix: fix`${leave}; or rename this stack's service and pools; or take the objects over: ${[allow("take-over-service"), pulumiUp]}${forget}`,
  };
}

/** The same as a refusal, for what a platform makes. */
export const refusedAsAnothers = (stack: string, objects: readonly OwnedObject[]): Refusal => ({
  rule: "another-stacks",
  ...belongsToAnother(stack, objects),
  waiver: "take-over-service",
});

/** Another stack has what this one would write: named, before anything is made. */
const anotherStacks: Rule = {
  id: "another-stacks",
  summary: `This update would write objects that belong to another stack of this program. Every object has the annotation
\`inference-rollout/owner\`: a random id that the owning stack keeps in its outputs, followed by the stack's name
for people to read. You can therefore rename a stack, import its state, or move it to another project, organization
or backend: the id moves with the state. Objects that this stack owns and its state has lost (\`pulumi state
delete\`, a restored older state) are not refused; the next update imports them.`,
  fix: "Run the update in the stack that owns the objects, or rename this stack's service and pools.",
  waiver: {
    name: "take-over-service",
    use: `The objects are imported as they are and marked as this stack's; from then on the other
stack is refused. Make it forget them with \`pulumi stack rm NAME --force --preserve-config\`, which deletes nothing in the
cluster or in Google Cloud; import its node pools before that (docs/ownership.md).`,
  },
  check: (config, observed, draft) => {
    const objects = inTheWay(config, observed.claims ?? [], draft);
    return [...grouped(objects, ({ owner }) => owner?.stack ?? "")].map(([stack, theirs]) =>
      belongsToAnother(stack, theirs, observed.stack),
    );
  },
};

/** The objects that matter first, by name; the rest counted. */
function listed(objects: readonly OwnedObject[]): string {
  const rank = ({ kind }: OwnedObject): number => {
    const at = ["HTTPRoute", "InferencePool", "Namespace", "Gateway"].indexOf(kind);
    return at < 0 ? 9 : at;
  };
  const sorted = [...objects].sort((a, b) => rank(a) - rank(b) || objectKey(a).localeCompare(objectKey(b)));
  const named = sorted
    .slice(0, 5)
    .map(({ kind, namespace, name }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`);
  const more = sorted.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** This stack's objects that its state lost and that no resource of this update is: nothing removes them. */
export function leftBehind(config: ServiceConfig, claims: readonly Claim[], draft: Draft): OwnedObject[] {
  const planned = new Set(draft.pools.map(({ pool, namespace }) => `${namespace}/${pool.name}`));
  return claims
    .filter(({ whose, object }) => whose === "lost" && object.service === config.service)
    .map(({ object }) => object)
    .filter(({ pool, namespace, kind, name }) => {
      if (pool !== undefined)
        return namespace === undefined
          ? !draft.pools.some((one) => one.pool.name === pool)
          : !planned.has(`${namespace}/${pool}`);
      return (
        kind === "HTTPRoute" && name === previewRouteName(config.service) && draft.candidate === undefined
      );
    });
}

/** What the stack's state had lost, for people. */
export function ownershipNotes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const claims = observed.claims ?? [];
  const left = leftBehind(config, claims, draft);
  const adopted = claims
    .filter(({ whose }) => whose === "lost")
    .map(({ object }) => object)
    .filter((object) => !left.includes(object));
  return [
    ...(adopted.length === 0
      ? []
      : [`Pulumi's state had lost objects of this stack; this update imports them: ${listed(adopted)}`]),
    ...[...grouped(left, ({ namespace }) => namespace ?? "")].map(
      ([namespace, objects]) =>
        `Pulumi's state has lost ${listed(objects)}, and the config does not have them either, so no update removes them. To delete them: ${beforeRemoval(objects, observed)}${removal(namespace, objects)}`,
    ),
  ];
}

/** What other routes send to is not for deleting yet. */
function beforeRemoval(objects: readonly OwnedObject[], observed: Observed): string {
  const pools = objects.flatMap(({ kind, namespace, name }) =>
    kind === "InferencePool" && namespace !== undefined ? [{ name, namespace }] : [],
  );
  return pools
    .flatMap((pool) => {
      const text = otherTraffic(pool, observed);
      return text === undefined ? [] : [`${text} (${pool.name}), so take it out of there first; then `];
    })
    .join("");
}

function removal(namespace: string, objects: readonly OwnedObject[]): string {
  const names = objects.map(
    ({ group, kind, name }) => `${kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${name}`,
  );
  return `kubectl delete ${namespace === "" ? "" : `-n ${namespace} `}${names.join(" ")}`;
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}

/** A stack deploys one service, in one place, for good. */
const serviceMoved: Rule = {
  id: "service-moved",
  summary: `The config names another \`service\` or \`namespace\` than the stack deployed. Everything that the stack created is
recognized by the service's label, which model servers and pickers have too: a new name would restart them while customers
use them, and none of the rules that protect a pool would see it. A new namespace would delete the customers' route.
This rule also refuses an update that goes back.`,
  fix: "Restore the name. To serve under another name or in another namespace, deploy a new stack and move the clients to it.",
  check: (config, observed) =>
    movedService(config, observed).map(({ key, deployed, configured }) => ({
      found: `this stack deployed ${key} ${deployed}, but the config says ${configured}`,
      fix: fix`${set(key, deployed)}; to serve as ${configured}, deploy it as a new stack`,
    })),
};

/**
 * A node's label names service and pool, and no namespace. Seen by what another stack has outside namespaces: its own ones
 * need not be known here.
 */
const nodesShared: Rule = {
  id: "nodes-shared",
  summary: `Another stack has a service of this name, with a pool of this name, in another namespace. Nodes are labeled with the
service and the pool (\`inference-rollout/pool=SERVICE.POOL\`), so pods of one pool would run on the nodes of the other, and
would go with them. Pools that exist are not refused.`,
  fix: "Give the new pool another name, or the new service.",
  check: (config, { claims = [], pools: live, ownNodes = true }, { pools }) =>
    pools.flatMap(({ pool: { name }, namespace }) => {
      if (!ownNodes || live.some((one) => one.owned && one.name === name)) return [];
      const own = [pickerReviewerName(namespace, name), metricsReaderName(namespace, name)];
      const found = claims.find(
        ({ whose, object }) =>
          whose === "theirs" &&
          object.kind === "ClusterRoleBinding" &&
          object.service === config.service &&
          object.pool === name &&
          !own.includes(object.name),
      );
      if (found === undefined) return [];
      const { owner, name: seen } = found.object;
      return [
        {
          found: `the nodes of pool ${name} would have the label of another pool's nodes (inference-rollout/pool=${nodeLabel(config.service, name)}): stack ${owner?.stack ?? "of an earlier version"} has a pool ${name} of a service ${config.service} in another namespace (ClusterRoleBinding ${seen})`,
          fix: fix`give the pool another name in pools, or the service, if this stack has not deployed it yet: ${set("service", "NAME")}`,
        },
      ];
    }),
};

export const ownershipRules: readonly Rule[] = [serviceMoved, anotherStacks, nodesShared];
