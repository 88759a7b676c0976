import type { CloudConfig } from "../../stacks/config/raw";
import type { RawConfig } from "../../stacks/config/validate";

/** Before every key of this project in a stack's config file. */
export const prefix = "inference-rollout:";

/** The keys of a stack's config file as the program reads them: its own without their prefix, and the cloud's. */
export function keysOf(file: Readonly<Record<string, unknown>>): { raw: RawConfig; cloud: CloudConfig } {
  const own = Object.entries(file)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const text = (key: string): string | undefined => {
    const value = file[key];
    return typeof value === "string" ? value : undefined;
  };
  const [project, region] = [text("gcp:project"), text("gcp:region")];
  const cloud = {
    ...(project === undefined ? {} : { project }),
    ...(region === undefined ? {} : { region }),
  };
  return { raw: Object.fromEntries(own), cloud };
}
