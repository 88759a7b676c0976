import type { Claims } from "./claims";
import type { Declared, Flag } from "./python-source";

/* Whether what the program says of a model server is what the server's own sources say. Pure. */

/** What people have decided for an engine; the checker tells when it no longer holds. */
export interface Known {
  /** Paths that customers may reach. What is neither here nor closed is a mistake. */
  open: readonly string[];
  /** Flags, errors and closed paths that only other versions have: pods of others run those too. */
  elsewhere: readonly string[];
  /** Paths that the server has, with a request of another shape than ours: a gate that asks them never opens. */
  otherShape: readonly string[];
}

/** @returns what is wrong, a line each; empty: every claim holds. */
export function mistakesIn(claims: Claims, declared: Declared, known: Known): string[] {
  return [
    ...claims.modules.flatMap((name) => moduleMistake(name, declared)),
    ...claims.flags
      .filter(({ flag }) => !known.elsewhere.includes(flag))
      .flatMap((claim) => flagMistake(claim, declared.flags)),
    ...servedNameMistakes(claims.servedName, declared.flags),
    ...claims.environment
      .filter((name) => !declared.environment.has(name))
      .map((name) => `environment variable ${name}: nothing reads it`),
    ...claims.asked.flatMap((claim) => askedMistakes(claim, declared, known)),
    ...healthMistakes(claims.health, declared),
    ...closedMistakes(claims, declared, known),
    ...claims.metrics
      .filter((name) => !isMetric(name, declared))
      .map((name) => `metric ${name}: the server has none of this name`),
    ...claims.errors
      .filter((pattern) => !Object.values(declared.sources).some((text) => isWorded(text, pattern)))
      .map((pattern) => `error ${String(pattern)}: no text in the sources is worded so`),
  ].map((text) => `${claims.of}: ${text}`);
}

function moduleMistake(name: string, { sources }: Declared): string[] {
  const text =
    sources[`${name.replaceAll(".", "/")}.py`] ?? sources[`${name.replaceAll(".", "/")}/__main__.py`];
  if (text === undefined) return [`module ${name}: there is none`];
  return text.includes("__main__") ? [] : [`module ${name}: it is no program`];
}

/** The flag of a word, by one of its names or, as argparse takes it, by a beginning that only it has. */
function flagNamed(name: string, flags: readonly Flag[]): Flag | undefined {
  const exact = flags.find(({ names }) => names.includes(name));
  if (exact !== undefined || !name.startsWith("--")) return exact;
  const longer = flags.filter(({ names }) => names.some((one) => one.startsWith(name)));
  const kinds = new Set(longer.map(({ names }) => names.join()));
  return kinds.size === 1 ? longer[0] : undefined;
}

function flagMistake({ flag, word }: Claims["flags"][number], flags: readonly Flag[]): string[] {
  const found = flagNamed(flag, flags);
  if (found === undefined) return [`flag ${flag}: the parser knows none of this name`];
  if (word === undefined || found.choices === undefined || found.choices.includes(word)) return [];
  return [`flag ${flag} ${word}: it takes one of ${found.choices.join(", ")}`];
}

function servedNameMistakes(
  { flag, shortest, takes }: Claims["servedName"],
  flags: readonly Flag[],
): string[] {
  const found = flagNamed(flag, flags);
  if (found === undefined) return [];
  const wrong: string[] = [];
  if (found.several !== (takes === "several"))
    wrong.push(`flag ${flag}: it takes ${found.several ? "several names" : "one name"}, not ${takes}`);
  if (flagNamed(shortest, flags) !== found)
    wrong.push(`flag ${flag}: ${shortest} is no abbreviation of it alone`);
  if (flagNamed(shortest.slice(0, -1), flags) === found)
    wrong.push(`flag ${flag}: ${shortest.slice(0, -1)} is an abbreviation too, shorter than ${shortest}`);
  return wrong;
}

function askedMistakes(
  { method, path, fields, by }: Claims["asked"][number],
  declared: Declared,
  { otherShape }: Known,
): string[] {
  const routes = declared.routes.filter((route) => route.path === path);
  const found = routes.find(({ methods }) => methods.includes(method));
  // Prometheus' handler is mounted, not decorated.
  const mounted = method === "GET" && isMounted(path, declared);
  if (found === undefined && !mounted) return [`${method} ${path} (${by}): no such endpoint`];
  if (found?.body === undefined) return [];
  const takes = declared.fieldsOf(found.body);
  if (takes.length === 0) return [];
  // A model's name in a request of a server that has one model is no matter.
  const missing = fields.filter((field) => field !== "model" && !takes.includes(field));
  if (otherShape.includes(path))
    return missing.length > 0 ? [] : [`${method} ${path} (${by}): it takes our request now`];
  return missing.map((field) => `${method} ${path} (${by}): ${found.body} has no field ${field}`);
}

function isMounted(path: string, { sources }: Declared): boolean {
  const mount = new RegExp(`Mount\\(\\s*["']${path}["']|\\.mount\\(\\s*["']${path}["']`);
  return Object.values(sources).some((text) => mount.test(text));
}

/** A handler that asks its model takes as long as it allows itself; whoever asks has to wait longer. */
function healthMistakes({ path, probes }: Claims["health"], declared: Declared): string[] {
  const route = declared.routes.find((one) => one.path === path && one.methods.includes("GET"));
  if (route === undefined) return [`GET ${path} (probes): no such endpoint`];
  const limit = ownLimit(route.handler, declared);
  if (limit === undefined && /\bsleep\(/.test(route.handler))
    return [`GET ${path} (probes): its handler sleeps, and says no limit`];
  return probes
    .filter(({ timeoutSeconds }) => timeoutSeconds < (limit ?? 0))
    .map(
      ({ name, timeoutSeconds }) =>
        `GET ${path}: ${name} waits ${timeoutSeconds} s, but the handler may take ${limit ?? 0} s`,
    );
}

/** Seconds of the constant that the handler names as its timeout. */
function ownLimit(handler: string, { sources }: Declared): number | undefined {
  const constant = /\b([A-Z_]*HEALTH[A-Z_]*TIMEOUT[A-Z_]*)\b/.exec(handler)?.[1];
  if (constant === undefined) return undefined;
  const value = new RegExp(`\\b${constant}\\s*=[^\\n]*?(\\d+)`);
  for (const text of Object.values(sources)) {
    const found = value.exec(text)?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
}

/** As the closed route's matches are: a path, and what is below it. */
const covers = (prefix: string, path: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

function closedMistakes({ closed }: Claims, declared: Declared, { open, elsewhere }: Known): string[] {
  const paths = [...new Set(declared.routes.map(({ path }) => path))];
  const isThere = (path: string): boolean =>
    paths.some((one) => covers(path, one)) || isMounted(path, declared);
  return [
    ...paths
      .filter((path) => !open.includes(path) && !closed.some((prefix) => covers(prefix, path)))
      .map((path) => `${path}: customers reach it, and nobody has decided that they may`),
    ...paths
      .filter((path) => open.includes(path) && closed.some((prefix) => covers(prefix, path)))
      .map((path) => `${path}: customers need it, and the route closes it`),
    ...closed
      .filter((path) => !isThere(path) && !elsewhere.includes(path))
      .map((path) => `${path} (closed): the server has no such endpoint`),
    ...elsewhere
      .filter((path) => path.startsWith("/") && (isThere(path) || !closed.includes(path)))
      .map((path) => `${path}: it is not one that is closed for other versions only`),
  ];
}

/** The client library adds _total to the names of counters. */
function isMetric(name: string, { metrics }: Declared): boolean {
  return metrics.has(name) || metrics.has(name.replace(/_total$/, ""));
}

/** A line, or two that Python joins, without the brackets of formatted strings. */
function isWorded(text: string, pattern: RegExp): boolean {
  const joined = text.replace(/["']\s*\n\s*f?["']/g, "").replace(/\{[^{}\n]*\}/g, "x");
  return joined.split("\n").some((line) => pattern.test(line));
}
