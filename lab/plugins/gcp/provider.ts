import { compareInputs, isAutonamed, withAutoname } from "./inputs";
import type { EngineLog } from "../protocol/engine";
import { InitFailed } from "../protocol/errors";
import type { LabEnvironment } from "../protocol/guard";
import type * as rpc from "../protocol/provider";
import { mapValues, plainProperties, unknown, type Properties } from "../protocol/values";
import { ClusterApi } from "../../cluster/cluster-api";
import { Cloud, type CloudRecord } from "./cloud";
import { assertDeletable, clusterType, clusterZones, defaultPoolSize } from "./cluster";
import { functions } from "./functions";
import type { Kind } from "./kinds";
import { nodePoolType, poolView } from "./node-pool";
import { PoolOperations } from "./pool-operations";
import { nodePoolRefusals } from "./refusals";
import { resolveKind } from "./resolve-kind";
import { inside, oneError, regionFor, type Scope } from "./scope";

/** Stand-in for pulumi-resource-gcp: remembers what it is asked for, and turns node pools into the lab's nodes. */
export class GcpProvider implements rpc.Provider {
  readonly name = "gcp";
  private scope: Scope = {};
  private readonly cloud: Cloud;
  private readonly cancelled = new AbortController();
  private readonly api: ClusterApi;
  private readonly warned = new Set<string>();

  constructor(
    readonly version: string,
    private readonly lab: LabEnvironment,
    private readonly engine: EngineLog,
  ) {
    this.cloud = new Cloud(lab.folder);
    this.api = ClusterApi.ofFiles(lab);
  }

  checkConfig({ inputs }: rpc.CheckRequest): Promise<rpc.CheckResult> {
    return Promise.resolve({ inputs });
  }

  diffConfig({ oldInputs, inputs }: rpc.DiffRequest): Promise<rpc.DiffResult> {
    const detailedDiff = compareInputs(oldInputs, inputs, (path) => path === "project");
    return Promise.resolve(diffResult(detailedDiff, false));
  }

  async configure({ urn, variables }: rpc.ConfigureRequest): Promise<void> {
    const read = (name: string): string | undefined => {
      const value = variables.get(`gcp:config:${name}`);
      return value === "" ? undefined : value;
    };
    const scope = { project: read("project"), region: read("region"), zone: read("zone") };
    this.scope = Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== undefined));
    if (scope.project !== undefined || read("disableGlobalProjectWarning") === "true") return;
    await this.engine.log(
      "warning",
      urn,
      "unable to detect a global setting for GCP Project.\nPulumi will rely on per-resource settings for this operation.\n" +
        "Set the GCP Project by using:\n\t`pulumi config set gcp:project <project>`\n" +
        "If you would like to disable this warning use:\n\t`pulumi config set gcp:disableGlobalProjectWarning true`",
    );
  }

  async check(request: rpc.CheckRequest): Promise<rpc.CheckResult> {
    const { type, name, urn } = request;
    const kind = resolveKind(type, this.lab);
    if (kind.generic && !this.warned.has(type)) {
      this.warned.add(type);
      await this.engine.log(
        "warning",
        urn,
        `the lab has no stand-in for ${type}: the resource is recorded but does nothing`,
      );
    }
    const inputs = withAutoname(kind, request);
    const missing = (kind.required ?? []).filter((property) => inputs[property] === undefined);
    const failures: rpc.CheckFailure[] = missing.map((property) => ({
      property,
      reason: `Missing required argument. The argument ${JSON.stringify(property)} is required, but no definition was found.. Examine values at '${name}.${property}'.`,
    }));
    if (type === nodePoolType) failures.push(...this.checkPool(inputs, name));
    return { inputs, failures };
  }

  diff({ type, oldInputs, inputs }: rpc.DiffRequest): Promise<rpc.DiffResult> {
    const kind = resolveKind(type, this.lab);
    const detailed = compareInputs(oldInputs, inputs, kind.replaces);
    if (inputs["ignoreNodeCountChanges"] === true) detailed.delete("nodeCount");
    const sameName =
      kind.autoname !== undefined && oldInputs[kind.autoname.property] === inputs[kind.autoname.property];
    return Promise.resolve(diffResult(detailed, sameName && !isAutonamed(kind, inputs)));
  }

  async create(request: rpc.CreateRequest): Promise<rpc.CreateResult> {
    const { type, inputs: given, preview } = request;
    const kind = resolveKind(type, this.lab);
    const inputs = plainProperties(given);
    if (preview) return { id: "", properties: this.previewed(kind, inputs, given) };
    const id = kind.id(inputs, this.scope);
    if (type === nodePoolType) {
      const outputs = await this.pool(request, id, inputs).create();
      await this.engine.clear(request.urn);
      return { id, properties: withGiven(outputs, given) };
    }
    const exists = this.cloud.get(type, id) !== undefined;
    if (exists && type === clusterType)
      throw new Error(oneError(`googleapi: Error 409: Already exists: ${id}., alreadyExists`));
    const outputs = { ...kind.outputs(inputs, this.scope, id), ...withoutOwn(given) };
    this.cloud.put({ type, id, inputs: given, outputs });
    if (type === clusterType) await this.createDefaultPool(request, id, inputs);
    return { id, properties: outputs };
  }

  async read({ type, id, olds, oldInputs, ...request }: rpc.ReadRequest): Promise<rpc.ReadResult> {
    const found = this.cloud.get(type, id);
    if (found === undefined) return { id: "", properties: {}, inputs: {} };
    const record = type === nodePoolType ? await this.livePool({ ...request, type }, found) : found;
    const inputs =
      Object.keys(oldInputs).length === 0 ? withoutOwn(record.inputs) : merged(oldInputs, record.inputs);
    return { id, properties: withGiven({ ...olds, ...record.outputs }, oldInputs), inputs };
  }

  async update(request: rpc.UpdateRequest): Promise<Properties> {
    const { type, id, inputs: given, olds, preview } = request;
    const inputs = plainProperties(given);
    if (preview) return { ...olds, ...withoutOwn(given) };
    const old = this.cloud.get(type, id) ?? { type, id, inputs: request.oldInputs, outputs: olds };
    if (type === nodePoolType) {
      const changed = await this.pool(request, id, inputs).update(old);
      await this.engine.clear(request.urn);
      return withGiven(changed, given);
    }
    const outputs = { ...old.outputs, ...withoutOwn(given) };
    this.cloud.put({ type, id, inputs: given, outputs });
    return outputs;
  }

  async delete(request: rpc.DeleteRequest): Promise<void> {
    const { type, id, olds } = request;
    const record = this.cloud.get(type, id);
    if (type === clusterType) assertDeletable(olds);
    if (inside(olds, "deletionPolicy") === "PREVENT")
      throw new Error(oneError(`cannot destroy ${id} because deletion_policy is set to PREVENT`));
    if (record === undefined || inside(olds, "deletionPolicy") === "ABANDON") return;
    if (type === clusterType)
      for (const pool of this.cloud
        .list(nodePoolType)
        .filter(({ id: poolId }) => poolId.startsWith(`${id}/`)))
        await this.pool(request, pool.id, plainProperties(pool.inputs)).delete();
    if (type === nodePoolType) await this.pool(request, id, plainProperties(record.inputs)).delete();
    else this.cloud.remove(type, id);
    await this.engine.clear(request.urn);
  }

  invoke({ token, args }: rpc.InvokeRequest): Promise<rpc.InvokeResult> {
    const name = token.slice(token.lastIndexOf(":") + 1);
    const run = functions[name];
    if (run === undefined)
      return Promise.reject(new Error(`the lab's gcp provider has no function ${token}`));
    try {
      return Promise.resolve({ properties: run(plainProperties(args), this.scope, this.cloud, this.lab) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return Promise.reject(new Error(`invoking ${token}: ${reason}`, { cause: error }));
    }
  }

  cancel(): void {
    this.cancelled.abort();
  }

  /** What is known of a new resource in a preview: its inputs, and where it will be. */
  private previewed(kind: Kind, inputs: Properties, given: Properties): Properties {
    // The id may need what is not known yet; here it only says which outputs there are.
    const outputs = kind.outputs(inputs, { project: "", region: "", zone: "", ...this.scope }, "");
    const { project, region } = this.scope;
    const known: Properties = {
      ...("project" in outputs && project !== undefined ? { project } : {}),
      ...("region" in outputs && region !== undefined ? { region: regionFor(inputs, this.scope) } : {}),
    };
    return { ...mapValues(outputs, () => unknown), ...known, ...withoutOwn(given) };
  }

  private checkPool(inputs: Properties, name: string): rpc.CheckFailure[] {
    // These rules look at the pool alone: its cluster may not be known yet.
    const view = poolView(inputs, { id: "", project: "", location: "", name: "" }, []);
    return nodePoolRefusals.flatMap(({ when, property, refuse }) => {
      const reason = when === "check" ? refuse(view) : undefined;
      if (reason === undefined) return [];
      return [
        {
          ...(property === undefined ? {} : { property }),
          reason: `${reason}. Examine values at '${name}.${property ?? ""}'.`,
        },
      ];
    });
  }

  private pool(
    request: rpc.ResourceRequest & { timeout: number },
    id: string,
    inputs: Properties,
  ): PoolOperations {
    const context = {
      api: this.api,
      cloud: this.cloud,
      labFolder: this.lab.folder,
      scope: this.scope,
      cancel: this.cancelled.signal,
      timeout: request.timeout,
      status: (message: string) => this.engine.status(request.urn, message),
    };
    return new PoolOperations(context, id, inputs);
  }

  private livePool(
    request: rpc.ResourceRequest & { timeout: number },
    record: CloudRecord,
  ): Promise<CloudRecord> {
    return this.pool(request, record.id, plainProperties(record.inputs)).read(record);
  }

  /** A cluster that keeps its default pool has nodes from the start. */
  private async createDefaultPool(request: rpc.CreateRequest, id: string, inputs: Properties): Promise<void> {
    const nodeCount = defaultPoolSize(inputs);
    if (nodeCount === undefined) return;
    const pool = {
      name: "default-pool",
      cluster: id,
      nodeCount,
      nodeLocations: clusterZones(inputs, this.scope),
      ...(inputs["nodeConfig"] === undefined ? {} : { nodeConfig: inputs["nodeConfig"] }),
    };
    await this.pool(request, `${id}/nodePools/default-pool`, pool)
      .create()
      .catch((error: unknown) => {
        const outputs = this.cloud.get(clusterType, id)?.outputs ?? {};
        throw new InitFailed(error instanceof Error ? error.message : String(error), id, outputs);
      });
  }
}

function diffResult(detailedDiff: Map<string, rpc.PropertyDiff>, nameStays: boolean): rpc.DiffResult {
  const replaces = [...detailedDiff]
    .filter(([, { kind }]) => kind.endsWith("-replace"))
    .map(([path]) => path);
  const diffs = [...new Set([...detailedDiff.keys()].map((path) => path.split(/[.[]/)[0] ?? path))];
  const changes = detailedDiff.size > 0;
  return { changes, diffs, replaces, detailedDiff, deleteBeforeReplace: replaces.length > 0 && nameStays };
}

function withoutOwn(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !key.startsWith("__")));
}

/** Outputs with the program's own values, and their secrets, where the cloud only repeats them. */
function withGiven(outputs: Properties, given: Properties): Properties {
  const repeated = Object.entries(withoutOwn(given)).filter(
    ([key]) => key !== "nodeConfig" && key !== "nodeCount",
  );
  return { ...outputs, ...Object.fromEntries(repeated) };
}

/** The inputs of a refresh: those that the program gave, as the cloud has them now. */
function merged(old: Properties, now: Properties): Properties {
  return Object.fromEntries(Object.entries(old).map(([key, value]) => [key, now[key] ?? value]));
}
