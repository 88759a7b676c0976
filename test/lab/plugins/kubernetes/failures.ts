import { InitFailed } from "../protocol/errors";
import type { Properties } from "../protocol/values";
import { quoted } from "./api/objects";
import { StatusError, type NoMatchError } from "./api/status";
import { NotReady } from "./await/errors";
import { gvkOf } from "./types";

/** The real provider's words for what can go wrong. */

export function initFailed(message: string, error: unknown, id: string, properties: Properties): InitFailed {
  const reasons = error instanceof NotReady ? error.reasons : [];
  return new InitFailed(message, id, properties, [message, ...reasons]);
}

/** Errors of a dry run that say nothing about the update itself. */
export function isUnpreviewable(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return (
    error.isForbidden ||
    error.isNamespaceNotFound ||
    error.isAlreadyExists ||
    (error.code === 400 && error.message.includes("does not support dry run"))
  );
}

export function noMatch(what: "creation" | "update", urn: string, type: string, error: NoMatchError): Error {
  const { apiVersion, kind } = gvkOf(type);
  const which = what === "creation" ? ` with kind ${apiVersion}/${kind}` : "";
  return new Error(
    `${what} of resource ${quoted(urn)}${which} failed because the Kubernetes API server reported that the ` +
      `apiVersion for this resource does not exist. Verify that any required CRDs have been created: ${error.message}`,
    { cause: error },
  );
}

const removeIt =
  "you can remove this resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE " +
  'environment variable set to "true"';

export const unreadable = `failed to read resource state due to unreachable cluster. If the cluster was deleted, ${removeIt}`;
export const undeletable = `configured Kubernetes cluster is unreachable. If the cluster was deleted, ${removeIt}`;

export function requiredField(field: string): string {
  return (
    "this Patch resource is currently managing a required field, so it can't be deleted directly. Either set the " +
    `\`retainOnDelete\` resource option, or transfer ownership of the field before deleting: ${field}`
  );
}
