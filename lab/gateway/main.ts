import { parseArgs } from "node:util";
import { readConfig, startProgram } from "./program";

/**
 * The lab's Gateway: `node -r ./start/typescript.js lab/gateway/main.ts --config FILE.json`. It serves the Gateways
 * and HTTPRoutes of a cluster with one Envoy until SIGTERM or SIGINT; status 1 when Envoy dies before that.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw new Error("usage: main.ts --config FILE.json");
  const program = await startProgram(readConfig(values.config), (line) =>
    process.stderr.write(`${new Date().toISOString()} ${line}\n`),
  );
  const end = (): void => {
    void program.stop().then(() => process.exit(0));
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  const death = await program.envoyDied;
  process.stderr.write(`${death}\n`);
  await program.stop();
  process.exit(1);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
