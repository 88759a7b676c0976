import * as path from "node:path";

/** Node's arguments with which a process of ours starts a TypeScript file, from any folder. */
export const typescript = ["--require", path.resolve(__dirname, "../../start/typescript.js")];
