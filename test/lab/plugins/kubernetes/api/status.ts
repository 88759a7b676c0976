import { at, listAt, textAt, type KubeObject } from "./objects";

/** The API server said no. The message is its own. */
export class StatusError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: KubeObject,
  ) {
    super(message);
  }

  get isNotFound(): boolean {
    return this.code === 404;
  }

  /** A resource whose namespace is not there (yet). */
  get isNamespaceNotFound(): boolean {
    return this.isNotFound && textAt(this.details, "kind") === "namespaces";
  }

  get isAlreadyExists(): boolean {
    return this.reason === "AlreadyExists";
  }

  /** Of server-side apply: another field manager owns what we want to change. */
  get isConflict(): boolean {
    return this.reason === "Conflict";
  }

  get isForbidden(): boolean {
    return this.reason === "Forbidden";
  }

  get isInvalid(): boolean {
    return this.reason === "Invalid";
  }

  /** The first field that the server requires and did not get. */
  get requiredField(): string | undefined {
    const cause = listAt(this.details, "causes").find(
      (one) => textAt(one, "reason") === "FieldValueRequired",
    );
    return cause === undefined ? undefined : textAt(cause, "field");
  }
}

/** What an answer that is no success means. */
export function statusError(code: number, body: string, what: string): StatusError {
  let status: KubeObject = {};
  try {
    status = JSON.parse(body) as KubeObject;
  } catch {
    // Not the API server's own words: a proxy's, or none.
  }
  const message = textAt(status, "message") || body.trim() || `the server answered ${what} with ${code}`;
  const details = at(status, "details");
  return new StatusError(code, textAt(status, "reason"), message, (details ?? {}) as KubeObject);
}

/** No such kind on this API server: usually a custom resource without its definition. */
export class NoMatchError extends Error {
  constructor(apiVersion: string, kind: string) {
    super(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }
}

/** Nobody answers at the API server's address, or not as an API server would. */
export class UnreachableError extends Error {}
