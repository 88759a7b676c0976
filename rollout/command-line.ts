import { Command, InvalidArgumentError, Option } from "commander";
import { nowOnly, nowOptions, reason } from "./now-line";
import { refused } from "./commands/carry-out";
import { runDestroy } from "./commands/destroy";
import { runList, runRollbackTo } from "./commands/earlier";
import { runCheck, runPreview, runStatus } from "./commands/look";
import { runNext, runPromote, runResume, runRollback } from "./commands/move";
import { Session, type ChangeOptions, type CommonOptions } from "./commands/session";
import { runRelease } from "./commands/release";
import { runVerify, type VerifyOptions } from "./commands/verify";
import type { Begun } from "./pulumi/begin";
import { Screen } from "./terminal/screen";
import { errorText } from "../stacks/messages/user-error";

/**
 * `npm run rollout -- COMMAND`: a rollout's moves, each as one command. See docs/commands.md.
 * @param begun what was asked of the CLI before; see early.ts.
 */
export function commandLine(begun?: Begun): Command {
  const program = new Command("npm run rollout --").description(
    "Carries out a rollout: edits the stack's config, runs pulumi up, and prints the status.",
  );

  look("status", "show where the rollout stands, and the next step", runStatus);
  look("check", "check the config against what is deployed; changes nothing", runCheck).addOption(
    packOption(),
  );

  look(
    "preview",
    "show on one screen what an update of the config would do",
    (session, options: ChangeOptions & { markdown?: boolean }) => runPreview(session, options),
  )
    .addOption(new Option("--markdown", "as Markdown, for a comment on a pull request"))
    .addOption(packOption());

  change("next", "take the next step of the ladder", runNext).addOption(
    new Option("--to <weight>", "go to this weight instead").argParser(weight),
  );

  change("promote", "make the candidate the stable pool; needs weight 100", runPromote);

  const rollback = change(
    "rollback",
    "move all traffic back to the stable pool, or restore an earlier update",
    (session, options: ChangeOptions & RollbackOptions) => {
      const stray = Object.keys(options).filter((name) => nowOnly.has(name));
      if (stray.length > 0) {
        return Promise.resolve(
          refused(session, "Nothing was changed.", [
            {
              found: `these options need --now: ${stray.map((name) => `--${name}`).join(", ")}`,
              fix: "add --now to write the live route of that cluster at once, or remove the options",
            },
          ]),
        );
      }
      const { list, toUpdate, ...rest } = options;
      if (list === true) return runList(session);
      if (toUpdate === undefined) return runRollback(session, rest);
      return runRollbackTo(session, { ...rest, toUpdate });
    },
    // Where nobody is asked, nobody has time to read what would be asked.
    ({ yes, dryRun, list, toUpdate }) =>
      yes === true && dryRun !== true && list !== true && toUpdate === undefined,
  )
    .addOption(new Option("--reason <text>", "the reason; kept with the latch").argParser(reason))
    .addOption(new Option("--to-update <number>", "restore what this update deployed").argParser(whole(1)))
    .addOption(new Option("--list", "list earlier updates, and whether you can go back to each"));
  // With --now start/rollout.js takes another way, which loads nothing of Pulumi: here they are for --help.
  for (const option of nowOptions()) rollback.addOption(option);

  change(
    "resume",
    "let a candidate that was rolled back get traffic again; moves no traffic",
    (session, options: ChangeOptions & { reason: string; candidate?: string }) => runResume(session, options),
  )
    .addOption(new Option("--reason <text>", "the reason").argParser(reason).makeOptionMandatory())
    .addOption(new Option("--candidate <name>", "the candidate (default: the config's)"));

  change("destroy", "take a whole service down", runDestroy).addOption(
    new Option("--service <name>", "the service's name, to confirm without a terminal"),
  );

  change("release", "leave: hand back what this stack took over as it was, and remove the rest", runRelease);

  look(
    "verify",
    "send requests as customers do; check the split and the failures",
    (session, options: VerifyOptions) => runVerify(session, options),
  )
    .addOption(new Option("--traffic", "confirm that requests go to the live service"))
    .addOption(
      new Option("--requests <n>", "maximum number of requests").default(200).argParser(whole(1, 100_000)),
    )
    .addOption(
      new Option("--seconds <n>", "time in which to start the requests")
        .default(60)
        .argParser(whole(1, 3600)),
    )
    .addOption(
      new Option("--concurrency <n>", "maximum number of requests at the same time")
        .default(8)
        .argParser(whole(1, 256)),
    )
    .addOption(
      new Option("--streams <part>", "fraction of the requests that are streams")
        .default(0.2)
        .argParser(part),
    )
    .addOption(new Option("--model <name...>", "model names to request (default: the stable pool's)"))
    .addOption(
      new Option("--address <host:port>", "address of the gateway (default: the stack's output)").argParser(
        address,
      ),
    )
    .addOption(new Option("--pool-header <name>", "response header that contains the name of the pool"));

  return program;

  function look<T extends CommonOptions>(
    name: string,
    description: string,
    run: Run<T>,
    isUrgent: (options: T) => boolean = () => false,
  ): Command {
    return program
      .command(name)
      .description(description)
      .addOption(new Option("--stack <name>", "the stack (default: the selected one)"))
      .addOption(new Option("--json", "print the result as JSON"))
      .action((options: T) =>
        within(options, run, async (screen) =>
          isUrgent(options)
            ? Session.openQuickly(screen, options, begun)
            : Session.open(screen, options, begun),
        ),
      );
  }

  /** @param isUrgent by the options; default: never. */
  function change<T extends ChangeOptions>(
    name: string,
    description: string,
    run: Run<T>,
    isUrgent?: (options: T) => boolean,
  ): Command {
    return look(name, description, run, isUrgent)
      .addOption(new Option("--dry-run", "show the change and preview it"))
      .addOption(new Option("--yes", "skip the confirmation"))
      .addOption(packOption());
  }
}

type Run<T> = (session: Session, options: T) => Promise<number>;

interface RollbackOptions {
  reason?: string;
  toUpdate?: number;
  list?: boolean;
}

const packOption = (): Option =>
  new Option("--policy-pack <folder...>", "policy packs that updates must pass");

async function within<T extends CommonOptions>(
  options: T,
  run: Run<T>,
  open: (screen: Screen) => Promise<Session>,
): Promise<void> {
  const screen = new Screen(options.json === true, options.stack);
  try {
    process.exitCode = await run(await open(screen), options);
  } catch (error) {
    screen.result({ ok: false, errors: [errorText(error)] });
    throw error;
  }
}

function whole(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`,
    );
  };
}

const weight = whole(0, 100);

function part(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("a number from 0 to 1");
}

function address(text: string): string {
  if (/^[^\s/:]+:\d+$/.test(text)) return text;
  throw new InvalidArgumentError("HOST:PORT");
}
