import type { Properties } from "../protocol/values";
import { hasMachine } from "./locations";
import {
  isRackMachine,
  machine,
  localSsdsOf,
  topologyChips,
  tpuTopologies,
  waysOf,
  type Way,
} from "./machines";
import { masterVersion, inside, textOf } from "./scope";

/*
 * What GKE refuses of how machines are bought and put together. Sources: GKE's pages on flex-start, reservations,
 * compact placement and TPU Ironwood; the conditions that cluster-toolkit checks before it asks GKE. The words of the
 * messages are the lab's own.
 */

const sevenDays = 7 * 24 * 3600;

const affinity = (inputs: Properties): string =>
  textOf(inside(inputs, "nodeConfig", "reservationAffinity", "consumeReservationType"));

const isFlexible = (inputs: Properties): boolean => inside(inputs, "nodeConfig", "flexStart") === true;

function wayOf(inputs: Properties): Way {
  if (inside(inputs, "nodeConfig", "spot") === true) return "spot";
  if (isFlexible(inputs)) return "flex-start";
  // Any reservation that fits is taken first, and without one the machine is bought on demand.
  return ["SPECIFIC_RESERVATION", "ANY_RESERVATION_THEN_FAIL"].includes(affinity(inputs))
    ? "reservation"
    : "on-demand";
}

/** Machines that the pool's slice is made of; 1 where it is no TPU or a single machine. */
function hostsOf({ topology, machineType }: PoolView): number {
  const single = tpuTopologies[machineType]?.single;
  const chips = topologyChips(topology);
  const each = single === undefined ? undefined : topologyChips(single);
  return chips === undefined || each === undefined ? 1 : chips / each;
}

const create = (refuse: Refusal["refuse"]): Refusal => ({ when: "create", refuse });

export const provisioningRefusals: readonly Refusal[] = [
  create(({ machineType, zones }) => {
    const accelerator = machine(machineType)?.accelerator;
    const lacking = zones.find((zone) => !hasMachine(zone, machineType));
    return accelerator === undefined || lacking === undefined
      ? undefined
      : `Accelerator type ${JSON.stringify(accelerator.type)} does not exist in zone ${lacking}.`;
  }),
  create(({ inputs, machineType }) => {
    const ways = waysOf(machineType);
    const way = wayOf(inputs);
    return ways === undefined || ways.includes(way)
      ? undefined
      : `Machine type ${machineType} cannot be provisioned as ${way}; it is available as ${ways.join(", ")}.`;
  }),
  create(({ inputs }) =>
    isFlexible(inputs) && inside(inputs, "nodeConfig", "spot") === true
      ? "Flex-start and Spot cannot be used together."
      : undefined,
  ),
  create(({ inputs }) => {
    if (!isFlexible(inputs)) return undefined;
    const number = (...path: string[]): number => {
      const value = inside(inputs, ...path);
      return typeof value === "number" ? value : 0;
    };
    if (inputs["autoscaling"] === undefined || inputs["nodeCount"] !== undefined)
      return "Flex-start requires autoscaling, and does not work with a fixed number of nodes.";
    if (number("autoscaling", "minNodeCount") + number("autoscaling", "totalMinNodeCount") > 0)
      return "Flex-start requires a minimum of 0 nodes.";
    if (number("initialNodeCount") > 0) return "Flex-start requires an initial node count of 0.";
    return undefined;
  }),
  create(({ inputs }) =>
    isFlexible(inputs) && inside(inputs, "management", "autoRepair") !== false
      ? "Flex-start requires node auto-repair to be disabled."
      : undefined,
  ),
  create(({ inputs }) =>
    (isFlexible(inputs) || wayOf(inputs) === "spot") && !["", "NO_RESERVATION"].includes(affinity(inputs))
      ? "Flex-start and Spot require reservation affinity NO_RESERVATION."
      : undefined,
  ),
  create((pool) =>
    isFlexible(pool.inputs) && hostsOf(pool) > 1
      ? "Flex-start supports single-host TPU slices only."
      : undefined,
  ),
  create(({ inputs }) => {
    const duration = textOf(inside(inputs, "nodeConfig", "maxRunDuration"));
    const seconds = /^(\d+)s$/.exec(duration)?.[1];
    if (duration === "") return undefined;
    if (seconds === undefined) return `Invalid max_run_duration ${JSON.stringify(duration)}.`;
    return Number(seconds) > sevenDays ? "max_run_duration must not exceed 604800s." : undefined;
  }),
  create(({ inputs }) => {
    if (affinity(inputs) !== "SPECIFIC_RESERVATION") return undefined;
    const key = textOf(inside(inputs, "nodeConfig", "reservationAffinity", "key"));
    const values = inside(inputs, "nodeConfig", "reservationAffinity", "values");
    const named = Array.isArray(values) && values.length === 1 && textOf(values[0]) !== "";
    return key === "compute.googleapis.com/reservation-name" && named
      ? undefined
      : "SPECIFIC_RESERVATION requires key compute.googleapis.com/reservation-name and the name of one reservation.";
  }),
  create(({ inputs, zones }) =>
    textOf(inside(inputs, "placementPolicy", "type")) === "COMPACT" && zones.length !== 1
      ? `Compact placement requires a node pool in a single zone, got ${zones.join(", ")}.`
      : undefined,
  ),
  create((pool) =>
    pool.machineType.startsWith("tpu7x-") && hostsOf(pool) > 1
      ? "Multi-host slices of tpu7x take a workload policy instead of a TPU topology."
      : undefined,
  ),
  create(({ inputs, machineType }) => {
    if (!isRackMachine(machineType)) return undefined;
    if (textOf(inside(inputs, "placementPolicy", "policyName")) === "")
      return `Machine type ${machineType} requires a workload policy.`;
    const disk = textOf(inside(inputs, "nodeConfig", "diskType"));
    return disk === "hyperdisk-balanced"
      ? undefined
      : `Machine type ${machineType} does not support disk type ${JSON.stringify(disk || "pd-balanced")}.`;
  }),
  create(({ inputs, machineType }) => {
    const asked = inside(inputs, "nodeConfig", "ephemeralStorageLocalSsdConfig", "localSsdCount");
    const own = localSsdsOf(machineType);
    return typeof asked !== "number" || own === undefined || asked === own
      ? undefined
      : `Machine type ${machineType} comes with ${own} local SSDs, got ${asked}.`;
  }),
  create(({ inputs }) => {
    const image = textOf(inside(inputs, "nodeConfig", "imageType")).toUpperCase();
    const known = ["", "COS_CONTAINERD", "UBUNTU_CONTAINERD"];
    if (!known.includes(image)) return `Image type ${JSON.stringify(image)} is not supported.`;
    const streaming = inside(inputs, "nodeConfig", "gcfsConfig", "enabled") === true;
    if (image === "UBUNTU_CONTAINERD" && streaming)
      return "Image streaming is only supported on COS_CONTAINERD.";
    return inside(inputs, "nodeConfig", "secondaryBootDisks") !== undefined && !streaming
      ? "Secondary boot disks for container images require image streaming."
      : undefined;
  }),
  create(({ inputs }) => {
    const desired = textOf(inputs["version"]);
    if (desired === "") return undefined;
    const [minor, master] = [minorOf(desired), minorOf(masterVersion)];
    if (minor === undefined || master === undefined) return `Version ${JSON.stringify(desired)} is invalid.`;
    if (minor > master)
      return `Node version ${desired} must not be newer than the control plane's ${masterVersion}.`;
    return master - minor > 2
      ? `Node version ${desired} is more than two minor versions older than the control plane's ${masterVersion}.`
      : undefined;
  }),
];

function minorOf(version: string): number | undefined {
  const minor = /^1\.(\d+)\.\d+-gke\.\d+$/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** A node pool as the rules below look at it. Values that are not known yet are absent. */
export interface PoolView {
  name: string;
  location: string;
  zones: readonly string[];
  inputs: Properties;
  machineType: string;
  gpus: readonly { type: string; count: number; driver: string }[];
  topology: string;
  /** Nodes in each zone; undefined where autoscaling decides. */
  nodeCount?: number;
}

/**
 * One thing that the cloud refuses. `check` rules are the provider's own and show in a preview already; `create`
 * rules are those of GKE's API, which a real preview does not know either. Add rules here.
 */
export interface Refusal {
  when: "check" | "create";
  /** The property to blame, for `check` rules. */
  property?: string;
  /** The message, or undefined where there is nothing to refuse. */
  refuse: (pool: PoolView) => string | undefined;
}
