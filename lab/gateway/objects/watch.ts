import {
  makeInformer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
} from "@kubernetes/client-node";
import type { Api } from "./api";
import { podFacts, secretFacts } from "./facts";
import { grantsPath, paths } from "./resources";
import type { Snapshot } from "./snapshot";
import { keyOf, type Meta } from "./types";

const retryMs = 500;

interface Named {
  metadata: Meta;
}

/** One collection, kept as it is on the API server. */
class Collection<Kept> {
  private readonly items = new Map<string, { kept: Kept; print: string }>();

  constructor(
    private readonly keep: (object: Named) => Kept | undefined,
    private readonly changed: () => void,
  ) {}

  list(): Kept[] {
    return [...this.items.values()].map(({ kept }) => kept);
  }

  put(object: Named): void {
    const kept = this.keep(object);
    const key = keyOf(object);
    if (kept === undefined) {
      if (this.items.delete(key)) this.changed();
      return;
    }
    const print = JSON.stringify(kept);
    if (this.items.get(key)?.print === print) return;
    this.items.set(key, { kept, print });
    this.changed();
  }

  remove(object: Named): void {
    if (this.items.delete(keyOf(object))) this.changed();
  }
}

/** Watches everything that a translation depends on; says when something of it has changed. */
export class Watched {
  private readonly stops: (() => Promise<void>)[] = [];
  private readonly unsynced = new Set<string>();
  private snapshotOf: (() => Snapshot) | undefined;

  constructor(
    private readonly kubeconfig: KubeConfig,
    private readonly api: Api,
    private readonly controllerName: string,
    private readonly changed: () => void,
    private readonly tell: (line: string) => void,
  ) {}

  /** Whether every collection has been read once. */
  get isSynced(): boolean {
    return this.snapshotOf !== undefined && this.unsynced.size === 0;
  }

  snapshot(): Snapshot {
    if (this.snapshotOf === undefined) throw new Error("nothing is watched yet");
    return this.snapshotOf();
  }

  async start(): Promise<void> {
    const whole = (object: Named): Named => object;
    const collection = async <Kept>(path: string, keep: (object: never) => Kept | undefined) => {
      const items = new Collection<Kept>(keep as (object: Named) => Kept | undefined, this.changed);
      await this.follow(path, items);
      return () => items.list();
    };
    const [classes, gateways, routes, pools, grants, services, pods, secrets, namespaces] = await Promise.all(
      [
        collection(paths.classes, whole),
        collection(paths.gateways, whole),
        collection(paths.routes, whole),
        collection(paths.pools, whole),
        collection(await grantsPath(this.api), whole),
        collection(paths.services, whole),
        collection(paths.pods, podFacts),
        collection(paths.secrets, secretFacts),
        collection(paths.namespaces, whole),
      ],
    );
    this.snapshotOf = () => ({
      controllerName: this.controllerName,
      // The API server has checked these against their CRDs.
      classes: classes() as Snapshot["classes"][number][],
      gateways: gateways() as Snapshot["gateways"][number][],
      routes: routes() as Snapshot["routes"][number][],
      pools: pools() as Snapshot["pools"][number][],
      grants: grants() as Snapshot["grants"][number][],
      services: services() as Snapshot["services"][number][],
      pods: pods(),
      secrets: secrets(),
      namespaces: namespaces() as Snapshot["namespaces"][number][],
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.stops.map((stop) => stop()));
  }

  private async follow(path: string, items: Collection<unknown>): Promise<void> {
    this.unsynced.add(path);
    let stopped = false;
    const informer = makeInformer(this.kubeconfig, path, async () => {
      const list = (await this.api.get(path)) as KubernetesListObject<KubernetesObject>;
      // Even an empty collection is news the first time.
      if (this.unsynced.delete(path)) this.changed();
      return list;
    });
    informer.on("add", (object) => items.put(named(object)));
    informer.on("update", (object) => items.put(named(object)));
    informer.on("delete", (object) => items.remove(named(object)));
    informer.on("error", (error: unknown) => {
      if (stopped) return;
      this.tell(`watching ${path}: ${error instanceof Error ? error.message : String(error)}; trying again`);
      setTimeout(() => {
        if (!stopped) void informer.start();
      }, retryMs);
    });
    this.stops.push(() => {
      stopped = true;
      return informer.stop();
    });
    await informer.start();
  }
}

/** Objects that the API server serves have names. */
function named(object: KubernetesObject): Named {
  return object as unknown as Named;
}
