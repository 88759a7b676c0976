import type { KnownRoute, RouteMatch, ValueMatch } from "./routes";

/*
 * Gateway API's precedence between the matches of routes: exact path, longest prefix, method, most headers, most query
 * parameters, then the older route, then namespace/name. Where a regular expression stands among paths is left to the
 * implementation, so a route with one is taken to win.
 */

/** The match that a rule without any has. */
export const everything: RouteMatch = {
  path: { type: "PathPrefix", value: "/" },
  headers: [],
  queryParams: [],
};

/** Whether a match takes every request. */
export const isEverything = ({ path, method, headers, queryParams }: RouteMatch): boolean =>
  path.type === "PathPrefix" &&
  prefixOf(path.value) === "" &&
  method === undefined &&
  headers.length + queryParams.length === 0;

/** A prefix as Gateway API means it: whole path elements, whatever slash it ends with. */
const prefixOf = (value: string): string => value.replace(/\/+$/, "");

/** Whether a path is one that a match takes. A regular expression that cannot be read takes every path. */
export function pathTakes({ path: { type, value } }: RouteMatch, path: string): boolean {
  switch (type) {
    case "Exact":
      return path === value;
    case "PathPrefix":
      return path === prefixOf(value) || path.startsWith(`${prefixOf(value)}/`);
    case "RegularExpression":
      try {
        return new RegExp(`^(?:${value})$`).test(path);
      } catch {
        return true;
      }
  }
}

/** Whether some request could fit both. In doubt it could. */
export function canBothFit(a: RouteMatch, b: RouteMatch): boolean {
  return (
    pathsMeet(a, b) &&
    (a.method === undefined || b.method === undefined || a.method === b.method) &&
    valuesMeet(a.headers, b.headers, (name) => name.toLowerCase()) &&
    valuesMeet(a.queryParams, b.queryParams, (name) => name)
  );
}

function pathsMeet(a: RouteMatch, b: RouteMatch): boolean {
  if (a.path.type === "Exact") return pathTakes(b, a.path.value);
  if (b.path.type === "Exact") return pathTakes(a, b.path.value);
  if (a.path.type === "RegularExpression" || b.path.type === "RegularExpression") return true;
  const [one, other] = [`${prefixOf(a.path.value)}/`, `${prefixOf(b.path.value)}/`];
  return one.startsWith(other) || other.startsWith(one);
}

/** Two exact values of one name exclude each other; of several entries with one name the first counts. */
function valuesMeet(
  a: readonly ValueMatch[],
  b: readonly ValueMatch[],
  normal: (name: string) => string,
): boolean {
  return a.every((one) => {
    const other = b.find(({ name }) => normal(name) === normal(one.name));
    return other === undefined || one.regex || other.regex || one.value === other.value;
  });
}

/** A match of a route, for comparison with one of another route. */
export interface Placed {
  route: Pick<KnownRoute, "namespace" | "name" | "created">;
  match: RouteMatch;
}

/** Whether `a` takes the requests that fit both `a` and `b`, for one and the same hostname. */
export function takesBefore(a: Placed, b: Placed): boolean {
  const [one, other] = [a.match, b.match];
  if (one.path.type === "RegularExpression" || other.path.type === "RegularExpression") {
    // Two expressions alike leave it to the rest; of anything else nobody knows, and both may win.
    if (one.path.type !== other.path.type || one.path.value !== other.path.value) return true;
  }
  const order =
    Number(other.path.type === "Exact") - Number(one.path.type === "Exact") ||
    prefixOf(other.path.value).length - prefixOf(one.path.value).length ||
    Number(other.method !== undefined) - Number(one.method !== undefined) ||
    other.headers.length - one.headers.length ||
    other.queryParams.length - one.queryParams.length ||
    ageOf(a.route) - ageOf(b.route);
  if (order !== 0) return order < 0;
  return `${a.route.namespace}/${a.route.name}` < `${b.route.namespace}/${b.route.name}`;
}

/** A route that is still to be made is the youngest. */
const ageOf = ({ created }: Placed["route"]): number =>
  created === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(created);

/*
 * What customers ask of an inference service, as far as it tells whether a match of another route takes their
 * requests. Paths: the engines' OpenAI-compatible servers, at the versions in components/engines.
 */

/** The paths of ordinary requests; the gate uses the same. */
const completions = ["/v1/completions", "/v1/chat/completions"];

/** What some models answer besides. */
const further = [
  ...["/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/score", "/v1/rerank", "/v2/rerank"],
  ...["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/realtime"],
  ...["/pooling", "/classify", "/score", "/rerank", "/generate", "/generate_stream", "/invocations"],
  ...["/tokenize", "/detokenize", "/inference/v1/generate"],
];

/** Headers that any client may send with every request: a match that asks for one can take all of them. */
const universal: ReadonlySet<string> = new Set([
  ...["host", ":authority", "accept", "accept-encoding", "accept-language", "authorization", "connection"],
  ...["content-length", "content-type", "user-agent", "x-forwarded-for", "x-forwarded-proto", "via"],
]);

/** Where a gateway puts the model name of the body (body-based routing of the inference extension). */
const modelHeaders: ReadonlySet<string> = new Set(["x-gateway-model-name", "x-gateway-base-model-name"]);

/**
 * How much of the customers' requests a match takes: completions, other requests of an inference API, or none that is
 * known. `narrow`: only requests with a header or parameter that customers do not send by themselves.
 */
export interface Reach {
  requests: "completions" | "further" | "unknown";
  narrow: boolean;
}

/**
 * @param names model names that customers ask for; none: not known.
 * @param isOurs whether the requests go to a pool of the service, so that a model name in the match is one of its own.
 * @param asked the path that the gate asks, for models that answer no completions; it counts as one.
 */
export function reachOf(
  match: RouteMatch,
  names: readonly string[],
  isOurs: boolean,
  asked: readonly string[] = [],
): Reach {
  const posts = match.method === undefined || match.method === "POST";
  const takes = (paths: readonly string[]): boolean => posts && paths.some((path) => pathTakes(match, path));
  const narrow =
    match.headers.some(
      ({ name, value, regex }) =>
        !regex &&
        !universal.has(name.toLowerCase()) &&
        !(modelHeaders.has(name.toLowerCase()) && (isOurs || names.length === 0 || names.includes(value))),
    ) || match.queryParams.some(({ regex }) => !regex);
  return {
    requests: takes([...completions, ...asked]) ? "completions" : takes(further) ? "further" : "unknown",
    narrow,
  };
}

/**
 * Whether every request of an inference API that fits both `a` and `b` also fits one of `better`, whatever headers and
 * parameters it has beside theirs. Of paths that no engine serves nobody asks.
 */
export function leavesNothing(a: RouteMatch, b: RouteMatch, better: readonly RouteMatch[]): boolean {
  const contested = [...completions, ...further].filter((path) => pathTakes(a, path) && pathTakes(b, path));
  const covers = (one: RouteMatch, path: string): boolean =>
    pathTakes(one, path) &&
    (one.method === undefined || one.method === b.method) &&
    isPartOf(one.headers, b.headers) &&
    isPartOf(one.queryParams, b.queryParams);
  return contested.length > 0 && contested.every((path) => better.some((one) => covers(one, path)));
}

const isPartOf = (part: readonly ValueMatch[], whole: readonly ValueMatch[]): boolean =>
  part.every((one) => whole.some((other) => JSON.stringify(other) === JSON.stringify(one)));
