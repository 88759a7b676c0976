import * as fs from "node:fs";
import { load } from "js-yaml";
import { runCommand, tail } from "../../tools/command";
import { resolveTool } from "../../tools/resolve";
import type { ConformanceLab } from "./lab";
import type { Suite } from "./suites";

/** As much of a ConformanceReport (gateway.networking.k8s.io/v1) as is looked at. */
export interface Report {
  kind: string;
  gatewayAPIVersion: string;
  profiles: readonly Profile[];
}

export interface Profile {
  name: string;
  core: Results;
  extended?: Results & { supportedFeatures?: readonly string[]; unsupportedFeatures?: readonly string[] };
}

export interface Results {
  result: string;
  statistics: { Passed: number; Failed: number; Skipped: number };
  failedTests?: readonly string[];
  skippedTests?: readonly string[];
}

export interface SuiteRun {
  report: Report;
  /** What the suite printed: its log is the only place that says why a test failed. */
  log: string;
  seconds: number;
}

/**
 * Runs a suite against a lab to its end. `base` changes its base manifests, `flags` are the suite's own.
 * @throws Error with the end of its log where it ended without a report: then its setup failed, or a test never ended.
 */
export async function runSuite(
  suite: Suite,
  lab: ConformanceLab,
  base: (manifests: string) => string,
  flags: readonly string[],
): Promise<SuiteRun> {
  const program = (await resolveTool(suite.tool, (progress) => console.log(progress))).path;
  const printed = await runCommand(program, ["-print-base"]);
  if (printed.status !== 0) throw new Error(`${suite.tool} -print-base:\n${tail(printed.output)}`);
  const [manifests, report, log] = [
    `${suite.tool}.yaml`,
    `${suite.tool}-report.yaml`,
    `${suite.tool}.log`,
  ].map((name) => lab.file(name)) as [string, string, string];
  fs.writeFileSync(manifests, base(printed.output));
  const began = performance.now();
  // A suite would go on asking a lab that is not there, for half a minute each time.
  const ended = new AbortController();
  let death: Error | undefined;
  void lab.death.then((error) => {
    death = error;
    ended.abort();
  });
  const { status, output } = await runCommand(
    program,
    [
      ...["-base", manifests, "-report-output", report, "-gateway-class", lab.gatewayClass],
      ...["-conformance-profiles", suite.profile, "-skip-tests", Object.keys(suite.skipped).join(",")],
      ...(suite.claimed.length > 0 ? ["-supported-features", suite.claimed.join(",")] : []),
      // A report wants to know whose it is.
      ...["-organization", "gke-inference-rollout", "-project", "lab", "-url", "docs/lab.md"],
      ...["-version", "0.1.0", "-contact", "docs/lab.md"],
      // The lab goes as a whole.
      ...["-cleanup-base-resources=false", "-test.v", "-test.timeout", "15m"],
      ...flags,
    ],
    { env: { ...process.env, KUBECONFIG: lab.kubeconfig }, signal: ended.signal },
  );
  const seconds = Math.round((performance.now() - began) / 1000);
  fs.writeFileSync(log, output);
  if (death !== undefined) throw death;
  if (!fs.existsSync(report)) {
    throw new Error(
      `${suite.tool} ended with status ${status} and without a report (${log}):\n${tail(output, 25)}`,
    );
  }
  return { report: load(fs.readFileSync(report, "utf8")) as Report, log: output, seconds };
}

/** What a suite printed about the tests that failed; empty where none did. */
export function failuresIn(log: string): string {
  const lines = log.split("\n").filter((line) => /^\s*--- FAIL|Error:\s|Error Trace:|Messages:/.test(line));
  return lines.some((line) => line.includes("--- FAIL")) ? lines.join("\n") : "";
}
