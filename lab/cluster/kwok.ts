import * as fs from "node:fs";
import * as path from "node:path";
import type { AddressRange } from "../processes/addresses";
import type { Supervisor } from "../processes/supervisor";
import { goModuleFolder } from "../tools/sources";

/** Starts KWOK for the nodes that carry {@link kwokNode}, with the lab's own stages. */
export async function startKwok(options: {
  folder: string;
  range: AddressRange;
  supervisor: Supervisor;
  program: string;
  kubeconfig: string;
}): Promise<void> {
  const module = await goModuleFolder("kwok", "sigs.k8s.io/kwok");
  const files = [
    path.join(__dirname, "stages.yaml"),
    path.join(module, "kustomize/stage/node/fast/node-initialize.yaml"),
    path.join(module, "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml"),
  ];
  const stages = path.join(options.folder, "kwok-stages.yaml");
  fs.writeFileSync(stages, files.map((file) => fs.readFileSync(file, "utf8")).join("\n---\n"));
  await options.supervisor.start({
    name: "kwok",
    command: options.program,
    args: [
      ...["--kubeconfig", options.kubeconfig, "--config", stages],
      ...["--cidr", options.range.podCidr, "--node-ip", options.range.control],
      ...["--manage-nodes-with-annotation-selector", `${kwokNode.key}=${kwokNode.value}`],
      // Without leases its pods turn unready after 40 s.
      ...["--node-lease-duration-seconds", "40"],
    ],
  });
}

/** Annotation of the nodes that KWOK looks after. */
export const kwokNode = { key: "kwok.x-k8s.io/node", value: "fake" } as const;
