import * as fs from "node:fs";
import { z } from "zod";
import { Simulator } from "./control";

/**
 * All simulated model servers of a lab, in one process:
 *
 *     node -r ./start/typescript.js lab/simulator/main.ts --config FILE.json
 */
const schema = z.strictObject({
  /** Address and port of the control API. */
  control: z.string(),
  controlPort: z.number().int(),
  /** For the simulator's own files; each server's log goes where its start says. */
  folder: z.string(),
  /** Everything is this many times as fast as the accelerators would be. Default 1. */
  speed: z.number().positive().default(1),
});

async function main(): Promise<void> {
  const [flag, file] = process.argv.slice(2);
  if (flag !== "--config" || file === undefined) throw new Error("usage: main.ts --config FILE.json");
  const config = schema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
  fs.mkdirSync(config.folder, { recursive: true });
  const simulator = new Simulator(config.speed);
  await simulator.listen(config.control, config.controlPort);
  console.log(`simulator on http://${config.control}:${config.controlPort}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      simulator.close();
      process.exit(0);
    });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
