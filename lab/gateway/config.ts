import * as fs from "node:fs";
import { z } from "zod";

const schema = z.strictObject({
  /** Kubeconfig of who may read the objects and write their statuses. */
  kubeconfig: z.string().min(1),
  /** The Envoy program. */
  envoy: z.string().min(1),
  /** Where the program may write: Envoy's configuration files and its log. */
  folder: z.string().min(1),
  /** First three numbers of the addresses that Gateways get: the n-th one gets `<prefix>.<n>`. */
  addressPrefix: z.string().regex(/^127\.\d+\.\d+$/),
  /** Address of Envoy's admin interface and of the program's own. */
  control: z.string().regex(/^127\.\d+\.\d+\.\d+$/),
  adminPort: z.int().min(1).max(65535),
  /** What a GatewayClass must name for its Gateways to be ours. */
  controllerName: z.string().includes("/"),
  /** Whether Envoy writes a line about each request to `access.log` in the folder. Default: false. */
  accessLog: z.boolean().default(false),
  /** GatewayClasses to create. */
  gatewayClasses: z.array(z.string().min(1)),
});

export type GatewayConfig = z.infer<typeof schema>;

/** @throws Error that names the file and every mistake in it. */
export function readConfig(file: string): GatewayConfig {
  const parsed = schema.safeParse(JSON.parse(fs.readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
