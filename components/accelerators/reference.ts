import { provisionings, resourceName, taintValue, type Accelerator, type Machine } from "./accelerator";
import { accelerators } from "./accelerators";

/* docs/accelerators.md, made from the catalogue. */

/** The page that documents every accelerator. */
export function acceleratorReference(): string {
  return `# Accelerators

Every accelerator that a pool can use, and its machine types. **This project has tested nothing on this page on GKE**: each row names the source of its facts. Zones and quota are not listed here: see
\`gcloud compute accelerator-types list\` and your project's quota page.

This page is generated from the catalogue from which the program chooses machine types (\`npm run docs\`).

## How the program chooses a machine type

A pool has \`accelerator\`, \`acceleratorsPerReplica\` and \`replicas\`. The program uses the first machine type below that
holds one replica and is available with the pool's \`provisioning\` (${provisionings.join(", ")}; default on-demand). Several
replicas share a GPU node; a replica on TPUs has a slice of its own. \`machineType\` selects another machine type. A
combination that does not exist is refused, and the message names the nearest one that does. The machine type is part of
the pool's identity, even if the program chose it: a later version never replaces the nodes of a pool that serves.

## GPUs

${table(
  ["accelerator", "name", "machine type", "GPUs", "provisioning", "local SSDs", "remarks"],
  accelerators.filter(({ family }) => family === "gpu").flatMap(gpuRows),
)}

Taint and resource of GPU nodes: \`${resourceName({ family: "gpu" })}=${taintValue}:NoSchedule\`, \`${resourceName({ family: "gpu" })}\`. Driver: \`driver\`
(default, latest of the node's GKE version, or disabled). Local SSDs that are part of a machine type are the nodes' ephemeral
storage, where weights from Hugging Face are kept.

## TPUs

${table(
  [
    "accelerator",
    "name",
    "machine type",
    "chips",
    "single-host slice",
    "multi-host slices (hosts)",
    "provisioning",
  ],
  accelerators.filter(({ family }) => family === "tpu").flatMap(tpuRows),
)}

Taint and resource of TPU nodes: \`${resourceName({ family: "tpu" })}=${taintValue}:NoSchedule\`, \`${resourceName({ family: "tpu" })}\`. On a multi-host
slice a replica is a group of pods (LeaderWorkerSet), and its leader answers; each slice is a node pool of its own, in
one zone. Google documents flex-start for single-host slices only.

## Sources

${accelerators.map(({ name, source, status }) => `- \`${name}\`: ${source} (${status})`).join("\n")}
`;
}

function gpuRows(accelerator: Accelerator): string[][] {
  return accelerator.machines.map((machine, i) => [
    i === 0 ? `\`${accelerator.name}\`` : "",
    i === 0 ? accelerator.title : "",
    `\`${machine.type}\``,
    machine.share ?? String(machine.count),
    bought(machine),
    String(machine.localSsds ?? 0),
    i === 0
      ? remarks(accelerator).join(", ")
      : machine.share === undefined
        ? ""
        : "only if machineType names it",
  ]);
}

function tpuRows(accelerator: Accelerator): string[][] {
  return accelerator.machines.map((machine, i) => {
    const [own, ...larger] = machine.slices;
    return [
      i === 0 ? `\`${accelerator.name}\`` : "",
      i === 0 ? accelerator.title : "",
      `\`${machine.type}\``,
      String(machine.count),
      own?.topology ?? "",
      larger.map(({ topology, hosts }) => `${topology} (${hosts})`).join(", "),
      bought(machine),
    ];
  });
}

const bought = ({ provisioning }: Machine): string =>
  provisioning.length === provisionings.length ? "any" : provisioning.join(", ");

function remarks({ architecture, network, workloadPolicy, machines }: Accelerator): string[] {
  const policy =
    workloadPolicy?.kind === "rack"
      ? [`workload policy ${workloadPolicy.topology}, at most ${workloadPolicy.maxNodes} nodes`]
      : [];
  return [
    ...(architecture === "arm64" ? ["arm64 images"] : []),
    ...(network === "rdma" ? ["accelerator network (RDMA) set up by GKE"] : []),
    ...(machines[0]?.bootDisk === undefined ? [] : [`boot disk ${machines[0].bootDisk}`]),
    ...policy,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
