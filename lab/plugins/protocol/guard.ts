import * as fs from "node:fs";

/** What every stand-in knows of its lab, from the environment that install.ts makes. */
export interface LabEnvironment {
  folder: string;
  /** The only API server that a stand-in talks to: https://address:port. */
  server: string;
  caFile: string;
  /** File with the token of the lab's administrator, readable by its owner only. */
  tokenFile: string;
}

export const labVariables = {
  folder: "INFERENCE_LAB_FOLDER",
  server: "INFERENCE_LAB_SERVER",
  caFile: "INFERENCE_LAB_CA_FILE",
  tokenFile: "INFERENCE_LAB_TOKEN_FILE",
} as const satisfies Record<keyof LabEnvironment, string>;

/** @throws Error outside a lab: a stand-in must never be mistaken for the real plugin. */
export function labEnvironment(what: string): LabEnvironment {
  const read = (name: string): string => {
    const value = process.env[name];
    if (value !== undefined && value !== "") return value;
    throw new Error(
      `${what} is a rehearsal stand-in for the lab and runs only inside one (${name} is not set). ` +
        `For a real cloud use a Pulumi installation with the real plugins.`,
    );
  };
  const lab = {
    folder: read(labVariables.folder),
    server: read(labVariables.server),
    caFile: read(labVariables.caFile),
    tokenFile: read(labVariables.tokenFile),
  };
  if (!fs.existsSync(lab.folder)) throw new Error(`${what}: the lab's folder ${lab.folder} does not exist`);
  return lab;
}
