/** What the pods part and the simulator say to each other: JSON over HTTP on the simulator's control address. */

/** A folder of the container: where it is mounted, and what stands for it on this machine. */
export interface Mount {
  path: string;
  folder: string;
  /**
   * Whether the folder holds everything that the real volume would. False for volumes the lab cannot look into
   * (CSI, PVC, what an init container downloads): a path below such a mount may exist without being on disk.
   */
  complete: boolean;
}

/** POST /servers */
export interface StartServer {
  /** Unique among all servers, and safe in a URL path. */
  id: string;
  image: string;
  command: readonly string[];
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  podIP: string;
  pod: string;
  namespace: string;
  node: string;
  /** The InferencePool whose selector matches the pod; several are joined with commas; "" for none. */
  pool: string;
  /** GKE's name of the accelerator (node label), "" for none. */
  accelerator: string;
  /** How many of them the container asks for. */
  accelerators: number;
  mounts: readonly Mount[];
  /** File for the container's log. */
  log: string;
}

/** PATCH /servers/ID */
export interface ChangeServer {
  pool: string;
}

/** POST /servers/ID/fault: what LAB_FAULT takes, from now on; "none" takes all faults away. */
export interface InjectFault {
  fault: string;
}

/** POST /registry: from now on, what servers load from registries is all but these. */
export interface ChangeRegistry {
  lost: readonly string[];
}

/** loading: not listening yet. terminating: takes no new requests and finishes those it has. */
export type ServerState = "loading" | "serving" | "terminating" | "ended";

/** GET /servers */
export interface ServerView {
  id: string;
  namespace: string;
  pod: string;
  address: string;
  state: ServerState;
  model: string;
  adapters: string[];
  running: number;
  waiting: number;
}

/** A line of GET /events. The first line, "hello", says that nothing will be missed from here on. */
export type ServerEvent = { event: "hello" } | { event: "ended"; id: string; code: number; message: string };
