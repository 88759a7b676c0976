import type { HeaderChange, Redirect, RouteFilter } from "../objects/types";
import { pathPrefix, Unsupported } from "./matches";

const supported = ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect"];

/** The filters as fields of an Envoy route or of a cluster of its split. @throws Unsupported */
export function headerChanges(filters: readonly RouteFilter[] = []): Record<string, unknown> {
  let changes: Record<string, unknown> = {};
  for (const filter of filters) {
    if (!supported.includes(filter.type)) throw new Unsupported(`filter ${filter.type}`);
    changes = {
      ...changes,
      ...changesOf("request", filter.requestHeaderModifier),
      ...changesOf("response", filter.responseHeaderModifier),
    };
  }
  return changes;
}

function changesOf(side: "request" | "response", change: HeaderChange | undefined): Record<string, unknown> {
  if (change === undefined) return {};
  const option =
    (action: string) =>
    ({ name, value }: { name: string; value: string }) => ({
      // Envoy would read a bare percent sign as the beginning of a variable.
      header: { key: name, value: value.replaceAll("%", "%%") },
      append_action: action,
      keep_empty_value: true,
    });
  const toAdd = [
    ...(change.set ?? []).map(option("OVERWRITE_IF_EXISTS_OR_ADD")),
    ...(change.add ?? []).map(option("APPEND_IF_EXISTS_OR_ADD")),
  ];
  const toRemove = change.remove ?? [];
  return {
    ...(toAdd.length > 0 && { [`${side}_headers_to_add`]: toAdd }),
    ...(toRemove.length > 0 && { [`${side}_headers_to_remove`]: toRemove }),
  };
}

export function redirectOf(filters: readonly RouteFilter[] = []): Redirect | undefined {
  return filters.find(({ type }) => type === "RequestRedirect")?.requestRedirect;
}

const responseCodes: Readonly<Record<number, string>> = {
  301: "MOVED_PERMANENTLY",
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
};

/**
 * Envoy's redirect action. `listener` is where the request came in; `bound` tells at which port of this gateway a
 * desired one is really bound, so that a redirect in a lab leads somewhere. @throws Unsupported
 */
export function envoyRedirect(
  redirect: Redirect,
  listener: { scheme: "http" | "https"; port: number },
  bound: (port: number) => number,
  matchedPrefix: string | undefined,
): Record<string, unknown> {
  const code = responseCodes[redirect.statusCode ?? 302];
  if (code === undefined) throw new Unsupported(`redirect status ${redirect.statusCode ?? 302}`);
  const scheme = redirect.scheme ?? listener.scheme;
  if (scheme !== "http" && scheme !== "https") throw new Unsupported(`redirect scheme ${scheme}`);
  const wellKnown = scheme === "http" ? 80 : 443;
  // Without a port: the scheme's own one where a scheme is given, else the listener's.
  const port = redirect.port ?? bound(redirect.scheme === undefined ? listener.port : wellKnown);
  return {
    response_code: code,
    ...(redirect.scheme !== undefined && { scheme_redirect: scheme }),
    ...(redirect.hostname !== undefined && { host_redirect: redirect.hostname }),
    // Without it Envoy keeps the port of the Host header, which is right only where that has none.
    ...((port !== wellKnown || listener.port !== wellKnown) && { port_redirect: port }),
    ...redirectedPath(redirect, matchedPrefix),
  };
}

function redirectedPath({ path }: Redirect, matchedPrefix: string | undefined): Record<string, unknown> {
  switch (path?.type) {
    case undefined:
      return {};
    case "ReplaceFullPath":
      return { path_redirect: path.replaceFullPath ?? "/" };
    case "ReplacePrefixMatch": {
      const from = pathPrefix(matchedPrefix);
      const to = pathPrefix(path.replacePrefixMatch);
      if (from !== "" && to !== "") return { prefix_rewrite: to };
      // With one of them "/", a plain replacement would leave two slashes or none.
      const pattern = `^${from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}/*`;
      const substitution = `${to}/`.replaceAll("\\", "\\\\");
      return { regex_rewrite: { pattern: { regex: pattern }, substitution } };
    }
    default:
      throw new Unsupported(`redirect path ${path?.type ?? ""}`);
  }
}
