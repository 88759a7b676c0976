/*
 * The APIs by which clients ask a model server, and the smallest request of each. Facts: the OpenAI API reference;
 * the engines' OpenAI-compatible servers. The picker (extension v1.5.0, parsers/openai) knows an API by the end
 * of its path and takes everything else for completions, which need a `prompt`.
 */

export const endpointNames = [
  "completions",
  "chat",
  "responses",
  "embeddings",
  "score",
  "rerank",
] as const satisfies readonly string[];

/** What a client asks for. */
export type EndpointName = (typeof endpointNames)[number];

/** A request of one API: where it is sent, and its JSON. */
export interface ApiRequest {
  path: string;
  body: Readonly<Record<string, unknown>>;
}

export interface Question {
  model: string;
  prompt: string;
  /** Tokens to generate at most; APIs that generate none ignore it. */
  maxTokens: number;
  /** Whether the answer comes as server-sent events. Default: false. Only where {@link streams} says so. */
  stream?: boolean;
}

/** Whether an API answers with a stream of events on request. */
export function streams(endpoint: EndpointName): boolean {
  return endpoint === "completions" || endpoint === "chat" || endpoint === "responses";
}

export function requestFor(
  endpoint: EndpointName,
  { model, prompt, maxTokens, stream = false }: Question,
): ApiRequest {
  switch (endpoint) {
    case "completions":
      return { path: "/v1/completions", body: { model, prompt, max_tokens: maxTokens, stream } };
    case "chat":
      return {
        path: "/v1/chat/completions",
        body: { model, messages: [{ role: "user", content: prompt }], max_tokens: maxTokens, stream },
      };
    case "responses":
      // Not kept on the server: nobody asks for it again.
      return {
        path: "/v1/responses",
        body: { model, input: prompt, max_output_tokens: maxTokens, stream, store: false },
      };
    case "embeddings":
      return { path: "/v1/embeddings", body: { model, input: prompt } };
    case "score":
      // `prompt` is for the picker alone.
      return { path: "/v1/score", body: { model, text_1: prompt, text_2: prompt, prompt } };
    case "rerank":
      return { path: "/v1/rerank", body: { model, query: prompt, documents: [prompt], prompt } };
  }
}
