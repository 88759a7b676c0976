import * as fs from "node:fs";
import * as path from "node:path";

const folder = process.env["LAB_PLUGIN_LOG"];
let file: string | undefined;

/** Names this process' log file, `<LAB_PLUGIN_LOG>/<name>.log`; without LAB_PLUGIN_LOG nothing is logged. */
export function recordAs(name: string): void {
  if (folder === undefined || folder === "") return;
  fs.mkdirSync(folder, { recursive: true });
  file = path.join(folder, `${name}.log`);
}

/** One line of the log. Callers pass names and numbers, never property values: those may be secrets. */
export function record(text: string): void {
  if (file === undefined) return;
  fs.appendFileSync(file, `${new Date().toISOString()} ${process.pid} ${text}\n`);
}
