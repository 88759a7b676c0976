import { pathTakes } from "./route-matches";
import type { RouteMatch } from "./routes";

/*
 * What customers ask of an inference service, as far as it tells whether a match of another route takes their
 * requests. Paths: the engines' OpenAI-compatible servers, at the versions in components/engines.
 */

/** What a service is asked for first of all; the gate asks the same. */
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
