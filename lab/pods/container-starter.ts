import type { FreePorts } from "../processes/addresses";
import { startDownload, startIdle, startScript } from "./local-programs";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Keeper } from "../processes/keeper";
import type { ClusterApi } from "../cluster/cluster-api";
import type { PodsConfig } from "./config";
import { ImageUnknown } from "./container-run";
import { echoSettings, startEcho } from "./echo";
import { resolveInvocation } from "./environment";
import { serverId, startModelServer } from "./model-server";
import { mountsOf, type VolumeFolder } from "./mounts";
import { startPicker } from "./picker";
import type { ContainerStart, RunningProgram } from "./program";
import { programFor, runs } from "./programs";
import type { References } from "./references";
import type { SimulatorClient } from "./simulator-client";
import { PodTokens } from "./tokens";
import { followConfigMaps, makeVolumes } from "./volumes";
import { identify, type Container, type Node, type Pod } from "./objects";

export interface StarterServices {
  config: PodsConfig;
  api: Pick<ClusterApi, "post">;
  references: References;
  simulator: SimulatorClient;
  keeper: Keeper;
  ports: FreePorts;
  node(name: string): Node | undefined;
}

/** Starts the containers of one pod, with the pod's volumes, references and ServiceAccount. */
export class ContainerStarter {
  private readonly tokens: PodTokens;
  private readonly folder: string;
  private volumes: Promise<ReadonlyMap<string, VolumeFolder>> | undefined;
  private unfollow: () => void = () => undefined;
  /** Ids of the simulated containers' latest servers, by container. */
  private readonly servers = new Map<string, string>();

  constructor(
    pod: Pod,
    private readonly services: StarterServices,
  ) {
    this.tokens = new PodTokens(services.api, pod);
    this.folder = path.join(services.config.folder, "pods", identify(pod).uid);
  }

  /** @throws ImageUnknown, ReferenceMissing or any Error */
  async start(pod: Pod, container: Container, attempt: number, pool: string): Promise<RunningProgram> {
    const { services } = this;
    const init = pod.spec?.initContainers?.some(({ name }) => name === container.name) ?? false;
    const program = programFor(container.image ?? "", init, container.command);
    if ("missing" in program) throw new ImageUnknown(program.missing);
    const volumes = await this.madeVolumes(pod);
    const invocation = await resolveInvocation(pod, container, services.references);
    const folder = path.join(this.folder, "containers", container.name);
    const log = this.log(pod, container.name);
    for (const one of [folder, path.dirname(log)]) fs.mkdirSync(one, { recursive: true, mode: 0o700 });
    const mounts = mountsOf(container, volumes);
    const start: ContainerStart = { pod, container, invocation, mounts, folder, log, attempt };
    switch (program.kind) {
      case "picker":
        return startPicker(start, { ...services.config, keeper: services.keeper, ports: services.ports });
      case "model-server":
        this.servers.set(container.name, serverId(start));
        return startModelServer(start, services.simulator, services.node(pod.spec?.nodeName ?? ""), pool);
      case "script":
        return startScript(start, services.config, services.keeper);
      case "echo":
        return startEcho(echoSettings(pod.status?.podIP ?? "", invocation.env));
      case "idle":
        return startIdle();
      case "download":
        return startDownload(start);
    }
  }

  poolChanged(pool: string): void {
    for (const id of this.servers.values()) void this.services.simulator.change(id, { pool });
  }

  log(pod: Pod, container: string): string {
    return logFile(this.services.config.folder, pod, container);
  }

  /** Stops renewing tokens and removes the pod's files; the logs stay. */
  close(): void {
    this.unfollow();
    this.tokens.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Made once for all containers; what failed is tried again by whoever asks next. */
  private madeVolumes(pod: Pod): Promise<ReadonlyMap<string, VolumeFolder>> {
    // Only these talk to the API server.
    const tokens = runs(pod.spec, "picker", "script") ? this.tokens : undefined;
    const sources = { references: this.services.references, tokens };
    const folder = path.join(this.folder, "volumes");
    this.volumes ??= makeVolumes(pod, folder, sources).then(
      (made) => {
        // A picker reads its files once, and a simulated server has none: only a script sees what changes.
        if (runs(pod.spec, "script")) this.unfollow = followConfigMaps(pod, made, sources);
        return made;
      },
      (error: unknown) => {
        this.volumes = undefined;
        throw error;
      },
    );
    return this.volumes;
  }
}

/** @param folder of all pods. */
export function logFile(folder: string, pod: Pod, container: string): string {
  const { namespace, name } = identify(pod);
  return path.join(folder, "logs", `${namespace}_${name}_${container}.log`);
}
