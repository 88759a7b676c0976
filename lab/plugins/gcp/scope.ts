import type { Properties, Value } from "../protocol/values";

/** Where resources are made that do not say so themselves. */
export interface Scope {
  project?: string;
  region?: string;
  zone?: string;
}

/** An error in the form in which the real provider shows errors of Google's API. */
export function apiError(what: string, code: number, message: string, reason: string): Error {
  return new Error(oneError(`${what}: googleapi: Error ${code}: ${message}, ${reason}`));
}

/** The real provider's frame around any error. */
export function oneError(message: string): string {
  return `1 error occurred:\n\t* ${message}\n\n`;
}

export function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

/** @throws Error where neither the resource nor the provider names a project. */
export function projectOf(inputs: Properties, scope: Scope): string {
  const project = textOf(inputs["project"]) || scope.project;
  if (project === undefined) throw new Error(oneError("project: required field is not set"));
  return project;
}

export function regionFor(inputs: Properties, scope: Scope): string {
  const region = textOf(inputs["region"]).replace(/.*\//, "") || scope.region;
  if (region === undefined)
    throw new Error(
      oneError("Cannot determine region: set in this resource, or set provider-level 'region' or 'zone'."),
    );
  return region;
}

export function locationOf(inputs: Properties, scope: Scope): string {
  const location = textOf(inputs["location"]) || (scope.region ?? scope.zone);
  if (location === undefined)
    throw new Error(
      oneError("Unable to determine location: region/zone not configured in resource/provider config"),
    );
  return location;
}

export const api = "https://www.googleapis.com/compute/v1";
