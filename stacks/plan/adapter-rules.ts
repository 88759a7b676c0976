import type { Adapter, ServiceConfig, AdapterRecord, Observed, Draft, Refusal } from "./model";
import { removeCommand, setCommand } from "../messages/mistakes";
import { servedName } from "../../components/names";
import { recordedShares, recordOfAdapter, shownVersions } from "./adapter-record";
import { liveShares, versionsOf } from "./model-names";
import { nameDropped } from "./name-dropped";
import { rounding } from "./shares";

type Rule = (config: ServiceConfig, observed: Observed, draft: Draft) => Refusal[];

/** An adapter runs on the models it was trained for, and on no other. */
const adapterNotForBase: Rule = (config, _observed, { pools }) =>
  pools
    .filter(({ pool }) => pool.adapters)
    .flatMap(({ pool }) =>
      config.adapters
        .filter(({ bases }) => !bases.includes(pool.model))
        .map(({ name, bases, index }) => ({
          rule: "adapter-not-for-base",
          found: `pool ${pool.name} serves ${pool.model}, and adapter ${name} was trained for ${bases.join(", ")}`,
          fix: `train a version of ${name} for ${pool.model} and name it: ${setCommand(`adapters[${index}].bases[${bases.length}]`, pool.model)} (or give ${pool.name} a model of these)`,
        })),
    );

/** A pool is made for adapters or without; one that was made without cannot begin to load them. */
const poolWithoutAdapters: Rule = (config, _observed, { pools, stable }) => {
  if (config.adapters.length === 0) return [];
  const without = pools.filter(({ pool }) => !pool.adapters && pool.templateOf === undefined);
  const [last] = pools.filter(({ pool }) => pool.name !== stable.name);
  // The way to adapters is a candidate that has them; the way back from one that has not would lose them.
  return without
    .filter(({ pool }) => !(pool.name === stable.name && last?.pool.adapters === true))
    .map(({ pool }) => ({
      rule: "pool-without-adapters",
      found: `pool ${pool.name} loads no adapters, and the config has ${config.adapters.map(({ name }) => name).join(", ")}`,
      fix:
        pool.name === stable.name
          ? `roll out a pool that loads them: ${setCommand(`pools.${pool.name}-lora.like`, pool.name)} && ${setCommand(`pools.${pool.name}-lora.adapters`, true)} && ${setCommand("candidate", `${pool.name}-lora`)}`
          : `${removeCommand(`pools.${pool.name}.adapters`)}: a candidate serves what the stable pool serves`,
    }));
};

/** While pools are compared, what both load stays as it is. Weights of adapters may move, one thing at a time. */
const adaptersUnderWay: Rule = (config, { record }) => {
  if (config.candidate === undefined || record?.candidate !== config.candidate) return [];
  if (record.adapters === undefined) return [];
  const before = record.adapters;
  const after = new Map(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)]));
  const names = [...new Set([...Object.keys(before), ...after.keys()])].sort();
  return names
    .filter((name) => shownVersions(before[name]) !== shownVersions(after.get(name)))
    .map((name) => ({
      rule: "adapters-under-way",
      found: `adapter ${name} is deployed as ${shownVersions(before[name])}, the config says ${shownVersions(after.get(name))}, while ${config.candidate ?? ""} is rolled out`,
      fix: `put the adapter back: ${adapterBack(config, name, before[name])}; change it when the rollout of the pool is over`,
    }));
};

/** Commands that make the config say of an adapter what was deployed. */
function adapterBack({ adapters }: ServiceConfig, name: string, record: AdapterRecord | undefined): string {
  const found = adapters.find((adapter) => adapter.name === name);
  const at = `adapters[${found?.index ?? adapters.length}]`;
  if (record === undefined) return removeCommand(at);
  const { version, source, candidate } = record;
  return [
    ...(found === undefined ? [setCommand(`${at}.name`, name)] : []),
    setCommand(`${at}.version`, version),
    setCommand(`${at}.source`, source),
    ...(candidate === undefined
      ? [removeCommand(`${at}.candidate`), removeCommand(`${at}.weight`)]
      : [
          setCommand(`${at}.candidate.version`, candidate.version),
          setCommand(`${at}.candidate.source`, candidate.source),
        ]),
  ].join(" && ");
}

/**
 * A new base model and a new adapter at once: were the answers to get worse, nobody could say which of the two it
 * was, and each way back would be a combination that was never tried. Where both pools serve the same model the
 * adapter's split is the same on either, so there it is safe.
 */
const bothAtOnce: Rule = (config, _observed, { kind, candidate, stable }) => {
  if (candidate === undefined || (kind !== "base-model" && kind !== undefined)) return [];
  const what =
    kind === undefined
      ? `from ${stable.name} to ${candidate.name} is not known to keep the base model`
      : `from ${stable.name} to ${candidate.name} is a new base model`;
  return config.adapters
    .filter((adapter) => adapter.candidate !== undefined)
    .map(({ name, index, candidate: version }) => ({
      rule: "both-at-once",
      found: `${what}, and adapter ${name} has a version ${version?.version ?? ""} under way: were the answers to change, nothing would tell why`,
      fix: `one after the other; the adapter first: ${removeCommand("candidate")} && ${removeCommand("weight")}; or the pool first: ${removeCommand(`adapters[${index}].candidate`)} && ${removeCommand(`adapters[${index}].weight`)}`,
    }));
};

/** Two weights are moved by two updates: each is looked at by itself. Going down with both is always allowed. */
const oneWeightAtATime: Rule = (
  config,
  observed,
  { candidate, candidateShareNow, candidateRises, pools },
) => {
  if (candidate === undefined) return [];
  const poolFalls = config.weight < candidateShareNow - rounding;
  return config.adapters.flatMap((adapter) => {
    if (adapter.candidate === undefined) return [];
    const served = adapter.candidate.served;
    const shares = pools
      .filter(({ pool }) => pool.name === config.stable && pool.adapters)
      .map(({ pool }) => liveShares(observed, pool.name, adapter.name))
      .filter((live) => live.size > 0)
      .map((live) => live.get(served) ?? 0);
    const rises = shares.some((share) => adapter.weight > share + rounding);
    const falls = shares.some((share) => adapter.weight < share - rounding);
    if (!((candidateRises && (rises || falls)) || (poolFalls && rises))) return [];
    return [
      {
        rule: "one-weight-at-a-time",
        found: `the weight of ${candidate.name} goes from ${Math.round(candidateShareNow)} to ${config.weight} and that of ${adapter.name} from ${Math.round(shares[0] ?? 0)} to ${adapter.weight} in one update`,
        fix: `two updates: put one of them back first, ${setCommand("weight", String(Math.round(candidateShareNow)))} or ${setCommand(`adapters[${adapter.index}].weight`, Math.round(shares[0] ?? 0))}`,
      },
    ];
  });
};

/** A version that requests are rewritten to stays loaded, whatever the config says. */
const adapterVersionHasTraffic: Rule = (config, observed, { pools }) =>
  config.adapters.flatMap((adapter) => {
    const kept = new Set<string>(versionsOf(adapter).map(({ served }) => served));
    const found = new Map<string, string>();
    for (const { pool } of pools) {
      for (const [served, share] of liveShares(observed, pool.name, adapter.name)) {
        if (!kept.has(served))
          found.set(served, `on pool ${pool.name} it answers ${Math.round(share)} % of the requests`);
      }
    }
    for (const [served, share] of recordedShares(adapter.name, observed.record?.adapters?.[adapter.name])) {
      if (!kept.has(served) && !found.has(served))
        found.set(served, `the last successful update gave it ${share} % of the requests`);
    }
    return [...found].map(([served, evidence]) => ({
      rule: "adapter-version-has-traffic",
      found: `${served} would be unloaded, and ${evidence} for ${adapter.name}`,
      fix: wayOut(adapter, served, observed),
    }));
  });

function wayOut(adapter: Adapter, served: string, observed: Observed): string {
  const { name, index } = adapter;
  const at = `adapters[${index}]`;
  const record = observed.record?.adapters?.[name];
  if (record?.candidate !== undefined && served === servedName(name, record.candidate.version)) {
    const back = `${setCommand(`${at}.candidate.version`, record.candidate.version)} && ${setCommand(`${at}.candidate.source`, record.candidate.source)}`;
    return `${back} && ${setCommand(`${at}.weight`, 0)} && pulumi up; then ${removeCommand(`${at}.candidate`)} && pulumi up`;
  }
  if (record === undefined) return `put the version back (${setCommand(`${at}.version`, "VERSION")})`;
  const put = `${setCommand(`${at}.version`, record.version)} && ${setCommand(`${at}.source`, record.source)}`;
  const next = adapter.candidate ?? adapter.stable;
  const candidate = `${setCommand(`${at}.candidate.version`, next.version)} && ${setCommand(`${at}.candidate.source`, next.source)}`;
  return `${put} && ${candidate} && pulumi up; raise ${at}.weight to 100 in steps; then make ${next.version} the version`;
}

/** A version becomes the one that serves by having been the candidate with all requests; only going back is quicker. */
const unprovenAdapter: Rule = (config, observed, { pools }) =>
  config.adapters.flatMap((adapter) => {
    const record = observed.record?.adapters?.[adapter.name];
    if (record === undefined || record.version === adapter.stable.version) return [];
    const { served, version } = adapter.stable;
    return pools
      .map(({ pool }) => ({ pool, live: liveShares(observed, pool.name, adapter.name) }))
      .filter(({ live }) => live.size > 0 && 100 - adapter.weight > (live.get(served) ?? 0) + rounding)
      .slice(0, 1)
      .map(({ live }) => ({
        rule: "unproven-adapter",
        found: `${served} answers ${Math.round(live.get(served) ?? 0)} % of the requests for ${adapter.name} and would get ${100 - adapter.weight} % at once`,
        fix: `${setCommand(`adapters[${adapter.index}].version`, record.version)} and make ${version} the candidate until it has all of them`,
      }));
  });

/** A version is what it was when it was loaded: pods that load it later must get the same. */
const adapterEditedInPlace: Rule = (config, { record }) => {
  const before = new Map(
    Object.entries(record?.adapters ?? {}).flatMap(([name, { version, source, candidate }]) => [
      [servedName(name, version), source] as const,
      ...(candidate === undefined ? [] : [[servedName(name, candidate.version), candidate.source] as const]),
    ]),
  );
  return config.adapters.flatMap((adapter) =>
    versionsOf(adapter)
      .filter(({ served, source }) => (before.get(served) ?? source) !== source)
      .map(({ served, source, version }) => ({
        rule: "adapter-edited-in-place",
        found: `${served} was loaded from ${before.get(served) ?? ""}, the config says ${source}`,
        fix: `give what comes from ${source} a version of its own and roll it out as the candidate, or put the source of ${version} back: ${setCommand(sourceOf(adapter, version), before.get(served) ?? "")}`,
      })),
  );
};

/** Where the config says where a version comes from. */
function sourceOf({ index, stable }: Adapter, version: string): string {
  return `adapters[${index}]${stable.version === version ? "" : ".candidate"}.source`;
}

/** An existing pool's names are not ours to rewrite, so a split would hold on one of the pools only. */
const splitOnExisting: Rule = (config) => {
  const existing = [config.stable, config.candidate].filter(
    (name) => name !== undefined && config.pools[name]?.existing === true,
  );
  if (existing.length === 0) return [];
  return config.adapters
    .filter(({ candidate }) => candidate !== undefined)
    .map(({ name, index }) => ({
      rule: "split-on-existing-pool",
      found: `adapter ${name} has a version under way, and pool ${existing.join(", ")} was made by somebody else: its requests are not split`,
      fix: `first finish the rollout of the pool, then that of the adapter: ${removeCommand(`adapters[${index}].candidate`)} && ${removeCommand(`adapters[${index}].weight`)}`,
    }));
};

/** The user said what the rollout is meant to be, and it is one of an adapter. */
const notAnAdapterRollout: Rule = (config, _observed, { kind, candidate }) =>
  candidate !== undefined || kind !== "adapter" || config.rollout === undefined || config.rollout === kind
    ? []
    : [
        {
          rule: "not-the-kind",
          found: `the config says rollout: ${config.rollout}, but only an adapter is being rolled out`,
          fix: `name the candidate pool, or ${removeCommand("rollout")}`,
        },
      ];

/** In the order in which a person wants to hear of them. */
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
  notAnAdapterRollout,
];
