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
    new Option("--service <name>", "with --now: which, where the cluster has several"),
    new Option("--namespace <name>", "with --now: of the route. Default: every namespace"),
    new Option("--route <name>", "with --now: default: every route of the service that sends to that pool"),
    new Option("--from <pool>", "with --now: default: the candidate, by the preview route"),
    new Option("--to <pool>", "with --now: default: the pool that served before"),
    new Option("--force", "with --now: also to a pool without a ready pod"),
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
    "Sends all of the traffic back to the stable pool and latches the candidate, with nothing but a kubeconfig.",
  );
  for (const option of nowOptions()) command.addOption(option);
  return command
    .addOption(new Option("--reason <text>", "the reason; kept with the latch").argParser(reason))
    .addOption(new Option("--dry-run", "say what would be written"))
    .addOption(new Option("--yes", "accepted, and not needed: --now never asks"))
    .addOption(
      new Option("--stack <name>", "accepted, and not needed: --now knows the service by the cluster"),
    )
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
