import { engines } from "../../components/engines/catalogue";

/** What is wrong with an answer. */
export interface Fault {
  /**
   * key: the server wants an API key, or another one. name: it does not know the model. endpoint: it does not serve
   * this API. status: any other HTTP status. broken: the status says 200, and it is no answer.
   */
  kind: "key" | "name" | "endpoint" | "status" | "broken";
  /** For people: the server's own words where it had any. */
  text: string;
}

type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The error that a JSON body holds, in the server's words; undefined: it holds none. The forms there are:
 * `{"error": {"message"}}` (OpenAI and servers like it), `{"error": "Unauthorized"}` (their API key check),
 * `{"object": "error", "message"}` (some servers and older versions), `{"detail"}` (FastAPI).
 */
export function errorIn(body: unknown): string | undefined {
  if (!isObject(body)) return undefined;
  const { error, object, message, detail } = body;
  // The Responses API has `error: null` in every answer that is none.
  if (error !== undefined && error !== null && error !== false) {
    if (typeof error === "string") return error;
    if (isObject(error) && typeof error["message"] === "string") return error["message"];
    return JSON.stringify(error);
  }
  if (object === "error" || body["type"] === "error")
    return typeof message === "string" ? message : "an error without a message";
  if (detail !== undefined && !("choices" in body))
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  return undefined;
}

/** The fault of an answer whose status is not 200. */
export function faultOfStatus(status: number, text: string): Fault {
  const words = errorIn(parsed(text)) ?? htmlTitle(text) ?? text;
  return { kind: kindOf(status, words), text: brief(words) };
}

/** What an error is about, by its status and its words. */
export function kindOf(status: number, words: string): Fault["kind"] {
  if (status === 401 || status === 403) return "key";
  if (engines.some(({ errors }) => errors.unknownModel.test(words))) return "name";
  if (status === 405 || status === 501 || noSuchPath.test(words)) return "endpoint";
  if (engines.some(({ errors }) => errors.otherApi.test(words))) return "endpoint";
  if (status === 404) return "endpoint";
  return status === 200 ? "broken" : "status";
}

/** FastAPI's own words. */
const noSuchPath = /^not found$|^method not allowed$/i;

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The title of an HTML page, or that it is one; undefined: it is none. */
export function htmlTitle(text: string): string | undefined {
  if (!/^\s*<(!doctype|html|head|body|\?xml)/i.test(text)) return undefined;
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1]?.trim();
  return `an HTML page${title === undefined || title === "" ? "" : ` (${title})`}`;
}

export const brief = (text: string): string => text.replace(/\s+/g, " ").trim().slice(0, 200);
