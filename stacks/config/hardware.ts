import { acceleratorNamed, hardwareOf, type Hardware } from "../../components/accelerators/accelerators";
import { isMisfit, nodesFor, placementOf, type Placement } from "../../components/accelerators/placement";
import { listCommands } from "../messages/edits";
import { missing, removeCommand, setCommand, shown, type Mistake } from "../messages/mistakes";
import type { PoolInput } from "./schema";

/** The hardware of a pool, and the nodes that a replica is placed on. */
export interface ResolvedHardware {
  hardware: Hardware;
  placement: Placement;
}

/**
 * Settings of a pool over those of the one it is like. What only makes sense for the other pool's accelerator is not
 * taken over when this one has another.
 */
export function inherit(base: PoolInput, own: PoolInput): PoolInput {
  const other = own.accelerator !== undefined && base.accelerator !== undefined;
  if (!other || own.accelerator === base.accelerator) {
    // Bought in another way, the machines come from no reservation and have no fallback.
    const kept = own.provisioning === undefined ? base : without(base, ["reservation", "fallback"]);
    return { ...kept, ...own };
  }
  const families = [base.accelerator, own.accelerator].map((name) => acceleratorNamed(name ?? "").family);
  return {
    ...without(base, [
      "machineType",
      "reservation",
      "fallback",
      "provisioning",
      "acceleratorNetwork",
      "nodeLabels",
      ...(families[0] === families[1] ? [] : (["acceleratorsPerReplica", "driver", "imageCache"] as const)),
    ]),
    ...own,
  };
}

function without(input: PoolInput, keys: readonly (keyof PoolInput)[]): PoolInput {
  return Object.fromEntries(Object.entries(input).filter(([key]) => !keys.includes(key as keyof PoolInput)));
}

/** @returns undefined where the machines do not exist as asked for; what is wrong is in `mistakes`. */
export function resolveHardware(
  key: string,
  input: PoolInput & { accelerator: string },
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
          ? removeCommand(`${key}.${field}`)
          : setCommand(`${key}.${field}`, /^\d+$/.test(nearest) ? Number(nearest) : nearest),
    });
    return undefined;
  }
  const before = mistakes.length;
  mistakes.push(...rules.flatMap((rule) => rule(key, hardware, placement, input.replicas ?? 1)));
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
      found: `${reservation}, with provisioning ${provisioning}`,
      allowed: "no reservation unless provisioning says reservation",
      fix: setCommand(`${key}.provisioning`, "reservation"),
    },
  ];
};

const fallbackForSpot: Rule = (key, { provisioning, fallback }, { machine, hosts }) => {
  if (fallback === undefined) return [];
  const remove = removeCommand(`${key}.fallback`);
  const wrong = (found: string, allowed: string): Mistake[] => [
    { key: `${key}.fallback`, found: `${fallback}, ${found}`, allowed, fix: remove },
  ];
  if (provisioning !== "spot") {
    return wrong(`with provisioning ${provisioning}`, "a fallback only for spot machines");
  }
  if (!machine.provisioning.includes(fallback)) {
    return wrong(`for ${machine.type}`, `a machine that is sold on demand; ${machine.type} is not`);
  }
  return hosts > 1
    ? wrong("for slices of several machines", "a fallback only for replicas of one machine")
    : [];
};

/** Where machines have to stand together, and where a reservation is, is one zone. */
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
      ? setCommand(`${key}.zones[0]`, "us-central1-a")
      : listCommands(`${key}.zones`, [zones[0] ?? "us-central1-a"]);
  return [{ key: `${key}.zones`, found, allowed: `exactly one zone: ${reasons.join(", ")}`, fix }];
};

const gpuOnly: Rule = (key, { driver, nodeImage, imageCache }, { accelerator }) => {
  const mistakes: Mistake[] = [];
  const wrong = (field: string, found: string, allowed: string): void =>
    void mistakes.push({
      key: `${key}.${field}`,
      found,
      allowed,
      fix: removeCommand(`${key}.${field}`),
    });
  if (accelerator.family === "tpu") {
    if (driver !== "default") wrong("driver", driver, "nothing: TPU machines bring their own");
    if (nodeImage !== "cos") wrong("nodeImage", nodeImage, "cos: the image that TPU machines run");
  }
  if (imageCache !== undefined && nodeImage !== "cos") {
    wrong("imageCache", imageCache, "nothing: only cos reads container images from a disk");
  }
  return mistakes;
};

const network: Rule = (key, { acceleratorNetwork }, { accelerator }) =>
  acceleratorNetwork === "auto" && accelerator.network !== "rdma"
    ? [
        {
          key: `${key}.acceleratorNetwork`,
          found: "auto",
          allowed: `none: machines of ${accelerator.name} have no network of that kind`,
          fix: removeCommand(`${key}.acceleratorNetwork`),
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
      found: `${replicas}, so ${nodes} machines`,
      allowed: `at most ${most}: a rack has ${policy.maxNodes} machines of ${placement.accelerator.title}, and a pool is one rack`,
      fix: setCommand(`${key}.replicas`, most),
    },
  ];
};

const rules: readonly Rule[] = [reservationNamed, fallbackForSpot, oneZone, gpuOnly, network, rackIsFull];
