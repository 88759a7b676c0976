import * as fs from "node:fs";
import * as path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { runRollbackNow, type RollbackNowOptions } from "./commands/rollback-now";

/*
 * `npm run rollout -- rollback --now`: a command line of its own, because going back must not wait until Pulumi's
 * libraries are loaded, and must work where they cannot be.
 */

/** Options of `rollback` that only --now takes. */
export function nowOptions(): Option[] {
  return [
    new Option("--now", "write the live route at once, without Pulumi; needs --kubeconfig"),
    new Option("--kubeconfig <file>", "with --now: the cluster"),
    new Option("--service <name>", "with --now: the service, if the cluster has several"),
    new Option("--namespace <name>", "with --now: namespace of the route (default: all namespaces)"),
    new Option(
      "--route <name>",
      "with --now: the route (default: every route of the service that sends to the pool)",
    ),
    new Option("--from <pool>", "with --now: the pool that loses its traffic (default: the candidate)"),
    new Option(
      "--to <pool>",
      "with --now: the pool that gets all traffic (default: the pool that served before)",
    ),
    new Option("--force", "with --now: move the traffic even if the pool has no ready pod"),
  ];
}

/** Names of the options that mean nothing without --now. */
export const nowOnly: ReadonlySet<string> = new Set(
  nowOptions()
    .map((option) => option.attributeName())
    .filter((name) => name !== "now"),
);

export function reason(text: string): string {
  if (text.trim() !== "" && text.length <= 300) return text.trim();
  throw new InvalidArgumentError("a short reason (at most 300 characters)");
}

export function nowLine(): Command {
  const command = new Command("npm run rollout -- rollback --now").description(
    "Sends all traffic back to the stable pool and latches the candidate. Needs only a kubeconfig.",
  );
  for (const option of nowOptions()) command.addOption(option);
  return command
    .addOption(new Option("--reason <text>", "the reason; kept with the latch").argParser(reason))
    .addOption(new Option("--dry-run", "show what would be written; change nothing"))
    .addOption(new Option("--yes", "has no effect: --now never asks"))
    .addOption(new Option("--stack <name>", "has no effect: --now finds the service in the cluster"))
    .addOption(new Option("--json", "print the result as JSON"))
    .action(async (options: Omit<RollbackNowOptions, "kubeconfig"> & { kubeconfig?: string }) => {
      const kubeconfig = options.kubeconfig ?? process.env["KUBECONFIG"];
      if (kubeconfig === undefined || kubeconfig === "") {
        return command.error(
          "error: --now needs the cluster's kubeconfig: --kubeconfig FILE (gcloud container clusters get-credentials writes one), or KUBECONFIG",
        );
      }
      if (!fs.existsSync(kubeconfig)) {
        return command.error(
          `error: there is no file ${kubeconfig}${kubeconfig.includes(path.delimiter) ? ": KUBECONFIG lists several; choose one with --kubeconfig FILE" : ""}`,
        );
      }
      process.exitCode = await runRollbackNow({ ...options, kubeconfig });
    });
}
