import { z } from "zod";
import { engineNamed, enginesThat } from "../../components/engines/catalogue";
import { servedName } from "../../components/names";
import type { Mistake } from "../messages/mistakes";
import { edits, fix, remove, set } from "../plan/config-edits";
import type { Adapter, AdapterVersion, Pool } from "../plan/service-config";
import {
  aModel,
  clientName,
  type Entry,
  integer,
  list,
  object,
  optional,
  required,
  withDefault,
} from "./fields";

/* LoRA adapters: what clients use by one name, in one or two versions. */

const aVersion = "a version of at most 40 characters: letters, digits and . _ -, for example v1";
const version = z
  .string({ error: aVersion })
  .max(40, aVersion)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, aVersion);

const aSource =
  "a Hugging Face repository, for example acme/food-review, or a folder in a bucket, for example gs://bucket/path";
const source = z
  .string({ error: aSource })
  .regex(
    /^(gs:\/\/[a-z0-9][a-z0-9._-]+\/[A-Za-z0-9._/-]*[A-Za-z0-9._-]|[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*)$/,
    aSource,
  );

const adapterSchema = object({
  name: required(clientName(), {
    description: "The model name that clients use. It stays the same for every version.",
    example: "food-review",
  }),
  version: withDefault(version, "v1", {
    description:
      "The version that serves. Servers load it as `<name>-<version>`, so two versions fit side by side.",
    example: "v1",
  }),
  source: required(source, {
    description:
      "Where the adapter comes from: a Hugging Face repository or `gs://bucket/path`. A new source needs a new version.",
    example: "acme/food-review",
  }),
  bases: optional(list(aModel, "models").min(1, "at least one model"), {
    description: "Base models that the adapter was trained for.",
    default: "the stack's model",
    example: ["Qwen/Qwen3-8B"],
  }),
  candidate: optional(
    object({
      version: required(version, { description: "The version being rolled out.", example: "v2" }),
      source: required(source, { description: "Where it comes from.", example: "acme/food-review-v2" }),
    }),
    {
      description: "The version being rolled out. Omit it when no rollout of this adapter is in progress.",
      default: "none",
      example: { version: "v2", source: "acme/food-review-v2" },
    },
  ),
  weight: withDefault(integer(0, 100, "percent of this adapter's requests"), 0, {
    description:
      "The candidate version's share of this adapter's requests in percent. Change it with `pulumi config set --path 'adapters[0].weight' 30`.",
    example: 10,
  }),
});

export const adapterKeys = {
  adapters: optional(list(adapterSchema, "{name, version, source, bases, candidate, weight}"), {
    description: "LoRA adapters, the same on both pools. Model servers load them while they run.",
    default: "none",
    example: [{ name: "food-review", version: "v1", source: "acme/food-review" }],
  }),
};

/** What adapters and their checks read. */
export interface AdaptersInput {
  adapters: readonly Entry<z.infer<typeof adapterSchema>>[];
  /** How many the config declares, with those that have mistakes. */
  declared: number;
  /** The stack's model. */
  model?: string | undefined;
  aliases: readonly string[];
  /** The pools' own settings. */
  pools: Readonly<Record<string, { model?: string | undefined; adapters?: boolean | undefined }>>;
}

/** The adapters with their defaults. What is wrong with one, or between them, is added to the mistakes. */
export function resolveAdapters(given: AdaptersInput, mistakes: Mistake[]): Adapter[] {
  const adapters = given.adapters.map(({ input, index }) => {
    const key = `adapters[${index}]`;
    const { name, candidate, weight } = input;
    const bases = input.bases ?? (given.model === undefined ? [] : [given.model]);
    if (bases.length === 0) {
      mistakes.push({
        key: `${key}.bases`,
        found: "nothing, and the stack has no model",
        allowed: "the base models that the adapter was trained for",
        fix: edits(set(`${key}.bases[0]`, "Qwen/Qwen3-8B")),
      });
    }
    if (candidate === undefined && weight > 0) {
      mistakes.push({
        key: `${key}.weight`,
        found: `${weight}, without a candidate version`,
        allowed: "no weight while no version is being rolled out",
        fix: edits(remove(`${key}.weight`)),
      });
    }
    const stable = versionOf(name, input.version, input.source);
    if (candidate?.version === stable.version) {
      mistakes.push({
        key: `${key}.candidate.version`,
        found: `${candidate.version}, which is already the version that serves`,
        allowed: "another version: servers load both side by side",
        fix: edits(set(`${key}.candidate.version`, nextVersion(stable.version))),
      });
    }
    return {
      name,
      index,
      bases,
      stable,
      ...(candidate === undefined ? {} : { candidate: versionOf(name, candidate.version, candidate.source) }),
      weight: candidate === undefined ? 0 : weight,
    };
  });
  mistakes.push(...clashes(given, adapters));
  return adapters;
}

function versionOf(name: string, version: string, source: string): AdapterVersion {
  return { version, source, served: servedName(name, version) };
}

/** v1 -> v2; anything else gets a suffix. */
function nextVersion(version: string): string {
  const found = /^(.*?)(\d+)$/.exec(version);
  return found === null ? `${version}-2` : `${found[1] ?? ""}${Number(found[2]) + 1}`;
}

/** A name means one thing: a model server and the picker's rules know models and adapters by nothing else. */
function clashes(given: AdaptersInput, adapters: readonly Adapter[]): Mistake[] {
  const taken = new Map<string, string>();
  const mistakes: Mistake[] = [];
  const models = [given.model, ...Object.values(given.pools).map(({ model }) => model)];
  for (const model of models) if (model !== undefined) taken.set(model, "the name of a model");
  const aliases = new Set<string>();
  for (const [i, alias] of given.aliases.entries()) {
    // The name of a model may be an alias: pools serve it on when the model changes.
    if (aliases.has(alias)) {
      mistakes.push({
        key: `aliases[${i}]`,
        found: `${alias} again`,
        allowed: "each name once",
        fix: edits(remove(`aliases[${i}]`)),
      });
    }
    aliases.add(alias);
    taken.set(alias, "an alias of the base model");
  }
  const claim = (key: string, name: string, what: string): void => {
    const other = taken.get(name);
    if (other === undefined) taken.set(name, what);
    else {
      mistakes.push({
        key,
        found: `${name}, which is also ${other}`,
        allowed: "a name that nothing else has",
        fix: edits(set(key, key.endsWith("version") ? "v-other" : `${name}-adapter`)),
      });
    }
  };
  for (const { name, index } of adapters) claim(`adapters[${index}].name`, name, `the adapter ${name}`);
  for (const { name, index, stable, candidate } of adapters) {
    claim(`adapters[${index}].version`, stable.served, `a version of the adapter ${name}`);
    // The same version twice is reported already.
    if (candidate !== undefined && candidate.version !== stable.version) {
      claim(`adapters[${index}].candidate.version`, candidate.served, `a version of the adapter ${name}`);
    }
  }
  return mistakes;
}

/** Pools that should load adapters and cannot. */
export function checkPoolsWithAdapters(
  { declared, pools: inputs }: AdaptersInput,
  pools: Readonly<Record<string, Pool>>,
): Mistake[] {
  return Object.values(pools).flatMap((pool) => {
    if (pool.existing || !pool.adapters) return [];
    const key = `pools.${pool.name}.adapters`;
    if (declared === 0 && inputs[pool.name]?.adapters === undefined) return [];
    if (pool.templateOf !== undefined) {
      return [
        {
          key,
          found: `true, and ${pool.name} copies the pods of ${pool.templateOf.name}`,
          allowed: "false: copied pods load what their template says",
          fix: edits(set(key, false)),
        },
      ];
    }
    if (pool.placement.hosts > 1) {
      return [
        {
          key,
          found: `true, and a replica of ${pool.name} needs several nodes`,
          // Not tested: how a server that spans several nodes loads an adapter while it runs.
          allowed: "false for replicas that need several nodes",
          fix: edits(set(key, false)),
        },
      ];
    }
    if (engineNamed(pool.server.engine).adapters.supported) return [];
    const able = enginesThat(({ adapters }) => adapters.supported);
    return [
      {
        key: `pools.${pool.name}.server.engine`,
        found: `${pool.server.engine}, but the stack has adapters`,
        allowed: `${able.names}: only with ${able.titles} can the program prove that a pod has loaded every adapter before it gets traffic`,
        fix: fix`${set(`pools.${pool.name}.server.engine`, able.first)} (or serve no adapters in this pool: ${set(key, false)})`,
      },
    ];
  });
}
