import { z } from "zod";
import { closedPathsName, maxLabel, maxServiceName, previewRouteName } from "../../components/names";
import { nearest, isReported, missing, type Mistake } from "../messages/mistakes";
import { edits, fix, remove, set } from "../plan/config-edits";
import { allowances } from "../plan/rules/all-rules";
import { leaving, waivedBy } from "../plan/waivers";
import { defaults } from "./defaults";
import {
  aModel,
  dnsName,
  type Entry,
  integer,
  list,
  matching,
  existingName,
  name,
  object,
  oneOf,
  optional,
  required,
  text,
  withDefault,
} from "./fields";

/* What the service is, and where its rollout stands. */

const aRouteName = "the name of an HTTPRoute: at most 253 characters, a-z, 0-9, - and .";

export const objectiveSchema = object({
  name: required(name(maxLabel), {
    description: "Clients send it in the header `x-gateway-inference-objective`.",
    example: "batch",
  }),
  priority: required(integer(-1_000_000, 1_000_000), {
    description:
      "Takes effect when a pool is full. By default the picker rejects requests with a priority below 0, and serves all others in the order in which they arrive. With `pools.<name>.picker.featureGates: [flowControl]` it rejects none, and serves a higher priority first (docs/pickers.md).",
    example: 0,
  }),
});

export const serviceKeys = {
  role: withDefault(oneOf(["all", "platform", "service"]), "all", {
    description:
      "What this stack deploys. `platform`: network, cluster and gateway. `service`: one inference service on the platform of another stack. `all`: both.",
    example: "all",
    emptyIsAbsent: true,
    change: "new-service",
  }),
  platform: optional(text("a stack, for example acme/inference/platform"), {
    description:
      "The platform stack whose cluster and gateway this stack uses. Required with `role: service`.",
    default: "none",
    example: "acme/inference/platform",
    emptyIsAbsent: true,
    change: "new-service",
  }),
  service: withDefault(name(maxServiceName), defaults.service, {
    description: "Name of the inference service. The names of its resources start with it.",
    example: "llm",
    change: "new-service",
  }),
  namespace: withDefault(name(maxLabel), defaults.namespace, {
    description:
      "Namespace of the HTTPRoute that clients use, and of every pool without its own `namespace`.",
    example: "default",
    change: "new-service",
  }),
  route: optional(matching(dnsName, aRouteName).max(253, aRouteName), {
    description:
      "Name of the HTTPRoute that clients use. Set it to take over an existing route under its own name.",
    default: "`routes-to-<service>`",
    example: "routes-to-llm",
    emptyIsAbsent: true,
    keptOnRollback: true,
  }),
  hostname: optional(matching(dnsName, "a DNS name"), {
    description:
      "DNS name that clients of this service use. Services that share a Gateway each need their own.",
    default: "`gateway.hostname`; with `role: service` the platform's",
    example: "llm.example.com",
    emptyIsAbsent: true,
    keptOnRollback: true,
  }),
  model: optional(aModel, {
    description: "Model of every pool without its own `model`.",
    default: "none; required unless every pool names a model",
    example: "Qwen/Qwen3-8B",
    change: "new-pool",
  }),
  huggingFaceToken: optional(text("a token"), {
    description:
      "Hugging Face token for gated models. Set it with `--secret`. A pool that serves keeps what its pods have, with the token or without it: to add or remove it restarts none. Another token reaches the pools that have one.",
    default: "none",
    example: "VALUE",
    secret: true,
    emptyIsAbsent: true,
  }),
  objectives: optional(list(objectiveSchema, "{name, priority}"), {
    description: "InferenceObjectives: the priorities of requests, the same on both pools.",
    default: "none",
    example: [{ name: "batch", priority: -10 }],
  }),
  objectivesIn: withDefault(oneOf(["pool-namespaces", "one-namespace"]), "pool-namespaces", {
    description:
      "Where pools with objectives are created. `pool-namespaces`: each in a namespace of its own, so that both pools of a rollout have the objectives; the gateway must accept InferencePools of other namespaces. `one-namespace`: in the route's namespace; a candidate has no objectives until its promotion. An existing pool stays where it is.",
    example: "one-namespace",
  }),
  aliases: optional(list(text("a model name"), "model names"), {
    description:
      "Names that clients use for the base model. They stay when the model changes. You do not have to list the name of the stable pool's own model.",
    default: "none",
    example: ["chat"],
  }),
};

const again = "RULE@2, RULE@3 and so on to use one again";
/** A word of `allow`, or one with a number; empty where the CLI has left a hole. */
const allowable = z.union(
  [
    z.enum(allowances),
    z.string().refine((word) => {
      const rule = waivedBy(word);
      return word === "" || (allowances.includes(rule) && !leaving.includes(rule));
    }),
  ],
  { error: `one of ${allowances.join(", ")}; ${again}` },
);

export const rolloutKeys = {
  stable: optional(existingName(), {
    description: "The pool that serves the clients.",
    default: "none; required for a service",
    example: "llm",
  }),
  candidate: optional(
    z.union([z.literal(""), existingName()], { error: "the name of a pool, or an empty value" }),
    {
      description: "The pool being rolled out. Leave it empty when no rollout is in progress.",
      default: "empty",
      example: "llm-new",
    },
  ),
  weight: withDefault(integer(0, 100, "percent of the traffic"), 0, {
    description: "The candidate's share of the traffic in percent.",
    example: 10,
  }),
  rollout: optional(oneOf(["node-update", "base-model", "model-server", "adapter", "picker"]), {
    description: "The kind of rollout you intend. An update that would change something else is refused.",
    default: "not checked",
    example: "node-update",
    emptyIsAbsent: true,
  }),
  ladder: withDefault(list(integer(1, 100, "percent of the traffic"), "weights"), [...defaults.ladder], {
    description: "Weights that the output `next` and `npm run rollout -- next` propose, one after the other.",
    example: [5, 20, 50, 100],
  }),
  allow: withDefault(list(allowable, "rules"), [], {
    description: `Rules to waive for the next update (docs/refusals.md). The update reports each waiver that it used; each is valid for one update (${again}).`,
    example: ["edited-in-place"],
    keptOnRollback: true,
  }),
};

/** What the checks of a service read. */
export interface ServiceNames {
  service: string;
  route: string;
  stable?: string | undefined;
  candidate?: string | undefined;
  weight: number;
  /** Names of the pools that the config declares. */
  pools: readonly string[];
  objectives: readonly Entry<z.infer<typeof objectiveSchema>>[];
}

/** Checks the names of pools, routes and objectives, and the weight. */
export function checkService(
  { service, route, stable, candidate, weight, pools, objectives }: ServiceNames,
  mistakes: Mistake[],
): void {
  if ([previewRouteName(service), closedPathsName(service)].includes(route)) {
    mistakes.push({
      key: "route",
      found: `${route}, the name of another route of this service`,
      allowed: "a name that no other route of this service has",
      fix: edits(remove("route")),
    });
  }
  if (pools.length === 0 && !isReported(mistakes, "pools")) {
    mistakes.push({
      key: "pools",
      found: "no pools",
      allowed: "at least one pool with accelerator and replicas",
      fix: edits(set("pools.llm.accelerator", "nvidia-l4"), set("pools.llm.replicas", 2)),
    });
  }
  if (stable === undefined && !isReported(mistakes, "stable")) {
    mistakes.push(missing("stable", "the name of the pool that serves the clients", pools[0] ?? "llm"));
  }
  for (const [key, pool] of [["stable", stable] as const, ["candidate", candidate] as const]) {
    if (pool !== undefined && pools.length > 0 && !pools.includes(pool))
      mistakes.push(unknownPool(key, pool, pools));
  }
  if (candidate !== undefined && candidate === stable) {
    mistakes.push({
      key: "candidate",
      found: `${candidate}, which is also the stable pool`,
      allowed: "another pool, or no candidate while no rollout is in progress",
      fix: edits(remove("candidate")),
    });
  }
  if (candidate === undefined && weight > 0 && !isReported(mistakes, "candidate")) {
    mistakes.push({
      key: "weight",
      found: `${weight}, without a candidate`,
      allowed: "no weight while no rollout is in progress",
      fix: fix`${remove("weight")} (or set the candidate: ${set("candidate", "NAME")})`,
    });
  }
  for (const [i, { input, index }] of objectives.entries()) {
    if (objectives.findIndex((other) => other.input.name === input.name) < i) {
      mistakes.push({
        key: `objectives[${index}].name`,
        found: `${input.name}, for the second time`,
        allowed: "each name once",
        fix: edits(remove(`objectives[${index}]`)),
      });
    }
  }
}

function unknownPool(key: string, pool: string, names: readonly string[]): Mistake {
  return {
    key,
    found: `${pool}, which is not in pools`,
    allowed: `one of the pools ${names.join(", ")}`,
    fix: edits(set(key, nearest(pool, names) ?? names[0] ?? "llm")),
  };
}
