import type { RouteMatch, StringMatch } from "../objects/types";

/** Something a route asks for that this gateway does not do; the route is not accepted then. */
export class Unsupported extends Error {}

/** Envoy's RouteMatch for one match of a rule. @throws Unsupported */
export function envoyMatch(match: RouteMatch): Record<string, unknown> {
  const headers = firstOfEach(match.headers ?? []).map((header) => ({
    name: /^host$/i.test(header.name) ? ":authority" : header.name.toLowerCase(),
    string_match: stringMatch(header, "headers"),
  }));
  if (match.method !== undefined) headers.push({ name: ":method", string_match: { exact: match.method } });
  const parameters = firstOfEach(match.queryParams ?? [], (name) => name).map((parameter) => ({
    name: parameter.name,
    string_match: stringMatch(parameter, "queryParams"),
  }));
  return {
    ...pathMatch(match.path),
    ...(headers.length > 0 && { headers }),
    ...(parameters.length > 0 && { query_parameters: parameters }),
  };
}

/** A prefix as Gateway API means it: whole path elements, and a slash at its end does not count. */
export function pathPrefix(value: string | undefined): string {
  return (value ?? "/").replace(/\/+$/, "");
}

function pathMatch(path: RouteMatch["path"]): Record<string, unknown> {
  const value = path?.value ?? "/";
  switch (path?.type ?? "PathPrefix") {
    case "Exact":
      return { path: value };
    case "PathPrefix": {
      const prefix = pathPrefix(value);
      return prefix === "" ? { prefix: "/" } : { path_separated_prefix: prefix };
    }
    case "RegularExpression":
      return { safe_regex: { regex: value } };
    default:
      throw new Unsupported(`path.type ${path?.type ?? ""}`);
  }
}

function stringMatch(
  match: StringMatch,
  where: string,
): { exact: string } | { safe_regex: { regex: string } } {
  switch (match.type ?? "Exact") {
    case "Exact":
      return { exact: match.value };
    case "RegularExpression":
      return { safe_regex: { regex: match.value } };
    default:
      throw new Unsupported(`${where}.type ${match.type ?? ""}`);
  }
}

/** Of several entries with one name only the first counts (Gateway API); header names ignore case. */
function firstOfEach(
  entries: readonly StringMatch[],
  normal: (name: string) => string = (name) => name.toLowerCase(),
): StringMatch[] {
  const seen = new Set<string>();
  return entries.filter(({ name }) => {
    const fresh = !seen.has(normal(name));
    seen.add(normal(name));
    return fresh;
  });
}
