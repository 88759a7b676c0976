import type { Report } from "./report";
import { summary, table } from "./table";

/** The report as one page that needs nothing from elsewhere. */
export function html(report: Report, chart: string | undefined): string {
  const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const versions = Object.entries({ ...report.versions, ...report.parts })
    .map(([name, value]) => `<tr><td>${escape(name)}</td><td>${escape(value)}</td></tr>`)
    .join("\n");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Rehearsal: ${escape(report.kind)}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #24292f; }
  pre { overflow-x: auto; background: #f6f8fa; padding: 1rem; }
  td { padding: 0 1rem 0 0; }
  .ok { color: #1a7f37; } .bad { color: #cf222e; }
</style>
<h1>Rehearsal of a ${escape(report.kind)}: <span class="${report.ok ? "ok" : "bad"}">${report.ok ? "passed" : "failed"}</span></h1>
<p>Requests and streams continued through every change of the weight. Times were measured in this machine's lab, not on GKE.</p>
${chart ?? ""}
<pre>${escape(table(report))}</pre>
<ul>${summary(report)
    .map((line) => `<li>${escape(line)}</li>`)
    .join("\n")}</ul>
<h2>Versions</h2>
<table>${versions}</table>
</html>
`;
}
