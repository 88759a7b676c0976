import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Program } from "./build";

/** Starts each program once with nothing to do, so that it leaves V8's compiled code beside itself. */
export async function warm(folder: string, names: readonly Program[]): Promise<void> {
  for (const name of names) {
    const file = path.join(folder, `${name}.js`);
    // Its standard input is closed: it starts, finds its engine gone, and ends.
    const child = spawn(process.execPath, [path.join(folder, "boot.js"), file, "127.0.0.1:9"], {
      stdio: "ignore",
      env: warmEnvironment(folder, file),
      timeout: 20_000,
    });
    await new Promise((resolve) => {
      child.once("close", resolve);
      child.once("error", resolve);
    });
    if (!fs.existsSync(`${file}.cache`)) throw new Error(`the stand-in ${name} does not start`);
  }
}

function warmEnvironment(folder: string, file: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    INFERENCE_LAB_WARM: file,
    INFERENCE_LAB_FOLDER: folder,
    INFERENCE_LAB_SERVER: "https://127.0.0.1:9",
    INFERENCE_LAB_CA_FILE: file,
    INFERENCE_LAB_TOKEN_FILE: file,
  };
}
