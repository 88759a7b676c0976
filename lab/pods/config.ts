import * as fs from "node:fs";
import { z } from "zod";

const schema = z.strictObject({
  /** Kubeconfig that may do what a kubelet may, and ask for tokens of every ServiceAccount. */
  kubeconfig: z.string(),
  /** API server and the file of its certificate, for the kubeconfigs of containers. */
  server: z.string(),
  caFile: z.string(),
  /** The endpoint picker's program. */
  epp: z.string(),
  /** The simulator's control API. */
  simulator: z.string(),
  /** Logs and mounted files of all pods go below it. */
  folder: z.string(),
  /** Address and port of this process's own API (see admin.ts). */
  control: z.string(),
  adminPort: z.number().int(),
  /** Whether a container that ends by itself is started again; false: that ends this process, saying which. */
  restartContainers: z.boolean(),
});

export type PodsConfig = z.infer<typeof schema>;

/** @throws Error naming every key that is wrong. */
export function readConfig(file: string): PodsConfig {
  const parsed = schema.safeParse(JSON.parse(fs.readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
