import { servedName } from "../../../components/names";
import {
  recordedShares,
  recordOfAdapter,
  shownVersions,
  versionShares,
  versionsOf,
} from "../adapter-versions";
import { clientNames, namesAsMade } from "../client-names";
import { fix, pulumiUp, remove, set, type ConfigEdit, type Fix } from "../config-edits";
import type { Adapter, ServiceConfig } from "../service-config";
import type { AdapterRecord, Observed } from "../observed";
import type { Rule } from "../model";
import { rounding, shareIn } from "../shares";

/* LoRA adapters, and the model names that clients ask for. */

/** A version that requests are rewritten to stays loaded, whatever the config says. */
const adapterVersionHasTraffic: Rule = {
  id: "adapter-version-has-traffic",
  summary: `The update would remove a version of an adapter that still gets requests, and the model servers would unload it.
Both the live rules and the record of the last successful update count.`,
  fix: "Set its weight to 0 first, then remove the version.",
  check: (config, observed, { pools }) =>
    config.adapters.flatMap((adapter) => {
      const kept = new Set<string>(versionsOf(adapter).map(({ served }) => served));
      const found = new Map<string, string>();
      for (const { pool } of pools) {
        for (const [served, share] of Object.entries(versionShares(observed, pool.name, adapter.name))) {
          if (!kept.has(served))
            found.set(served, `it answers ${Math.round(share)} % of the requests on pool ${pool.name}`);
        }
      }
      for (const [served, share] of Object.entries(
        recordedShares(adapter.name, observed.record?.adapters?.[adapter.name]),
      )) {
        if (!kept.has(served) && !found.has(served))
          found.set(served, `the last successful update gave it ${share} % of the requests`);
      }
      return [...found].map(([served, evidence]) => ({
        found: `the update would unload ${served}, but ${evidence} for ${adapter.name}`,
        fix: wayOut(adapter, served, observed),
      }));
    }),
};

function wayOut(adapter: Adapter, served: string, observed: Observed): Fix {
  const { name, index } = adapter;
  const at = `adapters[${index}]`;
  const record = observed.record?.adapters?.[name];
  if (record?.candidate !== undefined && served === servedName(name, record.candidate.version)) {
    const back = [...setVersion(`${at}.candidate`, record.candidate), set(`${at}.weight`, 0), pulumiUp];
    return fix`${back}; then ${[remove(`${at}.candidate`), pulumiUp]}`;
  }
  if (record === undefined) return fix`restore the version (${set(`${at}.version`, "VERSION")})`;
  const next = adapter.candidate ?? adapter.stable;
  const swapped = [...setVersion(at, record), ...setVersion(`${at}.candidate`, next), pulumiUp];
  return fix`${swapped}; raise ${at}.weight to 100 in steps; then make ${next.version} the version`;
}

const setVersion = (at: string, { version, source }: { version: string; source: string }): ConfigEdit[] => [
  set(`${at}.version`, version),
  set(`${at}.source`, source),
];

/** A version becomes the one that serves by having been the candidate with all requests; only going back is quicker. */
const unprovenAdapter: Rule = {
  id: "unproven-adapter",
  summary: "Only a candidate version with all of the requests can become the serving version.",
  fix: "Make it the candidate and raise its weight.",
  check: (config, observed, { pools }) =>
    config.adapters.flatMap((adapter) => {
      const record = observed.record?.adapters?.[adapter.name];
      if (record === undefined || record.version === adapter.stable.version) return [];
      const { served, version } = adapter.stable;
      const at = `adapters[${adapter.index}]`;
      return pools
        .map(({ pool }) => ({ pool, live: versionShares(observed, pool.name, adapter.name) }))
        .filter(
          ({ live }) =>
            Object.keys(live).length > 0 && 100 - adapter.weight > shareIn(live, served) + rounding,
        )
        .slice(0, 1)
        .map(({ live }) => ({
          found: `${served} answers ${Math.round(shareIn(live, served))} % of the requests for ${adapter.name} and would get ${100 - adapter.weight} % in one step`,
          fix: fix`make it the candidate: ${[
            ...setVersion(at, record),
            ...setVersion(`${at}.candidate`, adapter.stable),
            set(`${at}.weight`, Math.round(shareIn(live, served))),
            pulumiUp,
          ]}; raise ${at}.weight in steps; at 100, make ${version} the version`,
        }));
    }),
};

/** An adapter runs on the models it was trained for, and on no other. */
const adapterNotForBase: Rule = {
  id: "adapter-not-for-base",
  summary: `An adapter works only on the models that it was trained for. On a base model that the adapter does not list, its
requests would get nonsense or errors.`,
  fix: "Train a version for the new model and declare it in `bases`, or choose another model.",
  check: (config, _observed, { pools }) =>
    pools
      .filter(({ pool }) => pool.adapters)
      .flatMap(({ pool }) =>
        config.adapters
          .filter(({ bases }) => !bases.includes(pool.model))
          .map(({ name, bases, index }) => ({
            found: `pool ${pool.name} serves ${pool.model}, but adapter ${name} was trained for ${bases.join(", ")}`,
            fix: fix`train a version of ${name} for ${pool.model} and declare it: ${set(`adapters[${index}].bases[${bases.length}]`, pool.model)} (or give ${pool.name} one of the models above)`,
          })),
      ),
};

/** A pool is made for adapters or without; one that was made without cannot begin to load them. */
const poolWithoutAdapters: Rule = {
  id: "pool-without-adapters",
  summary:
    "A model server can load adapters only if it was started with adapter support. A pool created without it cannot add it.",
  fix: "Roll out a pool with adapter support.",
  check: (config, _observed, { pools, stable }) => {
    if (config.adapters.length === 0) return [];
    const without = pools.filter(({ pool }) => !pool.adapters && pool.templateOf === undefined);
    const [last] = pools.filter(({ pool }) => pool.name !== stable.name);
    // A candidate that loads adapters introduces them; going back to a pool that loads none would lose them.
    return without
      .filter(({ pool }) => !(pool.name === stable.name && last?.pool.adapters === true))
      .map(({ pool }) => ({
        found: `pool ${pool.name} was created without adapter support, but the config has ${config.adapters.map(({ name }) => name).join(", ")}`,
        fix:
          pool.name === stable.name
            ? fix`roll out a pool that loads them: ${[set(`pools.${pool.name}-lora.like`, pool.name), set(`pools.${pool.name}-lora.adapters`, true), set("candidate", `${pool.name}-lora`)]}`
            : fix`${remove(`pools.${pool.name}.adapters`)}: a candidate serves what the stable pool serves`,
      }));
  },
};

/**
 * A new base model and a new adapter at once: if the answers got worse, nobody could tell which of the two it
 * was, and undoing only one would serve a combination that was never tried. Where both pools serve the same model the
 * adapter's split is the same on either, so there it is safe.
 */
const bothAtOnce: Rule = {
  id: "both-at-once",
  summary: `A new base model and a new version of an adapter would be rolled out at the same time. If the answers got worse, you
could not tell which change caused it, and every rollback would be to an untested combination. (It is allowed if both
pools have the same base model.)`,
  fix: "Roll them out one after the other.",
  check: (config, _observed, { kind, candidate, stable }) => {
    if (candidate === undefined || (kind !== "base-model" && kind !== undefined)) return [];
    const what =
      kind === undefined
        ? `the program cannot tell whether ${candidate.name} has the same base model as ${stable.name}`
        : `${candidate.name} has another base model than ${stable.name}`;
    return config.adapters
      .filter((adapter) => adapter.candidate !== undefined)
      .map(({ name, index, candidate: version }) => ({
        found: `${what}, and version ${version?.version ?? ""} of adapter ${name} is being rolled out: if the answers changed, you could not tell which change caused it`,
        fix: fix`roll them out one after the other. The adapter first: ${[remove("candidate"), remove("weight")]}; or the pool first: ${withoutCandidate(index)}`,
      }));
  },
};

const withoutCandidate = (index: number): ConfigEdit[] => [
  remove(`adapters[${index}].candidate`),
  remove(`adapters[${index}].weight`),
];

/** Two weights are moved by two updates: each is judged by itself. Going down with both is always allowed. */
const oneWeightAtATime: Rule = {
  id: "one-weight-at-a-time",
  summary:
    "One update would move both the weight of the pool and the weight of an adapter version. Going back with both is allowed.",
  fix: "Use two updates.",
  check: (config, observed, { candidate, candidateShareNow, candidateRises, pools }) => {
    if (candidate === undefined) return [];
    const poolFalls = config.weight < candidateShareNow - rounding;
    return config.adapters.flatMap((adapter) => {
      if (adapter.candidate === undefined) return [];
      const served = adapter.candidate.served;
      const shares = pools
        .filter(({ pool }) => pool.name === config.stable && pool.adapters)
        .map(({ pool }) => versionShares(observed, pool.name, adapter.name))
        .filter((live) => Object.keys(live).length > 0)
        .map((live) => shareIn(live, served));
      const rises = shares.some((share) => adapter.weight > share + rounding);
      const falls = shares.some((share) => adapter.weight < share - rounding);
      if (!((candidateRises && (rises || falls)) || (poolFalls && rises))) return [];
      return [
        {
          found: `the weight of ${candidate.name} goes from ${Math.round(candidateShareNow)} to ${config.weight} and that of ${adapter.name} from ${Math.round(shares[0] ?? 0)} to ${adapter.weight} in one update`,
          fix: fix`use two updates; first restore one of them: ${set("weight", Math.round(candidateShareNow))} or ${set(`adapters[${adapter.index}].weight`, Math.round(shares[0] ?? 0))}`,
        },
      ];
    });
  },
};

/** While pools are compared, what both load stays as it is. Weights of adapters may move, one thing at a time. */
const adaptersUnderWay: Rule = {
  id: "adapters-under-way",
  summary: "During a pool rollout, both pools keep the adapters that they had when it started.",
  fix: "Change the adapters before or after the rollout.",
  check: (config, { record }) => {
    if (config.candidate === undefined || record?.candidate !== config.candidate) return [];
    if (record.adapters === undefined) return [];
    const before = record.adapters;
    const after = new Map(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)]));
    const names = [...new Set([...Object.keys(before), ...after.keys()])].sort();
    return names
      .filter((name) => shownVersions(before[name]) !== shownVersions(after.get(name)))
      .map((name) => ({
        found: `adapter ${name} is deployed as ${shownVersions(before[name])}, but the config says ${shownVersions(after.get(name))} while ${config.candidate ?? ""} is being rolled out`,
        fix: fix`restore the adapter: ${adapterBack(config, name, before[name])}; change it after the rollout of the pool`,
      }));
  },
};

/** Edits that make the config say of an adapter what was deployed. */
function adapterBack(
  { adapters }: ServiceConfig,
  name: string,
  record: AdapterRecord | undefined,
): ConfigEdit[] {
  const found = adapters.find((adapter) => adapter.name === name);
  const at = `adapters[${found?.index ?? adapters.length}]`;
  if (record === undefined) return [remove(at)];
  return [
    ...(found === undefined ? [set(`${at}.name`, name)] : []),
    ...setVersion(at, record),
    ...(record.candidate === undefined
      ? [remove(`${at}.candidate`), remove(`${at}.weight`)]
      : setVersion(`${at}.candidate`, record.candidate)),
  ];
}

/** A version is what it was when it was loaded: pods that load it later must get the same. */
const adapterEditedInPlace: Rule = {
  id: "adapter-edited-in-place",
  summary:
    "The source of a version cannot change after the version is loaded: pods that start later must load the same adapter as those that are running.",
  fix: "Give the adapter from the new source a new version.",
  check: (config, { record }) => {
    const before = new Map(
      Object.entries(record?.adapters ?? {}).flatMap(([name, { version, source, candidate }]) => [
        [servedName(name, version), source] as const,
        ...(candidate === undefined
          ? []
          : [[servedName(name, candidate.version), candidate.source] as const]),
      ]),
    );
    return config.adapters.flatMap((adapter) =>
      versionsOf(adapter)
        .filter(({ served, source }) => (before.get(served) ?? source) !== source)
        .map(({ served, source, version }) => ({
          found: `${served} was loaded from ${before.get(served) ?? ""}, but the config says ${source}`,
          fix: fix`give the adapter from ${source} a new version and roll it out as the candidate, or restore the source of ${version}: ${set(sourceOf(adapter, version), before.get(served) ?? "")}`,
        })),
    );
  },
};

/** Where the config says where a version comes from. */
function sourceOf({ index, stable }: Adapter, version: string): string {
  return `adapters[${index}]${stable.version === version ? "" : ".candidate"}.source`;
}

/** The names of a pool created outside this stack are not rewritten, so a split would hold on one of the pools only. */
const splitOnExisting: Rule = {
  id: "split-on-existing-pool",
  summary: `This program does not rewrite model names on a pool created outside this stack, so a split would apply to only one of the
two pools.`,
  fix: "Finish the rollout of the pool first.",
  check: (config) => {
    const existing = [config.stable, config.candidate].filter(
      (name) => name !== undefined && config.pools[name]?.existing === true,
    );
    if (existing.length === 0) return [];
    return config.adapters
      .filter(({ candidate }) => candidate !== undefined)
      .map(({ name, index }) => ({
        found: `a version of adapter ${name} is being rolled out, but pool ${existing.join(", ")} was created outside this stack, so its requests are not split`,
        fix: fix`finish the rollout of the pool first, then roll out the adapter: ${withoutCandidate(index)}`,
      }));
  },
};

/** Clients keep their model names: an update does not drop one by accident. */
const nameDropped: Rule = {
  id: "name-dropped",
  summary:
    "Clients request a model by name. A name that clients use must keep working, even after the model behind it is removed.",
  fix: "Keep the name as an alias.",
  waiver: { name: "drop-names", use: "Use it once no client requests the name any more." },
  check: (config, observed) => {
    const kept = new Set(clientNames(config));
    // Another rule already refuses any edit of the names of a pool with traffic.
    const fixed = shareIn(observed.record?.weights, config.stable) > 0 ? namesAsMade(config, observed) : [];
    // Also what an update brought that broke off before it left a record.
    const answered = new Set([
      ...(observed.record?.names ?? []),
      ...(observed.rewrites ?? []).map(({ model }) => model),
    ]);
    return [...answered]
      .filter((name) => !kept.has(name) && !fixed.includes(name))
      .map((name, i) => ({
        found: `clients use the model name ${name}, and no pool would serve it with this config`,
        // Typed one after the other, each keeps its name.
        fix: fix`${set(["aliases", config.aliases.length + i], name)} keeps it as a name of the base model`,
      }));
  },
};

export const adapterRules: readonly Rule[] = [
  adapterVersionHasTraffic,
  unprovenAdapter,
  adapterNotForBase,
  poolWithoutAdapters,
  bothAtOnce,
  oneWeightAtATime,
  adaptersUnderWay,
  adapterEditedInPlace,
  splitOnExisting,
  nameDropped,
];
