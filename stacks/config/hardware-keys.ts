import type { z } from "zod";
import { provisionings } from "../../components/accelerators/accelerator";
import { acceleratorNames, hardwareOf, type Hardware } from "../../components/accelerators/accelerators";
import { isMisfit, nodesFor, placementOf, type Placement } from "../../components/accelerators/placement";
import { missing, shown, type Mistake } from "../messages/mistakes";
import { edits, remove, set, setList } from "../plan/config-edits";
import { integer, list, matching, oneOf, optional, text } from "./fields";

/* The nodes of a pool. */

const defaults = hardwareOf({ accelerator: "nvidia-l4" });

/** None has a default in the schema: what a pool does not say comes from the pool that it is like. */
export const hardwareFields = {
  accelerator: optional(oneOf(acceleratorNames as [string, ...string[]]), {
    description: "GKE's name of the accelerator. See docs/accelerators.md.",
    default: "none; required for a pool of this stack",
    example: "nvidia-l4",
    change: "new-pool",
  }),
  acceleratorsPerReplica: optional(integer(1, 256), {
    description: "GPUs or TPU chips of one replica.",
    default: "1 GPU; for TPUs, all chips of the smallest machine type",
    example: 1,
    change: "new-pool",
  }),
  machineType: optional(text("a Compute Engine machine type"), {
    description: "Machine type of the nodes.",
    default: "the smallest one with enough accelerators for a replica",
    example: "g2-standard-12",
    change: "new-pool",
  }),
  zones: optional(list(text("a zone"), "zones").min(1, "at least one zone"), {
    description: "Zones of the nodes. A pool keeps the zones that it was created in.",
    default:
      "the cluster's zones (or the region's) that have the machine type, found when the pool is created",
    example: ["us-central1-a"],
    change: "new-pool",
  }),
  provisioning: optional(oneOf(provisionings), {
    description:
      "How the nodes are provisioned. Spot nodes are preempted with 30 s notice; flex-start nodes end after at most seven days.",
    default: defaults.provisioning,
    example: "spot",
    change: "new-pool",
  }),
  reservation: optional(
    matching(
      /^(projects\/[a-z0-9-]+\/reservations\/)?[a-z]([-a-z0-9]*[a-z0-9])?(\/reservationBlocks\/[a-z0-9-]+(\/reservationSubBlocks\/[a-z0-9-]+)?)?$/,
      "a reservation, for example NAME or projects/PROJECT/reservations/NAME",
    ),
    {
      description: "With `provisioning: reservation`: the specific reservation that the nodes use.",
      default: "none; required with reservation",
      example: "projects/acme-ml/reservations/b200-block",
      change: "new-pool",
    },
  ),
  fallback: optional(oneOf(["on-demand"]), {
    description:
      "With `provisioning: spot`: a second, on-demand node pool that grows only when pods do not fit on spot nodes.",
    default: "none",
    example: "on-demand",
    change: "new-pool",
  }),
  driver: optional(oneOf(["default", "latest", "disabled"]), {
    description:
      "GPU driver that GKE installs: the default or latest one for the node version, or disabled (you install it).",
    default: defaults.driver,
    example: "latest",
    change: "new-pool",
  }),
  nodeVersion: optional(
    matching(/^\d+\.\d+\.\d+-gke\.\d+$/, "a GKE version, for example 1.34.1-gke.2037000"),
    {
      description: "GKE version of the nodes. To roll out a security fix, add a pool with a newer version.",
      default: "the cluster's",
      example: "1.34.1-gke.2037000",
      change: "new-pool",
    },
  ),
  nodeImage: optional(oneOf(["cos", "ubuntu"]), {
    description: "Node image: Container-Optimized OS or Ubuntu, each with containerd.",
    default: defaults.nodeImage,
    example: "cos",
    change: "new-pool",
  }),
  imageCache: optional(
    matching(
      /^(projects\/[a-z0-9-]+\/)?global\/images\/[a-z]([-a-z0-9]*[a-z0-9])?$/,
      "a disk image, for example global/images/NAME or projects/PROJECT/global/images/NAME",
    ),
    {
      description: "Disk image that holds container images: a secondary boot disk of every node.",
      default: "none",
      example: "global/images/model-server-cache",
      change: "new-pool",
    },
  ),
  diskGb: optional(integer(20, 65_536, "gigabytes"), {
    description: "Boot disk of each node. It holds weights from Hugging Face if the node has no local SSD.",
    default: "GKE's own (100)",
    example: 200,
    change: "new-pool",
  }),
  nodeLabels: optional(
    list(
      matching(
        /^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?=[A-Za-z0-9._-]*$/,
        "a label, for example tier=gpu",
      ),
      "labels, for example tier=gpu",
    ).min(1, "at least one label"),
    {
      description: "With `cluster.kubeconfig`: labels of the nodes that run the pool's model servers.",
      default: "GKE's own labels of the accelerator",
      example: ["tier=gpu"],
      change: "new-pool",
    },
  ),
  acceleratorNetwork: optional(oneOf(["auto", "none"]), {
    description: "`auto`: GKE sets up the nodes' accelerator network (RDMA; needs Dataplane V2).",
    default: "auto for nodes that have one, otherwise none",
    example: "none",
    change: "new-pool",
  }),
};

type HardwareInput = z.infer<z.ZodObject<typeof hardwareFields>>;

/** The hardware of a pool, and the nodes that a replica is placed on. */
export interface ResolvedHardware {
  hardware: Hardware;
  placement: Placement;
}

/** @returns undefined if no such nodes exist; what is wrong is in `mistakes`. */
export function resolveHardware(
  key: string,
  input: HardwareInput & { accelerator: string; replicas: number },
  mistakes: Mistake[],
): ResolvedHardware | undefined {
  const hardware = hardwareOf(input);
  const placement = placementOf(hardware);
  if (isMisfit(placement)) {
    const { field, reason, nearest } = placement;
    mistakes.push({
      key: `${key}.${field}`,
      found: shown(hardware[field]),
      allowed: reason,
      fix:
        nearest === undefined
          ? edits(remove(`${key}.${field}`))
          : edits(set(`${key}.${field}`, /^\d+$/.test(nearest) ? Number(nearest) : nearest)),
    });
    return undefined;
  }
  const before = mistakes.length;
  mistakes.push(...rules.flatMap((rule) => rule(key, hardware, placement, input.replicas)));
  return mistakes.length > before ? undefined : { hardware, placement };
}

type Rule = (key: string, hardware: Hardware, placement: Placement, replicas: number) => Mistake[];

const reservationNamed: Rule = (key, { provisioning, reservation }) => {
  if (provisioning === "reservation" && reservation === undefined) {
    return [missing(`${key}.reservation`, "the name of the reservation", "NAME")];
  }
  if (provisioning === "reservation" || reservation === undefined) return [];
  return [
    {
      key: `${key}.reservation`,
      found: `${reservation}, but provisioning is ${provisioning}`,
      allowed: "no reservation unless provisioning is reservation",
      fix: edits(set(`${key}.provisioning`, "reservation")),
    },
  ];
};

const fallbackForSpot: Rule = (key, { provisioning, fallback }, { machine, hosts }) => {
  if (fallback === undefined) return [];
  const wrong = (found: string, allowed: string): Mistake[] => [
    {
      key: `${key}.fallback`,
      found: `${fallback}, ${found}`,
      allowed,
      fix: edits(remove(`${key}.fallback`)),
    },
  ];
  if (provisioning !== "spot") {
    return wrong(`with provisioning ${provisioning}`, "a fallback only for spot nodes");
  }
  if (!machine.provisioning.includes(fallback)) {
    return wrong(
      `but ${machine.type} is not available on demand`,
      "a fallback only for machine types that are available on demand",
    );
  }
  return hosts > 1
    ? wrong("for slices of several nodes", "a fallback only for replicas that fit on one node")
    : [];
};

/** Nodes that must be close together, and nodes of a reservation, are in one zone. */
const oneZone: Rule = (key, { zones, provisioning }, { accelerator, hosts, topology }) => {
  const reasons = [
    ...(provisioning === "reservation" ? ["a reservation is in one zone"] : []),
    ...(hosts > 1 ? [`a ${topology ?? ""} slice is in one zone`] : []),
    ...(accelerator.workloadPolicy?.kind === "rack" ? [`a rack of ${accelerator.title} is in one zone`] : []),
  ];
  if (reasons.length === 0 || zones?.length === 1) return [];
  const found = zones === undefined ? "nothing" : zones.join(", ");
  const fix =
    zones === undefined
      ? edits(set(`${key}.zones[0]`, "us-central1-a"))
      : edits(...setList(`${key}.zones`, [zones[0] ?? "us-central1-a"]));
  return [{ key: `${key}.zones`, found, allowed: `exactly one zone: ${reasons.join(", ")}`, fix }];
};

const gpuOnly: Rule = (key, { driver, nodeImage, imageCache }, { accelerator }) => {
  const mistakes: Mistake[] = [];
  const wrong = (field: string, found: string, allowed: string): void =>
    void mistakes.push({
      key: `${key}.${field}`,
      found,
      allowed,
      fix: edits(remove(`${key}.${field}`)),
    });
  if (accelerator.family === "tpu") {
    if (driver !== "default") wrong("driver", driver, "nothing: TPU nodes have their own driver");
    if (nodeImage !== "cos") wrong("nodeImage", nodeImage, "cos: the only image for TPU nodes");
  }
  if (imageCache !== undefined && nodeImage !== "cos") {
    wrong("imageCache", imageCache, "nothing: only cos can read container images from a disk");
  }
  return mistakes;
};

const network: Rule = (key, { acceleratorNetwork }, { accelerator }) =>
  acceleratorNetwork === "auto" && accelerator.network !== "rdma"
    ? [
        {
          key: `${key}.acceleratorNetwork`,
          found: "auto",
          allowed: `none: nodes with ${accelerator.name} have no accelerator network`,
          fix: edits(remove(`${key}.acceleratorNetwork`)),
        },
      ]
    : [];

const rackIsFull: Rule = (key, _hardware, placement, replicas) => {
  const policy = placement.accelerator.workloadPolicy;
  const nodes = nodesFor(replicas, placement);
  if (policy?.kind !== "rack" || nodes <= policy.maxNodes) return [];
  const most = policy.maxNodes * placement.replicasPerNode;
  return [
    {
      key: `${key}.replicas`,
      found: `${replicas}, which needs ${nodes} nodes`,
      allowed: `at most ${most}: a pool is one rack, and a rack has ${policy.maxNodes} nodes with ${placement.accelerator.title}`,
      fix: edits(set(`${key}.replicas`, most)),
    },
  ];
};

const rules: readonly Rule[] = [reservationNamed, fallbackForSpot, oneZone, gpuOnly, network, rackIsFull];
