import * as fs from "node:fs";
import * as path from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, managedBy } from "../names";

/**
 * CRDs that pickers and pools need, by name. The files in components/definitions are those of the inference extension
 * v1.5.0 (config/crd/bases, Apache-2.0, The Kubernetes Authors), as JSON, without their empty status; a test compares
 * them. GKE installs InferencePool itself from 1.34.0-gke.1626000 on, and not the other two.
 */
export const definitionFiles = {
  "inferencepools.inference.networking.k8s.io": "inferencepools.json",
  "inferenceobjectives.inference.networking.x-k8s.io": "inferenceobjectives.json",
  "inferencemodelrewrites.inference.networking.x-k8s.io": "inferencemodelrewrites.json",
} as const;

export type DefinitionName = keyof typeof definitionFiles;

export const definitionNames = Object.keys(definitionFiles) as DefinitionName[];

interface Definition {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: k8s.types.input.apiextensions.v1.CustomResourceDefinitionSpec;
}

/** @throws Error for a file that is not there, which is a broken checkout. */
export function readDefinition(name: DefinitionName): Definition {
  const file = path.join(__dirname, definitionFiles[name]);
  return JSON.parse(fs.readFileSync(file, "utf8")) as Definition;
}

export interface InferenceDefinitionsArgs {
  /**
   * Those that the cluster lacks, or that this stack installed. A promise, because a cluster that is being created can
   * say what it lacks only once it exists.
   */
  install: Promise<readonly DefinitionName[]>;
  /** Stack that installs them, as a label value (`stackLabel`): a later update knows its own by it. */
  stack: string;
}

/**
 * The CRDs that a cluster lacks. They are kept when the stack goes, and when the cluster gets its own: to remove one
 * would remove every object of its kind in the cluster.
 */
export class InferenceDefinitions extends pulumi.ComponentResource {
  constructor(name: string, args: InferenceDefinitionsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceDefinitions", name, args, opts);
  }

  /** Whoever depends on this component waits until this has ended, and for what it made. */
  protected override async initialize(args: pulumi.Inputs): Promise<void> {
    const { install, stack } = args as InferenceDefinitionsArgs;
    for (const definition of await install) {
      const { metadata, spec } = readDefinition(definition);
      new k8s.apiextensions.v1.CustomResourceDefinition(
        definition,
        { metadata: { ...metadata, labels: { [labels.managedBy]: managedBy, [labels.stack]: stack } }, spec },
        { parent: this, retainOnDelete: true },
      );
    }
    this.registerOutputs();
  }
}
