import { brief, errorIn, faultOfStatus, isObject, parsed, type Fault } from "./fault";
import { broken, noJson } from "./judge";

/** An entry of `/v1/models`. */
export interface ListedModel {
  name: string;
  /** The base model of an adapter, as model servers list one; absent: it is a base model, or the server does not say. */
  parent?: string;
}

/** Reads the answer to `GET /v1/models`. @returns the models, or why it is no list of models. */
export function modelsIn(status: number, text: string): readonly ListedModel[] | Fault {
  if (status !== 200) return faultOfStatus(status, text);
  const body = parsed(text);
  if (body === undefined) return broken(noJson(text));
  const error = errorIn(body);
  if (error !== undefined) return broken(brief(`an error: ${error}`));
  const data = isObject(body) ? body["data"] : undefined;
  if (!Array.isArray(data)) return broken("no list of models");
  return (data as unknown[]).flatMap((entry): ListedModel[] => {
    if (!isObject(entry) || typeof entry["id"] !== "string") return [];
    const { id, parent } = entry as { id: string; parent?: unknown };
    return [{ name: id, ...(typeof parent === "string" ? { parent } : {}) }];
  });
}

export const isFault = (value: readonly ListedModel[] | Fault): value is Fault => !Array.isArray(value);
