import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fixText } from "../../../stacks/messages/edits";
import { platformFindings } from "../../../stacks/plan/rules/platform-rules";
import {
  holdsNothing,
  type GkePlace,
  type HeldPlatform,
  type WantedPlatform,
} from "../../../stacks/plan/standing";

/* What a stack stands on stays where it is, whatever the config says now. */

const place: GkePlace = { name: "inference", location: "us-central1", project: "acme-ml" };
const created: WantedPlatform = { role: "all", mode: "create", region: "us-central1", place };
const adopted: WantedPlatform = { role: "all", mode: "adopt", region: "us-central1", place };
const service: WantedPlatform = { role: "service", mode: "other", place };
const pool = { name: "llm-3f2a1c", in: place };
const gateway = { namespace: "default", name: "my-inference-gateway", urn: "urn:pulumi:gateway" };

/** Everything that a stack of role all holds after its first update. */
const whole: HeldPlatform = {
  cluster: place,
  nodePools: [{ name: "system", in: place }, pool],
  regions: ["us-central1", "us-central1"],
  pools: ["llm"],
  repositories: [],
  gateways: [gateway],
};
/** The same on a cluster created outside the stack. */
const onTop: HeldPlatform = { ...holdsNothing, nodePools: [pool], pools: ["llm"], gateways: [gateway] };
const ofService: HeldPlatform = { ...onTop, gateways: [] };

const elsewhere = (change: Partial<GkePlace>): GkePlace => ({ ...place, ...change });

const cases: readonly {
  name: string;
  held: HeldPlatform;
  wanted: WantedPlatform;
  found?: RegExp;
  fix?: string;
}[] = [
  { name: "nothing is deployed", held: holdsNothing, wanted: created },
  { name: "the created cluster stays", held: whole, wanted: created },
  { name: "the adopted cluster stays", held: onTop, wanted: adopted },
  { name: "the platform's cluster stays", held: ofService, wanted: service },
  {
    name: "a platform of an older version does not say its project",
    held: ofService,
    wanted: { ...service, place: { name: "inference", location: "us-central1" } },
  },
  {
    name: "the created cluster is named, as if it had been there before",
    held: whole,
    wanted: adopted,
    found: /created cluster inference \(us-central1, project acme-ml\): .* was created outside this stack/,
    fix: "pulumi config set --path 'cluster.create' true",
  },
  {
    name: "the created cluster is reached by a kubeconfig",
    held: whole,
    wanted: { role: "all", mode: "kubeconfig" },
    found: /delete it with its nodes and network, because the config has cluster\.kubeconfig/,
    fix: "pulumi config rm --path 'cluster.kubeconfig' && pulumi config set --path 'cluster.name' inference && pulumi config set --path 'cluster.location' us-central1 && pulumi config set gcp:project acme-ml && pulumi config set gcp:region us-central1 && pulumi config set --path 'cluster.create' true",
  },
  {
    name: "the adopted cluster is reached by a kubeconfig",
    held: onTop,
    wanted: { role: "all", mode: "kubeconfig" },
    found: /node pool llm-3f2a1c in cluster inference .* delete it under the pods/,
    fix: "pulumi config rm --path 'cluster.kubeconfig' && pulumi config set --path 'cluster.name' inference && pulumi config set --path 'cluster.location' us-central1 && pulumi config set gcp:project acme-ml",
  },
  {
    name: "another cluster is adopted",
    held: onTop,
    wanted: { ...adopted, place: elsewhere({ name: "other" }) },
    fix: "pulumi config set --path 'cluster.name' inference",
  },
  {
    name: "a cluster is created where one was adopted",
    held: onTop,
    wanted: { ...created, place: elsewhere({ name: "fresh" }) },
    fix: "pulumi config set --path 'cluster.name' inference && pulumi config set --path 'cluster.create' false",
  },
  {
    name: "the created cluster gets another region",
    held: whole,
    wanted: { ...created, region: "europe-west4", place: elsewhere({ location: "europe-west4" }) },
    found: /the config says to create cluster inference \(europe-west4, project acme-ml\)/,
    fix: "pulumi config set --path 'cluster.location' us-central1 && pulumi config set gcp:region us-central1 && pulumi config set --path 'cluster.create' true",
  },
  {
    name: "the created cluster gets another project",
    held: whole,
    wanted: { ...created, place: elsewhere({ project: "acme-prod" }) },
    fix: "pulumi config set gcp:project acme-ml && pulumi config set --path 'cluster.create' true",
  },
  {
    name: "only the network gets another region",
    held: whole,
    wanted: { ...created, region: "europe-west4" },
    found: /created its network in us-central1, but the config says europe-west4/,
    fix: "pulumi config set gcp:region us-central1",
  },
  {
    name: "the stack becomes a service",
    held: whole,
    wanted: { ...service, place: elsewhere({ name: "shared" }) },
    found: /because the config says role service/,
    fix: "pulumi config set role all && pulumi config set --path 'cluster.name' inference && pulumi config set gcp:region us-central1 && pulumi config set --path 'cluster.create' true",
  },
  {
    name: "the stack becomes a platform",
    held: onTop,
    wanted: { ...adopted, role: "platform" },
    found: /created pool llm, but the config says role platform/,
    fix: "pulumi config set role all",
  },
  {
    name: "a service becomes a platform",
    held: ofService,
    wanted: { ...adopted, role: "platform" },
    fix: "pulumi config set role service",
  },
  {
    name: "a service gets another platform",
    held: ofService,
    wanted: { ...service, place: elsewhere({ name: "shared" }) },
    found: /because its platform has cluster shared/,
    fix: "restore the platform stack that this service was deployed on (config key platform)",
  },
];

describe("what a stack stands on", () => {
  for (const { name, held, wanted, found, fix } of cases) {
    it(`${fix === undefined ? "may" : "may not"}: ${name}`, () => {
      const findings = platformFindings({ held, wanted });
      assert.deepEqual(
        findings.map((finding) => fixText(finding.fix)),
        fix === undefined ? [] : [fix],
      );
      if (found !== undefined) assert.match(findings[0]?.found ?? "", found);
    });
  }
});
