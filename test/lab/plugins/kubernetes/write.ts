import type { Severity } from "../protocol/engine";
import { pause } from "./await/wait";
import type { Client } from "./api/client";
import { annotation, listAt, nameOf, withValue, textAt, type KubeObject } from "./api/objects";
import { NoMatchError, StatusError } from "./api/status";
import type { Configuration } from "./configuration";
import { isDefinition } from "./diff/normalize";
import { creationManager, hasClientSideManager, takeOverPatch, withIgnored } from "./managed-fields";

export interface WriteContext {
  client: Client;
  configuration: Configuration;
  fieldManager: string;
  preview: boolean;
  /** A `...Patch` resource: it owns some fields of an object, not the object. */
  isPatch: boolean;
  cancel: AbortSignal;
  status: (message: string) => Promise<void>;
  log: (message: string, severity: Severity) => Promise<void>;
}

const retries = 5;

/**
 * Creates an object. What is not there yet, its namespace or its definition, is waited for a little: 1, 2, 4, 8 and
 * 16 seconds. An object that exists is an error; the provider option upsertExistingObjects applies over it.
 */
export async function createObject(context: WriteContext, object: KubeObject): Promise<KubeObject> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await createOnce(context, object);
    } catch (error) {
      if (context.preview && error instanceof StatusError && error.isNamespaceNotFound) throw error;
      const mayCome = error instanceof NoMatchError || (error instanceof StatusError && error.isNotFound);
      if (!mayCome || attempt >= retries || context.cancel.aborted)
        throw explained(error, context.fieldManager);
      await context.status(`Retry #${attempt}; creation failed: ${error.message}`);
      await pause(1000 * 2 ** attempt, context.cancel);
    }
  }
}

async function createOnce(context: WriteContext, object: KubeObject): Promise<KubeObject> {
  const { client, configuration, preview } = context;
  const options = { dryRun: preview, strict: true };
  if (!configuration.serverSideApply || !(configuration.upsert || context.isPatch))
    return client.create(object, { ...options, fieldManager: creationManager });
  const force = forces(context, object, undefined);
  const apply = (one: KubeObject): Promise<KubeObject> =>
    client.apply(one, { ...options, strict: false, fieldManager: context.fieldManager, force });
  try {
    return await apply(object);
  } catch (error) {
    // A replacement of something immutable: only another name lets the server say what it would become.
    if (
      !preview ||
      !(error instanceof StatusError) ||
      !error.isInvalid ||
      !error.message.includes("field is immutable")
    )
      throw error;
    const name = `${nameOf(object)}-preview`;
    await context.log(
      `Preview creation failed due to immutable fields; retrying with name "${name}"`,
      "info",
    );
    return apply(withValue(object, ["metadata", "name"], name));
  }
}

/** Brings an existing object to the inputs: by server-side apply, definitions by replacing them. */
export async function updateObject(
  context: WriteContext,
  live: KubeObject,
  inputs: KubeObject,
  ignoreChanges: readonly string[],
): Promise<KubeObject> {
  const { client, configuration, fieldManager, preview } = context;
  const options = { fieldManager, dryRun: preview };
  if (isDefinition(inputs)) {
    const resourceVersion = textAt(live, "metadata", "resourceVersion");
    return client.replace(withValue(inputs, ["metadata", "resourceVersion"], resourceVersion), options);
  }
  if (!configuration.serverSideApply) {
    // The real provider sends a strategic three-way patch here; in the lab a merge patch of the inputs has to do.
    return client.patch(live, inputs as never, "merge", { ...options, fieldManager: creationManager });
  }
  const takeOver = preview || context.isPatch ? undefined : takeOverPatch(live, fieldManager);
  const owned = takeOver === undefined ? live : await client.patch(live, takeOver, "json");
  const wanted = withIgnored(inputs, owned, fieldManager, ignoreChanges);
  try {
    return await client.apply(wanted, { ...options, force: forces(context, inputs, owned) });
  } catch (error) {
    throw explained(error, fieldManager);
  }
}

/** Takes a field manager's hands off an object: applies nothing in its name. */
export async function relinquish(client: Client, object: KubeObject, fieldManager: string): Promise<void> {
  const { apiVersion, kind } = object;
  const { name, namespace } = object["metadata"] as KubeObject;
  const metadata = namespace === undefined ? { name: name ?? "" } : { name: name ?? "", namespace };
  await client.apply({ apiVersion: apiVersion ?? "", kind: kind ?? "", metadata }, { fieldManager });
}

function forces(context: WriteContext, inputs: KubeObject, live: KubeObject | undefined): boolean {
  if (annotation(inputs, "pulumi.com/patchForce") === "true" || context.configuration.patchForce) return true;
  // A preview must not report conflicts with ourselves that the update itself resolves first.
  if (context.preview && (live === undefined || hasClientSideManager(live))) return true;
  return live !== undefined && listAt(live, "metadata", "managedFields").length === 0;
}

const conflictHelp =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/" +
  "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources";

const existsHelp = `

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use \`pulumi import\`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create.`;

/** The server's error with the advice that the real provider gives. */
function explained(error: unknown, fieldManager: string): unknown {
  if (!(error instanceof StatusError)) return error;
  const { code, reason, details, message } = error;
  if (error.isAlreadyExists) return new StatusError(code, reason, message + existsHelp, details);
  if (!error.isConflict) return error;
  const text =
    `server-side apply field conflict detected, see ${conflictHelp} for troubleshooting help\n` +
    `The resource managed by field manager "${fieldManager}" had an apply conflict: ${message}`;
  return new StatusError(code, reason, text, details);
}
