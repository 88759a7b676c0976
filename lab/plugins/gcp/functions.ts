import * as fs from "node:fs";
import type { LabEnvironment } from "../protocol/guard";
import { Secret, type Properties } from "../protocol/values";
import type { Cloud } from "./cloud";
import { asDataSource, clusterId, clusterType } from "./cluster";
import { hasMachine, isZone, regionOf, zonesOf } from "./locations";
import { machine } from "./machines";
import { numericId } from "./kinds";
import { masterVersion, oneError, projectOf, regionFor, textOf, type Scope } from "./scope";

type LabFunction = (args: Properties, scope: Scope, cloud: Cloud, lab: LabEnvironment) => Properties;

/** Functions by the last part of their token. */
export const functions: Readonly<Record<string, LabFunction>> = {
  getCluster: (args, scope, cloud) => {
    const id = clusterId(args, scope);
    const found = cloud.get(clusterType, id);
    if (found === undefined) throw new Error(oneError(`${id} not found`));
    return { ...asDataSource(found.outputs), id };
  },
  getClientConfig: (_args, scope, _cloud, lab) => ({
    id: `projects/${scope.project ?? ""}/regions/${scope.region ?? ""}/zones/${scope.zone ?? ""}`,
    project: scope.project ?? "",
    region: scope.region ?? "",
    zone: scope.zone ?? "",
    defaultLabels: {},
    // The lab's API server takes it for a token of an administrator, as GKE's does with a user's.
    accessToken: new Secret(fs.readFileSync(lab.tokenFile, "utf8").trim()),
  }),
  getProject: (args, scope) => {
    const projectId = textOf(args["projectId"]) || projectOf({}, scope);
    return {
      id: `projects/${projectId}`,
      projectId,
      name: projectId,
      number: numericId(projectId).slice(0, 12),
      labels: {},
    };
  },
  getEngineVersions: (args, scope) => ({
    id: new Date().toISOString(),
    project: projectOf(args, scope),
    location: textOf(args["location"]) || (scope.region ?? scope.zone ?? ""),
    validMasterVersions: [masterVersion],
    validNodeVersions: [masterVersion],
    latestMasterVersion: masterVersion,
    latestNodeVersion: masterVersion,
    defaultClusterVersion: masterVersion,
    releaseChannelDefaultVersion: { RAPID: masterVersion, REGULAR: masterVersion, STABLE: masterVersion },
    releaseChannelLatestVersion: { RAPID: masterVersion, REGULAR: masterVersion, STABLE: masterVersion },
  }),
  getZones: (args, scope) => {
    const region = regionFor(args, scope);
    const names = zonesOf(isZone(region) ? regionOf(region) : region);
    if (names.length === 0) throw new Error(oneError(`Unknown region ${JSON.stringify(region)}`));
    return {
      id: `projects/${projectOf(args, scope)}/regions/${region}`,
      project: projectOf(args, scope),
      region,
      names,
    };
  },
  getMachineTypes: (args, scope) => {
    const zone = textOf(args["zone"]) || (scope.zone ?? "");
    if (!isZone(zone)) throw new Error(oneError(`Unknown zone ${JSON.stringify(zone)}`));
    // Of the API's filters only this one.
    const name = /^name = "?([a-z0-9-]+)"?$/.exec(textOf(args["filter"]))?.[1];
    if (name === undefined) throw new Error("the lab answers getMachineTypes for a filter by name only");
    const found = machine(name);
    const accelerator = found?.accelerator;
    const has = found !== undefined && (accelerator === undefined || hasMachine(zone, name));
    const project = projectOf(args, scope);
    return {
      id: `projects/${project}/zones/${zone}/machineTypes`,
      ...{ project, zone, filter: textOf(args["filter"]) },
      machineTypes: has
        ? [
            {
              ...{ name, guestCpus: found.cpus, memoryMb: found.memoryGb * 1024 },
              accelerators:
                accelerator?.kind === "gpu"
                  ? [{ guestAcceleratorType: accelerator.type, guestAcceleratorCount: accelerator.count }]
                  : [],
            },
          ]
        : [],
    };
  },
};
