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
  summary: `A version of an adapter that requests are sent to would leave the list, and the model servers would unload it. The
live rules count, and what the last successful update recorded.`,
  fix: "Take its weight away first, then the version.",
  check: (config, observed, { pools }) =>
    config.adapters.flatMap((adapter) => {
      const kept = new Set<string>(versionsOf(adapter).map(({ served }) => served));
      const found = new Map<string, string>();
      for (const { pool } of pools) {
        for (const [served, share] of Object.entries(versionShares(observed, pool.name, adapter.name))) {
          if (!kept.has(served))
            found.set(served, `on pool ${pool.name} it answers ${Math.round(share)} % of the requests`);
        }
      }
      for (const [served, share] of Object.entries(
        recordedShares(adapter.name, observed.record?.adapters?.[adapter.name]),
      )) {
        if (!kept.has(served) && !found.has(served))
          found.set(served, `the last successful update gave it ${share} % of the requests`);
      }
      return [...found].map(([served, evidence]) => ({
        found: `${served} would be unloaded, and ${evidence} for ${adapter.name}`,
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
  if (record === undefined) return fix`put the version back (${set(`${at}.version`, "VERSION")})`;
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
  summary:
    "A version becomes the one that serves by having been the candidate version with all of the requests.",
  fix: "Make it the candidate and raise its weight.",
  check: (config, observed, { pools }) =>
    config.adapters.flatMap((adapter) => {
      const record = observed.record?.adapters?.[adapter.name];
      if (record === undefined || record.version === adapter.stable.version) return [];
      const { served, version } = adapter.stable;
      return pools
        .map(({ pool }) => ({ pool, live: versionShares(observed, pool.name, adapter.name) }))
        .filter(
          ({ live }) =>
            Object.keys(live).length > 0 && 100 - adapter.weight > shareIn(live, served) + rounding,
        )
        .slice(0, 1)
        .map(({ live }) => ({
          found: `${served} answers ${Math.round(shareIn(live, served))} % of the requests for ${adapter.name} and would get ${100 - adapter.weight} % at once`,
          fix: fix`${set(`adapters[${adapter.index}].version`, record.version)} and make ${version} the candidate until it has all of them`,
        }));
    }),
};

/** An adapter runs on the models it was trained for, and on no other. */
const adapterNotForBase: Rule = {
  id: "adapter-not-for-base",
  summary: `An adapter runs on the models it was trained for. A new base model that an adapter does not name would answer its
requests with noise, or not at all.`,
  fix: "Train one for the new model and say so, or choose another model.",
  check: (config, _observed, { pools }) =>
    pools
      .filter(({ pool }) => pool.adapters)
      .flatMap(({ pool }) =>
        config.adapters
          .filter(({ bases }) => !bases.includes(pool.model))
          .map(({ name, bases, index }) => ({
            found: `pool ${pool.name} serves ${pool.model}, and adapter ${name} was trained for ${bases.join(", ")}`,
            fix: fix`train a version of ${name} for ${pool.model} and name it: ${set(`adapters[${index}].bases[${bases.length}]`, pool.model)} (or give ${pool.name} a model of these)`,
          })),
      ),
};

/** A pool is made for adapters or without; one that was made without cannot begin to load them. */
const poolWithoutAdapters: Rule = {
  id: "pool-without-adapters",
  summary:
    "Whether a model server can load adapters is settled when it starts. A pool that was made without cannot begin to.",
  fix: "Roll out a pool that can.",
  check: (config, _observed, { pools, stable }) => {
    if (config.adapters.length === 0) return [];
    const without = pools.filter(({ pool }) => !pool.adapters && pool.templateOf === undefined);
    const [last] = pools.filter(({ pool }) => pool.name !== stable.name);
    // The way to adapters is a candidate that has them; the way back from one that has not would lose them.
    return without
      .filter(({ pool }) => !(pool.name === stable.name && last?.pool.adapters === true))
      .map(({ pool }) => ({
        found: `pool ${pool.name} loads no adapters, and the config has ${config.adapters.map(({ name }) => name).join(", ")}`,
        fix:
          pool.name === stable.name
            ? fix`roll out a pool that loads them: ${[set(`pools.${pool.name}-lora.like`, pool.name), set(`pools.${pool.name}-lora.adapters`, true), set("candidate", `${pool.name}-lora`)]}`
            : fix`${remove(`pools.${pool.name}.adapters`)}: a candidate serves what the stable pool serves`,
      }));
  },
};

/**
 * A new base model and a new adapter at once: were the answers to get worse, nobody could say which of the two it
 * was, and each way back would be a combination that was never tried. Where both pools serve the same model the
 * adapter's split is the same on either, so there it is safe.
 */
const bothAtOnce: Rule = {
  id: "both-at-once",
  summary: `A new base model and a new version of an adapter: were the answers to get worse, nobody could say which of the two it
was, and each way back would be a combination that nobody has seen. (With the same base model on both pools it is
allowed.)`,
  fix: "One after the other.",
  check: (config, _observed, { kind, candidate, stable }) => {
    if (candidate === undefined || (kind !== "base-model" && kind !== undefined)) return [];
    const what =
      kind === undefined
        ? `from ${stable.name} to ${candidate.name} is not known to keep the base model`
        : `from ${stable.name} to ${candidate.name} is a new base model`;
    return config.adapters
      .filter((adapter) => adapter.candidate !== undefined)
      .map(({ name, index, candidate: version }) => ({
        found: `${what}, and adapter ${name} has a version ${version?.version ?? ""} under way: were the answers to change, nothing would tell why`,
        fix: fix`one after the other; the adapter first: ${[remove("candidate"), remove("weight")]}; or the pool first: ${withoutCandidate(index)}`,
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
    "One update moves the weight of the pool and the weight of an adapter's version. Going back with both is allowed.",
  fix: "Two updates.",
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
          fix: fix`two updates: put one of them back first, ${set("weight", Math.round(candidateShareNow))} or ${set(`adapters[${adapter.index}].weight`, Math.round(shares[0] ?? 0))}`,
        },
      ];
    });
  },
};

/** While pools are compared, what both load stays as it is. Weights of adapters may move, one thing at a time. */
const adaptersUnderWay: Rule = {
  id: "adapters-under-way",
  summary: "While a pool is rolled out, both pools load what they loaded when it began.",
  fix: "Change the adapters before or after.",
  check: (config, { record }) => {
    if (config.candidate === undefined || record?.candidate !== config.candidate) return [];
    if (record.adapters === undefined) return [];
    const before = record.adapters;
    const after = new Map(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)]));
    const names = [...new Set([...Object.keys(before), ...after.keys()])].sort();
    return names
      .filter((name) => shownVersions(before[name]) !== shownVersions(after.get(name)))
      .map((name) => ({
        found: `adapter ${name} is deployed as ${shownVersions(before[name])}, the config says ${shownVersions(after.get(name))}, while ${config.candidate ?? ""} is rolled out`,
        fix: fix`put the adapter back: ${adapterBack(config, name, before[name])}; change it when the rollout of the pool is over`,
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
    "A version is what it was when it was loaded: pods that start later must get the same as those that run.",
  fix: "Give what comes from elsewhere a version of its own.",
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
          found: `${served} was loaded from ${before.get(served) ?? ""}, the config says ${source}`,
          fix: fix`give what comes from ${source} a version of its own and roll it out as the candidate, or put the source of ${version} back: ${set(sourceOf(adapter, version), before.get(served) ?? "")}`,
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
  summary: `What a pool created outside this stack makes of model names is not this program's to say, so a split would hold on one of
two pools only.`,
  fix: "Finish the rollout of the pool first.",
  check: (config) => {
    const existing = [config.stable, config.candidate].filter(
      (name) => name !== undefined && config.pools[name]?.existing === true,
    );
    if (existing.length === 0) return [];
    return config.adapters
      .filter(({ candidate }) => candidate !== undefined)
      .map(({ name, index }) => ({
        found: `adapter ${name} has a version under way, and pool ${existing.join(", ")} was created outside this stack: its requests are not split`,
        fix: fix`first finish the rollout of the pool, then that of the adapter: ${withoutCandidate(index)}`,
      }));
  },
};

/** Clients keep their model names: one that was answered is not dropped by the way. */
const nameDropped: Rule = {
  id: "name-dropped",
  summary:
    "Clients ask for a model by a name. A name that was answered goes on being answered, also when the model behind it goes.",
  fix: "Keep the name as an alias.",
  waiver: { name: "drop-names", use: "Once no client asks for it any more." },
  check: (config, observed) => {
    const kept = new Set(clientNames(config));
    // The names of a pool with traffic are not edited at all; another rule says so, and once is enough.
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
