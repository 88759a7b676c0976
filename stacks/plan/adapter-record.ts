import type { Adapter, AdapterRecord } from "./model";
import { servedName } from "../../components/names";

/** What an update leaves on record of an adapter. */
export function recordOfAdapter({ stable, candidate, weight }: Adapter): AdapterRecord {
  return {
    version: stable.version,
    source: stable.source,
    ...(candidate === undefined
      ? {}
      : { candidate: { version: candidate.version, source: candidate.source } }),
    weight,
  };
}

/** Percent of a name's requests by served name, as the last successful update left it. */
export function recordedShares(name: string, record: AdapterRecord | undefined): Map<string, number> {
  if (record === undefined) return new Map();
  const shares: [string, number][] = [[servedName(name, record.version), 100 - record.weight]];
  if (record.candidate !== undefined)
    shares.push([servedName(name, record.candidate.version), record.weight]);
  return new Map(shares.filter(([, share]) => share > 0));
}

/** The versions of an adapter, in words; not their weights. */
export function shownVersions(record: AdapterRecord | undefined): string {
  if (record === undefined) return "nothing";
  const { version, source, candidate } = record;
  const own = `${version} from ${source}`;
  return candidate === undefined ? own : `${own} and ${candidate.version} from ${candidate.source}`;
}
