import type { Mount } from "../simulator/protocol";
import type { Invocation } from "./environment";
import type { Container, Pod } from "./objects";

/** How a container's program ended. */
export interface Exit {
  /** 128 + n where signal n ended it, as a shell and the kubelet count. */
  code: number;
  message: string;
}

/** A container that runs. */
export interface RunningProgram {
  /** Process id, for what is a process of its own. */
  readonly pid: number | undefined;
  /** Where the pod's ports really are, by port of the pod; empty where they are no other. */
  readonly ports: Readonly<Record<number, number>>;
  /** Resolves when it has ended and nothing listens for it any more. */
  readonly ended: Promise<Exit>;
  /** SIGTERM. */
  terminate(): void;
  /** SIGKILL. */
  kill(): void;
}

/** What a program is started with. */
export interface ContainerStart {
  pod: Pod;
  container: Container;
  invocation: Invocation;
  mounts: readonly Mount[];
  /** A folder for this container alone. */
  folder: string;
  log: string;
  /** Counts the starts of this container. */
  attempt: number;
}
