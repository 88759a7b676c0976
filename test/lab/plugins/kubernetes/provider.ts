import type { EngineLog } from "../protocol/engine";
import { InitFailed, messageOf } from "../protocol/errors";
import type { LabEnvironment } from "../protocol/guard";
import type * as rpc from "../protocol/provider";
import { hasUnknowns, type Properties, Unknown } from "../protocol/values";
import { NotReady } from "./await/errors";
import { assertReady, untilReady } from "./await/ready";
import { isBuiltinVersion } from "./api/builtin";
import type { Client } from "./api/client";
import {
  annotation,
  apiVersionOf,
  at,
  kindOf,
  nameOf,
  qualifiedName,
  quoted,
  splitName,
  withoutValue,
  withValue,
  type KubeObject,
} from "./api/objects";
import { NoMatchError, StatusError } from "./api/status";
import {
  fromCheckpoint,
  initialApiVersion,
  toCheckpoint,
  toObject,
  toProperties,
  withSecretsOf,
} from "./checkpoint";
import { diffConfig } from "./config-diff";
import { readConfiguration } from "./configuration";
import { diffResource } from "./diff/resource";
import { liveInputs } from "./diff/live-inputs";
import { normalize } from "./diff/normalize";
import { prune } from "./diff/prune";
import { initFailed, isUnpreviewable, noMatch, requiredField, undeletable, unreadable } from "./failures";
import { adoptName, assignName, fieldManager, isGenerateName } from "./naming";
import { removeObject } from "./remove";
import { Session } from "./session";
import { gvkOf, isPatchType } from "./types";
import { createObject, relinquish, updateObject } from "./write";

/** Stand-in for pulumi-resource-kubernetes: talks to the lab's API server and to no other. */
export class KubernetesProvider implements rpc.Provider {
  readonly name = "kubernetes";
  private configured: Session | undefined;

  constructor(
    readonly version: string,
    private readonly lab: LabEnvironment,
    private readonly engine: EngineLog,
  ) {}

  checkConfig({ inputs }: rpc.CheckRequest): Promise<rpc.CheckResult> {
    return Promise.resolve({ inputs });
  }

  diffConfig(request: rpc.DiffRequest): Promise<rpc.DiffResult> {
    return Promise.resolve(diffConfig(request));
  }

  configure({ variables }: rpc.ConfigureRequest): Promise<void> {
    this.configured = new Session(readConfiguration(variables), this.lab, this.engine);
    return Promise.resolve();
  }

  async check(request: rpc.CheckRequest): Promise<rpc.CheckResult> {
    const { urn, type, inputs: given, oldInputs } = request;
    if (type.endsWith("List") && kindOf(given) === type.slice(type.lastIndexOf(":") + 1))
      throw new Error("list resources cannot be created directly. Use the underlying resource type instead");
    const old = toObject(oldInputs);
    let inputs = normalize(toObject(given));
    const isPatch = isPatchType(type, kindOf(inputs));
    if (isPatch && !this.session.options.serverSideApply)
      throw new Error(
        "patch resources require Server-Side Apply mode, which is enabled using the `enableServerSideApply` Provider config",
      );
    if (isPatch && nameOf(inputs) === "" && !(at(inputs, "metadata", "name") instanceof Unknown))
      throw new Error("patch resources require the `.metadata.name` field to be set");
    inputs =
      Object.keys(old).length > 0
        ? adoptName(inputs, old)
        : assignName(inputs, request.name, request.randomSeed, request.autonaming);
    if (this.session.options.serverSideApply && isGenerateName(inputs))
      throw new Error("the `.metadata.generateName` field is not supported in Server-Side Apply mode");
    if (annotation(toObject(given), "pulumi.com/autonamed") !== "")
      await this.engine.log(
        "warning",
        urn,
        'ignoring user-specified value for internal annotation "pulumi.com/autonamed"',
      );
    if (at(inputs, "metadata", "namespace") === undefined && (await this.session.isNamespaced(type, inputs)))
      inputs = withValue(inputs, ["metadata", "namespace"], this.session.options.namespace);
    return { inputs: withSecretsOf(toProperties(inputs), given) };
  }

  async diff(request: rpc.DiffRequest): Promise<rpc.DiffResult> {
    const { live, inputs: sent } = fromCheckpoint(request.olds);
    return diffResource({
      live,
      sent: normalize(sent),
      inputs: normalize(toObject(request.inputs)),
      namespaced: await this.session.isNamespaced(request.type, request.inputs),
      isPatch: isPatchType(request.type, kindOf(request.inputs)),
      mutable: this.session.options.mutable,
      ignoreChanges: request.ignoreChanges,
    });
  }

  async create(request: rpc.CreateRequest): Promise<rpc.CreateResult> {
    const { urn, type, preview, inputs: given } = request;
    const inputs = toObject(given);
    const isPatch = isPatchType(type, kindOf(inputs));
    const asGiven = { id: "", properties: given };
    if (preview && (isPatch || hasUnknowns(inputs) || !this.session.options.serverSideApply)) return asGiven;
    if (preview && !(await this.session.isKnown(inputs))) return asGiven;
    const client = await this.session.reachable();
    const manager = fieldManager(inputs, given);
    let written: KubeObject;
    try {
      written = await createObject(this.session.writeContext(request, client, manager, isPatch), inputs);
    } catch (error) {
      if (preview && isUnpreviewable(error)) return asGiven;
      if (error instanceof NoMatchError) throw noMatch("creation", urn, type, error);
      throw new Error(
        `resource ${quoted(urn)} was not successfully created by the Kubernetes API server: ${messageOf(error)}`,
        { cause: error },
      );
    }
    await this.engine.clear(urn);
    const checkpoint = (live: KubeObject): Properties =>
      toCheckpoint({ live, inputs }, given, apiVersionOf(inputs), manager);
    // What a dry run says of the status is nothing that the program could use.
    if (preview) return { id: "", properties: checkpoint(withoutValue(written, ["status"])) };
    try {
      const live = await untilReady(this.session.waitContext(request, client, inputs), inputs, written);
      await this.engine.clear(urn);
      return { id: qualifiedName(live), properties: checkpoint(live) };
    } catch (error) {
      if (!(error instanceof NotReady)) throw error;
      const message =
        `resource ${quoted(urn)} was successfully created, but the Kubernetes API server ` +
        `reported that it failed to fully initialize or become live: ${error.message}`;
      throw initFailed(message, error, qualifiedName(error.object), checkpoint(error.object));
    }
  }

  async read(request: rpc.ReadRequest): Promise<rpc.ReadResult> {
    const gone = { id: "", properties: {}, inputs: {} };
    const { urn, type, id, olds, oldInputs } = request;
    const client = await this.session.reachable().catch(async (error: unknown) => {
      await this.engine.log("warning", urn, messageOf(error));
      return undefined;
    });
    if (client === undefined) {
      if (this.session.options.deleteUnreachable) return gone;
      if (this.session.options.skipUpdateUnreachable) return { id, properties: olds, inputs: oldInputs };
      throw new Error(unreadable);
    }
    const { namespace, name } = splitName(id);
    if (name === "")
      throw new Error(
        `failed to read resource because of a failure to parse resource name from request ID: ${id}`,
      );
    const { live: oldLive } = fromCheckpoint(olds);
    let inputs = normalize(toObject(oldInputs));
    const fromCluster = apiVersionOf(inputs) === "" && apiVersionOf(oldLive) === "";
    if (apiVersionOf(inputs) === "")
      inputs = identityOf(fromCluster ? gvkOf(type) : oldLive, namespace, name);
    let live: KubeObject;
    let notReady: NotReady | undefined;
    try {
      live = await client.get(inputs, name);
      if (!fromCluster) await assertReady(this.session.waitContext(request, client, inputs), inputs, live);
    } catch (error) {
      if (error instanceof NoMatchError || (error instanceof StatusError && error.isNotFound)) return gone;
      if (!(error instanceof NotReady)) throw error;
      notReady = error;
      live = error.object;
    }
    const kept = fromCluster ? importedInputs(live, inputs) : liveInputs(live, inputs);
    const properties = toCheckpoint(
      { live, inputs: kept },
      oldInputs,
      initialApiVersion(olds, inputs),
      fieldManager(inputs, olds),
    );
    const result = { id, properties, inputs: withSecretsOf(toProperties(kept), oldInputs) };
    if (notReady === undefined) return result;
    throw new InitFailed(
      notReady.message,
      id,
      properties,
      [notReady.message, ...notReady.reasons],
      result.inputs,
    );
  }

  async update(request: rpc.UpdateRequest): Promise<Properties> {
    const { urn, type, preview, inputs: given, olds } = request;
    const inputs = normalize(toObject(given));
    if (preview && (hasUnknowns(inputs) || !(await this.session.isKnown(inputs)))) return given;
    const client = await this.session.reachable();
    const { live: oldLive, inputs: oldInputs } = fromCheckpoint(olds);
    const manager = fieldManager(inputs, olds);
    const oldManager = fieldManager(oldInputs, olds);
    const isPatch = isPatchType(type, kindOf(inputs));
    const checkpoint = (live: KubeObject): Properties =>
      toCheckpoint({ live, inputs }, given, initialApiVersion(olds, oldInputs), manager);
    try {
      const before = await client.get(inputs, nameOf(oldLive));
      const context = this.session.writeContext(request, client, manager, isPatch);
      const written = await updateObject(context, before, inputs, request.ignoreChanges);
      if (preview) return checkpoint(written);
      const live = await untilReady(
        this.session.waitContext(request, client, inputs),
        inputs,
        written,
        before,
      );
      await this.engine.clear(urn);
      if (this.session.options.serverSideApply && oldManager !== manager)
        await relinquish(client, live, oldManager);
      return checkpoint(live);
    } catch (error) {
      if (preview && error instanceof StatusError && error.isForbidden) return given;
      if (error instanceof NoMatchError) throw noMatch("update", urn, type, error);
      const live = await client.get(oldLive).catch((failure: unknown) => {
        throw new Error(
          `update of resource ${quoted(urn)} failed: ${messageOf(error)}\nunable to get cluster state: ${messageOf(failure)}`,
        );
      });
      // As in the real provider, the state then holds the new inputs: the next update tries again.
      const name = qualifiedName(live);
      const message =
        `the Kubernetes API server reported that ${quoted(name)} failed to fully initialize ` +
        `or become live: ${messageOf(error)}`;
      throw initFailed(message, error, name, checkpoint(live));
    }
  }

  async delete(request: rpc.DeleteRequest): Promise<void> {
    const { urn, type, id, olds } = request;
    const { live, inputs } = fromCheckpoint(olds);
    let client: Client;
    try {
      client = await this.session.reachable();
    } catch (error) {
      await this.engine.log("warning", urn, messageOf(error));
      if (this.session.options.deleteUnreachable) return;
      throw new Error(undeletable, { cause: error });
    }
    try {
      if (isPatchType(type, kindOf(inputs))) await relinquish(client, live, fieldManager(inputs, olds));
      else
        await removeObject(
          this.session.waitContext(request, client, inputs),
          inputs,
          live,
          splitName(id).name,
        );
      await this.engine.clear(urn);
    } catch (error) {
      if (error instanceof NoMatchError || (error instanceof StatusError && error.isNotFound)) return;
      if (error instanceof StatusError && error.isInvalid && error.requiredField !== undefined)
        throw new Error(requiredField(error.requiredField), { cause: error });
      if (!(error instanceof NotReady)) throw error;
      const { object } = error;
      const kept = toCheckpoint(
        { live: object, inputs: live },
        olds,
        initialApiVersion(olds, inputs),
        fieldManager(inputs, olds),
      );
      throw initFailed(error.message, error, qualifiedName(object), kept);
    }
  }

  async invoke({ token, args }: rpc.InvokeRequest): Promise<rpc.InvokeResult> {
    if (token !== "kubernetes:yaml:decode")
      throw new Error(`the lab's kubernetes provider has no function ${token}`);
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- few programs ask for it
    const { decodeYaml } = require("./decode-yaml") as typeof import("./decode-yaml");
    return Promise.resolve({ properties: { result: decodeYaml(args) } });
  }

  cancel(): void {
    this.configured?.cancel();
  }

  private get session(): Session {
    if (this.configured === undefined) throw new Error("the kubernetes provider is not configured");
    return this.configured;
  }
}

function identityOf(
  from: KubeObject | { apiVersion: string; kind: string },
  namespace: string,
  name: string,
): KubeObject {
  const metadata = namespace === "" ? { name } : { name, namespace };
  return { apiVersion: apiVersionOf(from), kind: kindOf(from), metadata };
}

/**
 * Inputs of an object that was imported or got: all that a program could have said of a built-in kind. Of a custom
 * resource the real provider knows no schema, so only its identity is taken for input.
 */
function importedInputs(live: KubeObject, identity: KubeObject): KubeObject {
  if (!isBuiltinVersion(apiVersionOf(live))) return prune(live, identity);
  const annotations = [
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
  ];
  return annotations.reduce(
    (object, key) => withoutValue(object, ["metadata", "annotations", key]),
    normalize(withoutValue(live, ["status"])),
  );
}
