import { isProperties } from "../protocol/values";
import { isRegion, isZone, regionOf } from "./locations";
import {
  defaultMachineType,
  gpuCounts,
  isGpuType,
  isSliceShape,
  machine,
  topologyChips,
  tpuTopologies,
} from "./machines";
import { type Refusal, provisioningRefusals } from "./provisioning-refusals";
import { inside, textOf } from "./scope";

const oneOf = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(" ");
const drivers = ["GPU_DRIVER_VERSION_UNSPECIFIED", "INSTALLATION_DISABLED", "DEFAULT", "LATEST"];
const reservations = [
  "UNSPECIFIED",
  "NO_RESERVATION",
  "ANY_RESERVATION",
  "ANY_RESERVATION_THEN_FAIL",
  "SPECIFIC_RESERVATION",
];
const effects = ["NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"];

export const nodePoolRefusals: readonly Refusal[] = [
  {
    when: "check",
    property: "nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig.gpuDriverVersion",
    refuse: ({ gpus }) => {
      const wrong = gpus.find(({ driver }) => driver !== "" && !drivers.includes(driver));
      return (
        wrong &&
        `expected node_config.0.guest_accelerator.0.gpu_driver_installation_config.0.gpu_driver_version to be one of [${oneOf(drivers)}], got ${wrong.driver}`
      );
    },
  },
  {
    when: "check",
    property: "nodeConfig.reservationAffinity.consumeReservationType",
    refuse: ({ inputs }) => {
      const type = textOf(inside(inputs, "nodeConfig", "reservationAffinity", "consumeReservationType"));
      if (type === "" || reservations.includes(type)) return undefined;
      return `expected node_config.0.reservation_affinity.0.consume_reservation_type to be one of [${oneOf(reservations)}], got ${type}`;
    },
  },
  {
    when: "check",
    property: "nodeConfig.taints",
    refuse: ({ inputs }) => {
      const taints = inside(inputs, "nodeConfig", "taints");
      const wrong = (Array.isArray(taints) ? taints : [])
        .map((taint) => textOf(isProperties(taint) ? taint["effect"] : undefined))
        .find((effect) => effect !== "" && !effects.includes(effect));
      return wrong && `expected node_config.0.taint.0.effect to be one of [${oneOf(effects)}], got ${wrong}`;
    },
  },
  {
    when: "check",
    property: "upgradeSettings.strategy",
    refuse: ({ inputs }) => {
      const strategy = textOf(inside(inputs, "upgradeSettings", "strategy"));
      const known = ["SURGE", "BLUE_GREEN", "SHORT_LIVED"];
      return strategy === "" || known.includes(strategy)
        ? undefined
        : `expected upgrade_settings.0.strategy to be one of [${oneOf(known)}], got ${strategy}`;
    },
  },
  {
    when: "create",
    refuse: ({ name }) =>
      /^[a-z]([-a-z0-9]{0,37}[a-z0-9])?$/.test(name)
        ? undefined
        : `Invalid value for field "node_pool.name": ${JSON.stringify(name)}. Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,37}[a-z0-9])?)'.`,
  },
  {
    when: "create",
    refuse: ({ location }) =>
      isRegion(location) || isZone(location)
        ? undefined
        : `Location ${JSON.stringify(location)} does not exist.`,
  },
  {
    when: "create",
    refuse: ({ location, zones }) => {
      const wrong = zones.find((zone) => !isZone(zone) || regionOf(zone) !== regionOf(location));
      return (
        wrong &&
        `Node pool location ${JSON.stringify(wrong)} is not a zone of region ${JSON.stringify(regionOf(location))}.`
      );
    },
  },
  {
    when: "create",
    refuse: ({ machineType }) =>
      machine(machineType) === undefined
        ? `Machine type with name ${JSON.stringify(machineType)} does not exist in zone.`
        : undefined,
  },
  {
    when: "create",
    refuse: ({ gpus, machineType }) =>
      gpus.length > 0 && machineType === defaultMachineType
        ? `Cannot use default machine type (${defaultMachineType}) with GPUs; choose a different machine type.`
        : undefined,
  },
  {
    when: "create",
    refuse: ({ gpus }) => {
      const wrong = gpus.find(({ type }) => !isGpuType(type));
      return wrong && `Accelerator type ${JSON.stringify(wrong.type)} does not exist.`;
    },
  },
  {
    when: "create",
    refuse: ({ gpus, machineType }) => {
      const wrong = gpus.find(({ type }) => isGpuType(type) && gpuCounts(machineType, type).length === 0);
      return (
        wrong &&
        `Accelerator type ${JSON.stringify(wrong.type)} is not available on machine type ${JSON.stringify(machineType)}.`
      );
    },
  },
  {
    when: "create",
    refuse: ({ gpus, machineType }) => {
      const wrong = gpus.find(({ type, count }) => {
        const counts = gpuCounts(machineType, type);
        return counts.length > 0 && !counts.includes(count);
      });
      if (wrong === undefined) return undefined;
      const counts = gpuCounts(machineType, wrong.type).join(", ");
      return `The number of GPU dies you requested (${wrong.count}) is not valid for machine type ${machineType} with ${wrong.type}: valid are ${counts}.`;
    },
  },
  {
    when: "create",
    refuse: ({ topology, machineType }) => {
      const shapes = tpuTopologies[machineType];
      if (topology === "") return undefined;
      if (shapes === undefined)
        return `TPU topology is only supported on TPU machine types, not on ${JSON.stringify(machineType)}.`;
      if (topology === shapes.single) return undefined;
      const chips = topologyChips(topology);
      const each = machine(machineType)?.accelerator?.count ?? 1;
      const fits = chips !== undefined && chips > each && chips % each === 0;
      if (shapes.multi && fits && isSliceShape(machineType, topology)) return undefined;
      return `TPU topology ${JSON.stringify(topology)} is not valid for machine type ${JSON.stringify(machineType)}.`;
    },
  },
  {
    when: "create",
    refuse: ({ topology, machineType, nodeCount, zones }) => {
      const chips = topologyChips(topology);
      const each = machine(machineType)?.accelerator?.count;
      if (chips === undefined || each === undefined || chips <= each || nodeCount === undefined)
        return undefined;
      const desired = chips / each;
      return nodeCount * zones.length === desired || nodeCount === 0
        ? undefined
        : `TPU topology ${JSON.stringify(topology)} on ${machineType} needs a node count of ${desired}, got ${nodeCount * zones.length}.`;
    },
  },
  {
    when: "create",
    refuse: ({ inputs }) => {
      const limits = inside(inputs, "autoscaling");
      if (!isProperties(limits)) return undefined;
      const number = (key: string): number | undefined =>
        typeof limits[key] === "number" ? limits[key] : undefined;
      const perZone = number("minNodeCount") !== undefined || number("maxNodeCount") !== undefined;
      const total = number("totalMinNodeCount") !== undefined || number("totalMaxNodeCount") !== undefined;
      if (perZone && total) return "Autoscaling: per-zone limits cannot be used with total limits.";
      const [min, max] = total
        ? [number("totalMinNodeCount"), number("totalMaxNodeCount")]
        : [number("minNodeCount"), number("maxNodeCount")];
      if (max === undefined || max === 0)
        return "Autoscaling: the maximum number of nodes must be at least 1.";
      return (min ?? 0) > max
        ? `Autoscaling: the minimum (${min ?? 0}) is greater than the maximum (${max}).`
        : undefined;
    },
  },
  {
    when: "create",
    refuse: ({ inputs }) =>
      inputs["autoscaling"] !== undefined && inputs["nodeCount"] !== undefined
        ? "node_count cannot be used together with autoscaling; take it out and use initial_node_count."
        : undefined,
  },
  ...provisioningRefusals,
];
