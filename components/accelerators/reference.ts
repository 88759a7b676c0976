import { provisionings, resourceName, taintValue, type Accelerator, type Machine } from "./accelerator";
import { accelerators } from "./accelerators";

/* docs/accelerators.md, made from the catalogue. */

/** The page that documents every accelerator. */
export function acceleratorReference(): string {
  return `# Accelerators

Every accelerator that a pool can name, and the machines it comes on. **Nothing on this page was tried on GKE by this
project**: each row says where its facts come from. Zones and quota are not in it: ask
\`gcloud compute accelerator-types list\` and your project's quota page.

This page is made from the catalogue that the program chooses machine types from (\`npm run docs\`).

## How a machine is chosen

A pool says \`accelerator\`, \`acceleratorsPerReplica\` and \`replicas\`. The program takes the first machine below that
carries one replica and can be bought as \`provisioning\` says (${provisionings.join(", ")}; default on-demand). Several
replicas share a machine of GPUs; a replica on TPUs has its slice for itself. \`machineType\` names another machine.
What does not exist is refused, with the nearest that does. The machine is part of the pool's identity, also where the
program chose it: a later version of this program does not exchange machines under customers.

## GPUs

${table(
  ["accelerator", "what", "machine", "GPUs", "bought by", "local SSDs", "remarks"],
  accelerators.filter(({ family }) => family === "gpu").flatMap(gpuRows),
)}

Taint and resource of GPU nodes: \`${resourceName({ family: "gpu" })}=${taintValue}:NoSchedule\`, \`${resourceName({ family: "gpu" })}\`. Driver: \`driver\`
(default, latest of the node's GKE version, or disabled). Local SSDs that come with a machine are the nodes' ephemeral
storage, where weights from Hugging Face are kept.

## TPUs

${table(
  [
    "accelerator",
    "what",
    "machine",
    "chips",
    "slice of one machine",
    "slices of several (machines)",
    "bought by",
  ],
  accelerators.filter(({ family }) => family === "tpu").flatMap(tpuRows),
)}

Taint and resource of TPU nodes: \`${resourceName({ family: "tpu" })}=${taintValue}:NoSchedule\`, \`${resourceName({ family: "tpu" })}\`. On a slice of several
machines a replica is a group of pods (LeaderWorkerSet) of which the leader answers; each slice is a node pool of its
own, in one zone. Flex-start is documented for slices of one machine only.

## Where the rows come from

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
    i === 0 ? remarks(accelerator).join(", ") : machine.share === undefined ? "" : "by name only",
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
      ? [`workload policy ${workloadPolicy.topology}, at most ${workloadPolicy.maxNodes} machines`]
      : [];
  return [
    ...(architecture === "arm64" ? ["arm64 images"] : []),
    ...(network === "rdma" ? ["accelerator network (RDMA) by GKE"] : []),
    ...(machines[0]?.bootDisk === undefined ? [] : [`boot disk ${machines[0].bootDisk}`]),
    ...policy,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
