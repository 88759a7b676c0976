/** Stands for every hostname: a listener or route that names none. */
export const anyHost = "*";

/**
 * Whether every name that `narrow` stands for is also one of `wide`. `*.a.b` stands for names with one or more
 * labels before `.a.b`, and not for `a.b` itself, in Gateway API as in Envoy.
 */
export function covers(wide: string, narrow: string): boolean {
  if (wide === anyHost || wide === narrow) return true;
  if (!wide.startsWith("*.")) return false;
  const tail = wide.slice(1);
  return narrow.endsWith(tail) && narrow.length > tail.length && narrow !== wide;
}

/** The names that both stand for; undefined where there are none. */
function intersection(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** The hostnames that a route has on a listener. */
export function effectiveHostnames(
  listener: string | undefined,
  route: readonly string[] | undefined,
): string[] {
  const listening = (listener ?? anyHost).toLowerCase();
  if (route === undefined || route.length === 0) return [listening];
  const both = route.map((one) => intersection(listening, one.toLowerCase()));
  return [...new Set(both.filter((one) => one !== undefined))];
}

/**
 * Orders hostnames, the most specific first: by the characters of one without a wildcard, then by the characters
 * of any (Gateway API, HTTPRoute spec.hostnames).
 */
export function moreSpecific(a: string, b: string): number {
  const exact = (host: string): number => (host.startsWith("*") ? 0 : host.length);
  const characters = (host: string): number => (host === anyHost ? 0 : host.length);
  return exact(b) - exact(a) || characters(b) - characters(a);
}

/** The most specific of the hostnames that stand for all of `domain`; undefined where none does. */
export function bestCover(hostnames: readonly string[], domain: string): string | undefined {
  return hostnames.filter((one) => covers(one, domain)).sort(moreSpecific)[0];
}
