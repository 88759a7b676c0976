import * as fs from "node:fs";
import * as path from "node:path";
import { acceleratorReference } from "../components/accelerators/reference";
import { page as conformancePage, withReport } from "../lab/gateway/conformance/docs";
import { engineTable } from "../components/engines/engine-table";
import { keyReference } from "../stacks/config/key-reference";
import { refusalsPage } from "../test/stacks/plan/refusals-page";

/*
 * The generated pages, each with what it is made from. `npm run docs` writes them all, and a test
 * (test/docs.test.ts) compares each with its generator.
 */

const root = path.join(__dirname, "..");
const read = (file: string): string => fs.readFileSync(file, "utf8");

export interface Page {
  file: string;
  text: () => string | Promise<string>;
}

export const pages: readonly Page[] = [
  { file: path.join(root, "docs", "config.md"), text: keyReference },
  { file: path.join(root, "docs", "accelerators.md"), text: acceleratorReference },
  { file: path.join(root, "docs", "engines.md"), text: engineTable },
  { file: path.join(root, "docs", "refusals.md"), text: refusalsPage },
  // Part of a page that is otherwise written by hand.
  { file: conformancePage, text: () => withReport(read(conformancePage)) },
];

async function writeAll(): Promise<void> {
  for (const { file, text } of pages) fs.writeFileSync(file, await text());
}

if (require.main === module) void writeAll();
