import * as fs from "node:fs";
import * as path from "node:path";
import { format } from "prettier";
import { projectFolder } from "../../workspace";
import { suites, type Suite } from "./suites";

/** The page with the conformance report, and the lines between which it stands. */
export const page = path.join(projectFolder, "docs", "lab.md");
const [begin, end] = ["<!-- conformance report -->", "<!-- end of the conformance report -->"];

/** What the suites say about the lab's gateway; the long tests hold the table that it is made from. */
function report(): string {
  const rows = suites.map(
    ({ title, module, version, profile, passed, skipped, measured }) =>
      `| ${title} (\`${module}\`) | ${version} | ${profile} | ${passed.core} | ${passed.extended ?? "none"} | 0 | ` +
      `${Object.keys(skipped).length} | ${seconds(measured.runSeconds)} | ${seconds(measured.buildCpuSeconds)} |`,
  );
  return [
    "| suite | version | profile | core passed | extended passed | failed | skipped | run | build (once, CPU time) |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "Skipped tests, and why:",
    "",
    ...suites.flatMap(({ skipped }) =>
      Object.entries(skipped).map(([test, why]) => `- \`${test}\`: ${why}.`),
    ),
    "",
    ...suites.filter(({ claimed }) => claimed.length > 0).flatMap(featuresOf),
  ].join("\n");
}

function seconds(measured: number | undefined): string {
  return measured === undefined ? "not measured" : `${measured} s`;
}

function featuresOf({ title, claimed, unclaimed }: Suite): string[] {
  const reasons = new Map<string, string[]>();
  for (const [feature, why] of Object.entries(unclaimed)) {
    reasons.set(why, [...(reasons.get(why) ?? []), `\`${feature}\``]);
  }
  return [
    `Extended features of ${title} that the lab claims: ${claimed.map((one) => `\`${one}\``).join(", ")}.`,
    "",
    "Extended features that it does not claim, so the suite omits their tests:",
    "",
    ...[...reasons].map(([why, features]) => `- ${features.join(", ")}: ${why}.`),
  ];
}

/** The page with the report as it is now. @throws Error where the page has no place for it. */
export async function withReport(text: string): Promise<string> {
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`docs/lab.md has no lines ${begin} and ${end}`);
  const whole = `${text.slice(0, before + begin.length)}\n\n${report()}\n\n${text.slice(after)}`;
  const settings = JSON.parse(
    fs.readFileSync(path.join(projectFolder, ".prettierrc.json"), "utf8"),
  ) as object;
  return format(whole, { ...settings, parser: "markdown" });
}
