import type { Deployed } from "./deployed";
import { command, refuse, type Decision } from "./decision";
import { valueOf, withValues, type StackValues } from "./values";

/*
 * The commands' moves where no pool is rolled out, but a version of an adapter is: the first one that the config
 * names, as in the output `next`.
 */

interface RawAdapter {
  name: string;
  version?: string;
  source: string;
  candidate?: { version: string; source: string };
  weight?: number | string;
}

interface UnderWay {
  all: readonly RawAdapter[];
  index: number;
  adapter: RawAdapter;
  candidate: { version: string; source: string };
  /** Whether the last successful update knew the version. */
  staged: boolean;
  /** Percent of the adapter's requests that it has. */
  now: number;
}

/** @returns undefined where no version of an adapter is rolled out. */
export function versionUnderWay(values: StackValues, deployed: Deployed | undefined): UnderWay | undefined {
  const listed = valueOf(values, "adapters");
  const all = Array.isArray(listed) ? (listed as RawAdapter[]) : [];
  const index = all.findIndex(({ candidate }) => candidate !== undefined);
  const adapter = all[index];
  if (adapter?.candidate === undefined) return undefined;
  const record = deployed?.adapters[adapter.name];
  const staged = record?.candidate?.version === adapter.candidate.version;
  const now = staged ? record.weight : 0;
  return { all, index, adapter, candidate: adapter.candidate, staged, now };
}

/** The next step of an adapter's version, counted from what is deployed; staged first, at weight 0. */
export function nextVersion(
  values: StackValues,
  { staged, now, adapter, candidate, ...found }: UnderWay,
  ladder: readonly number[],
  to?: number,
): Decision {
  const step = to ?? (staged ? ladder.find((weight) => weight > now) : 0);
  const what = `${adapter.name} ${candidate.version}`;
  if (step === undefined || (staged && step === now && Number(adapter.weight ?? 0) === now)) {
    return refuse(
      `${what} answers ${now} % of the requests for ${adapter.name} already`,
      now === 100 ? command("promote") : command("next"),
    );
  }
  return {
    wanted: changed(values, found, { ...adapter, weight: step }),
    title: staged ? `${what} from ${now} to ${step} %` : `stage ${what} at ${step} %`,
    notes: [],
  };
}

/** The new version becomes the version: only with all of the requests. */
export function promoteVersion(
  values: StackValues,
  { staged, now, adapter, candidate, ...found }: UnderWay,
): Decision {
  const what = `${adapter.name} ${candidate.version}`;
  if (!staged || now !== 100) {
    return refuse(
      `${what} answers ${now} % of the requests for ${adapter.name}; promotion needs 100`,
      command("next"),
    );
  }
  const { name, ...rest } = adapter;
  const kept = Object.entries(rest).filter(([key]) => key !== "candidate" && key !== "weight");
  const { version, source } = candidate;
  return {
    wanted: changed(values, found, { ...Object.fromEntries(kept), name, version, source }),
    title: `promote ${what}`,
    notes: [`${name} ${adapter.version ?? "v1"} is unloaded: after this, going back is a rollout of its own`],
  };
}

/** All requests back to the version that served before. It stays loaded everywhere, so nothing is waited for. */
export function rollbackVersion(
  values: StackValues,
  { now, adapter, candidate, ...found }: UnderWay,
): Decision {
  return {
    wanted: changed(values, found, { ...adapter, weight: 0 }),
    title: `${adapter.name} ${candidate.version} from ${now} to 0 %`,
    notes: ["a version that was taken back is not latched: only pools are"],
  };
}

function changed(
  values: StackValues,
  { all, index }: Pick<UnderWay, "all" | "index">,
  adapter: RawAdapter | Record<string, unknown>,
): StackValues {
  return withValues(values, { adapters: all.map((one, at) => (at === index ? adapter : one)) });
}
