import type { Properties } from "../protocol/values";
import { api, locationOf, projectOf, regionFor, textOf, type Scope } from "./scope";

export interface Autoname {
  property: string;
  max: number;
}

/** A kind of resource: what it needs, what its id is, and what Google would add to what the program says. */
export interface Kind {
  required?: readonly string[];
  /** The input that gets the resource's name and seven digits where the program gives none, and its limit. */
  autoname?: Autoname;
  /** Inputs whose change means another resource. */
  forceNew: readonly string[];
  id(inputs: Properties, scope: Scope): string;
  /** Outputs beside the inputs; in a preview they are unknown, but for project, region and location. */
  outputs(inputs: Properties, scope: Scope, id: string): Properties;
}

const named = (max = 63): Autoname => ({ property: "name", max });
const selfLink = (id: string): Properties => ({ selfLink: `${api}/${id}` });
const now = (): string => new Date().toISOString();
/** A number that looks like Google's ids and is the same for the same text. */
export function numericId(text: string): string {
  let value = 0n;
  for (const char of text) value = (value * 131n + BigInt(char.charCodeAt(0))) % 1_000_000_000_000_000_000n;
  return value.toString().padStart(19, "1");
}

function global(collection: string, extra: (inputs: Properties) => Properties = () => ({})): Kind {
  return {
    autoname: named(),
    forceNew: ["name", "project"],
    id: (inputs, scope) =>
      `projects/${projectOf(inputs, scope)}/global/${collection}/${textOf(inputs["name"])}`,
    outputs: (inputs, scope, id) => ({
      project: projectOf(inputs, scope),
      creationTimestamp: now(),
      ...selfLink(id),
      ...extra(inputs),
    }),
  };
}

function regional(
  collection: string,
  forceNew: readonly string[],
  extra: (id: string, inputs: Properties) => Properties = () => ({}),
): Kind {
  return {
    autoname: named(),
    forceNew: ["name", "project", "region", ...forceNew],
    id: (inputs, scope) =>
      `projects/${projectOf(inputs, scope)}/regions/${regionFor(inputs, scope)}/${collection}/${textOf(inputs["name"])}`,
    outputs: (inputs, scope, id) => ({
      project: projectOf(inputs, scope),
      region: regionFor(inputs, scope),
      creationTimestamp: now(),
      ...selfLink(id),
      ...extra(id, inputs),
    }),
  };
}

/** An address that the lab gives out; from a range that is for documentation only. */
const address = (id: string): string => `192.0.2.${1 + (Number(numericId(id).slice(-6)) % 250)}`;

/** Kinds that the lab only has to remember. Clusters and node pools, which do something, have files of their own. */
export const kinds: Readonly<Record<string, Kind>> = {
  "gcp:compute/network:Network": global("networks", ({ name }) => ({
    networkId: numericId(textOf(name)),
    numericId: numericId(textOf(name)),
    gatewayIpv4: "",
    deleteDefaultRoutesOnCreate: false,
    routingMode: "REGIONAL",
    mtu: 1460,
  })),
  "gcp:compute/subnetwork:Subnetwork": regional("subnetworks", ["network", "purpose"], (id) => ({
    fingerprint: "",
    gatewayAddress: "10.0.0.1",
    purpose: "PRIVATE",
    stackType: "IPV4_ONLY",
    subnetworkId: Number(numericId(id).slice(0, 9)),
    privateIpv6GoogleAccess: "DISABLE_GOOGLE_ACCESS",
  })),
  "gcp:compute/router:Router": regional("routers", ["network"]),
  "gcp:compute/routerNat:RouterNat": {
    required: ["router"],
    autoname: named(),
    forceNew: ["name", "project", "region", "router", "type"],
    id: (inputs, scope) =>
      [
        projectOf(inputs, scope),
        regionFor(inputs, scope),
        textOf(inputs["router"]),
        textOf(inputs["name"]),
      ].join("/"),
    outputs: (inputs, scope) => ({ project: projectOf(inputs, scope), region: regionFor(inputs, scope) }),
  },
  "gcp:compute/address:Address": regional(
    "addresses",
    ["address", "addressType", "purpose", "subnetwork", "network"],
    (id) => ({
      address: address(id),
      users: [],
      labelFingerprint: "",
    }),
  ),
  "gcp:compute/globalAddress:GlobalAddress": global("addresses", ({ name }) => ({
    address: address(textOf(name)),
  })),
  "gcp:compute/firewall:Firewall": {
    ...global("firewalls"),
    forceNew: ["name", "project", "network", "direction"],
  },
  "gcp:compute/resourcePolicy:ResourcePolicy": regional("resourcePolicies", [
    ...["workloadPolicy", "groupPlacementPolicy", "snapshotSchedulePolicy", "instanceSchedulePolicy"],
  ]),
  "gcp:serviceaccount/account:Account": {
    required: ["accountId"],
    forceNew: ["accountId", "project"],
    id: (inputs, scope) => {
      const project = projectOf(inputs, scope);
      return `projects/${project}/serviceAccounts/${textOf(inputs["accountId"])}@${project}.iam.gserviceaccount.com`;
    },
    outputs: (inputs, scope, id) => {
      const email = id.slice(id.lastIndexOf("/") + 1);
      return {
        project: projectOf(inputs, scope),
        email,
        member: `serviceAccount:${email}`,
        name: id,
        uniqueId: numericId(email),
      };
    },
  },
  "gcp:projects/iAMMember:IAMMember": {
    required: ["member", "project", "role"],
    forceNew: ["member", "project", "role", "condition"],
    id: ({ project, role, member }) => [project, role, member].map(textOf).join("/"),
    outputs: () => ({ etag: "BwY=" }),
  },
  "gcp:serviceaccount/iAMMember:IAMMember": {
    required: ["member", "role", "serviceAccountId"],
    forceNew: ["member", "role", "serviceAccountId", "condition"],
    id: ({ serviceAccountId, role, member }) => [serviceAccountId, role, member].map(textOf).join("/"),
    outputs: () => ({ etag: "BwY=" }),
  },
  "gcp:projects/service:Service": {
    required: ["service"],
    forceNew: ["project", "service"],
    id: (inputs, scope) => `${projectOf(inputs, scope)}/${textOf(inputs["service"])}`,
    outputs: (inputs, scope) => ({ project: projectOf(inputs, scope) }),
  },
  "gcp:projects/serviceIdentity:ServiceIdentity": {
    required: ["service"],
    forceNew: ["project", "service"],
    id: (inputs, scope) => `projects/${projectOf(inputs, scope)}/services/${textOf(inputs["service"])}`,
    outputs: (inputs, scope) => ({ project: projectOf(inputs, scope), email: "", member: "" }),
  },
  "gcp:artifactregistry/repository:Repository": {
    required: ["format", "location", "repositoryId"],
    forceNew: [
      ...["repositoryId", "location", "project", "format", "mode", "kmsKeyName"],
      "remoteRepositoryConfig",
    ],
    id: (inputs, scope) =>
      `projects/${projectOf(inputs, scope)}/locations/${textOf(inputs["location"])}/repositories/${textOf(inputs["repositoryId"])}`,
    outputs: (inputs, scope) => ({
      project: projectOf(inputs, scope),
      name: textOf(inputs["repositoryId"]),
      registryUri: `${textOf(inputs["location"])}-docker.pkg.dev/${projectOf(inputs, scope)}/${textOf(inputs["repositoryId"])}`,
    }),
  },
  "gcp:storage/bucket:Bucket": {
    required: ["location"],
    autoname: named(),
    forceNew: ["name", "location", "project"],
    id: ({ name }) => textOf(name),
    outputs: (inputs, scope, id) => ({
      project: projectOf(inputs, scope),
      url: `gs://${id}`,
      selfLink: `https://www.googleapis.com/storage/v1/b/${id}`,
      projectNumber: 1,
    }),
  },
  "gcp:storage/bucketIAMMember:BucketIAMMember": {
    required: ["bucket", "member", "role"],
    forceNew: ["bucket", "member", "role", "condition"],
    id: ({ bucket, role, member }) => `b/${[bucket, role, member].map(textOf).join("/")}`,
    outputs: () => ({ etag: "BwY=" }),
  },
  ...Object.fromEntries(
    ["certificate", "certificateMap", "dnsAuthorization"].map((kind): [string, Kind] => [
      `gcp:certificatemanager/${kind}:${kind.charAt(0).toUpperCase()}${kind.slice(1)}`,
      {
        autoname: named(),
        forceNew: ["name", "project", "location", "domain", "managed", "selfManaged"],
        id: (inputs, scope) =>
          `projects/${projectOf(inputs, scope)}/locations/${textOf(inputs["location"]) || "global"}/${kind}s/${textOf(inputs["name"])}`,
        outputs: (inputs, scope) => ({
          project: projectOf(inputs, scope),
          sanDnsnames: [],
          dnsResourceRecords: [
            {
              data: "lab.authorize.certificatemanager.goog.",
              name: `_acme-challenge.${textOf(inputs["domain"])}.`,
              type: "CNAME",
            },
          ],
        }),
      },
    ]),
  ),
};

/** Anything else: recorded under its name, without a word on what Google would do with it. */
export function genericKind(type: string): Kind {
  const name = type.slice(type.lastIndexOf(":") + 1);
  return {
    autoname: named(),
    forceNew: ["name", "project", "location", "region", "zone"],
    id: (inputs, scope) => {
      const project = textOf(inputs["project"]) || (scope.project ?? "lab");
      const location =
        textOf(inputs["location"]) || textOf(inputs["region"]) || textOf(inputs["zone"]) || "global";
      return `projects/${project}/locations/${location}/${name}/${textOf(inputs["name"])}`;
    },
    outputs: (inputs, scope) => ({
      ...(scope.project === undefined ? {} : { project: scope.project }),
      ...("location" in inputs && scope.region !== undefined ? { location: locationOf(inputs, scope) } : {}),
    }),
  };
}
