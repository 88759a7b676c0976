import { type Properties, type Value, isProperties } from "../protocol/values";

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

/** The value at a path of nested inputs. */
export function inside(inputs: Properties, ...path: readonly string[]): Value | undefined {
  let value: Value | undefined = inputs;
  for (const key of path) value = isProperties(value) ? value[key] : undefined;
  return value;
}

/** Version that the lab's clusters say they have: that of the API server behind them, in GKE's writing. */
export const masterVersion = "1.36.3-gke.1000";
