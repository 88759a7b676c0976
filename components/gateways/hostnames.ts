/*
 * Hostnames as Gateway API means them: an exact name, `*.` and a name for one or more labels before it, or any.
 */

/** Stands for every hostname: a listener or route that names none. */
export const anyHost = "*";

/** Whether `wide` stands for every name that `narrow` stands for. */
export function hostCovers(wide: string, narrow: string): boolean {
  if (wide === anyHost || wide === narrow) return true;
  return wide.startsWith("*.") && narrow.endsWith(wide.slice(1));
}

/** The names that both stand for; undefined: none. */
export function commonHost(a: string, b: string): string | undefined {
  if (hostCovers(a, b)) return b;
  return hostCovers(b, a) ? a : undefined;
}

/** The hostnames under which a route serves on a listener; none: it cannot attach there. */
export function hostsOn(listener: string | undefined, route: readonly string[]): string[] {
  const listening = (listener ?? anyHost).toLowerCase();
  if (route.length === 0) return [listening];
  const common = route.map((host) => commonHost(listening, host.toLowerCase()));
  return [...new Set(common.filter((host) => host !== undefined))];
}

/** The most specific of the hostnames that stand for all of `host`. */
export function bestHost(hosts: readonly string[], host: string): string | undefined {
  return hosts.filter((one) => hostCovers(one, host)).sort(bySpecificity)[0];
}

/** Most specific first: names without a wildcard before names with one, longer before shorter. */
export function bySpecificity(a: string, b: string): number {
  const rank = (host: string): number => (host === anyHost ? 0 : host.startsWith("*.") ? 1 : 2);
  return rank(b) - rank(a) || b.length - a.length;
}
