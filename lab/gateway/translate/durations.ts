const unitMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/**
 * A duration of Gateway API (GEP-2257: "1h", "1m30s", "250ms") as Envoy's JSON wants it ("90s", "0.25s").
 * "0s" means no limit to both. @throws RangeError for anything else than a duration.
 */
export function envoyDuration(text: string): string {
  if (!/^(\d{1,5}(h|ms|m|s)){1,4}$/.test(text)) throw new RangeError(`${text} is not a duration`);
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(h|ms|m|s)/g)) {
    total += Number(count) * unitMs[unit as keyof typeof unitMs];
  }
  return `${total / 1000}s`;
}

/** The shorter of two Envoy durations, where zero is none. */
export function shorter(a: string | undefined, b: string | undefined): string {
  const given = [a, b].filter((one) => one !== undefined && Number.parseFloat(one) > 0) as string[];
  return given.sort((x, y) => Number.parseFloat(x) - Number.parseFloat(y))[0] ?? "0s";
}
