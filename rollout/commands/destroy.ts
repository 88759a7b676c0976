import { defaults } from "../../stacks/config/defaults";
import { changesBetween, describeChange } from "../steps/changes";
import { allowDestroy, command } from "../steps/moves";
import { valueOf, type StackValues } from "../steps/values";
import type { UpdateResult } from "../pulumi/update-log";
import { exit, packs, refused, showPreview, update, withoutGaps } from "./carry-out";
import { takenOverReason } from "./release";
import type { ChangeOptions, Session } from "./session";

/**
 * `destroy`: takes a whole service down in two updates: the first marks the route's deletion as intended, the second
 * removes everything. People confirm with the service's name, because the stack's name says too little about whose
 * customers lose their service.
 */
export async function runDestroy(
  session: Session,
  options: ChangeOptions & { service?: string },
): Promise<number> {
  const { screen, engine, values } = session;
  const named = valueOf(values, "service");
  const service = typeof named === "string" ? named : defaults.service;
  const target = allowDestroy(values, true);
  const changes = changesBetween(values, target);
  screen.line(screen.styled("bold", `${engine.stack}: take service ${service} down`));
  screen.line("update 1 of 2: allow the deletion");
  for (const change of changes) screen.line(`  ${describeChange(change)}`);
  screen.line("update 2 of 2: destroy all resources of the stack, the customers' route first");
  for (const [pool, share] of Object.entries(session.deployed?.weights ?? {})) {
    screen.line(`  ${pool} gets ${share} % of the traffic`);
  }
  if (options.dryRun === true) {
    const result = await engine.withDraft(target, (configFile) =>
      update(session, "preview of update 1", (say, signal) =>
        engine.preview({ configFile, say, signal, ...packs(options) }),
      ),
    );
    screen.line("Preview of update 1 only. Nothing was changed.");
    return showPreview(session, result);
  }
  const kept = await takenOverReason(session, allowedIn(values));
  if (kept !== undefined) return refused(session, "Nothing was destroyed.", [kept]);
  const reason = await missingConsent(session, service, options);
  if (reason !== undefined) return refused(session, "Nothing was destroyed.", [reason]);
  return withoutGaps((interrupted) => takeDown(session, { service, target, options, interrupted }));
}

interface Descent {
  service: string;
  target: StackValues;
  options: ChangeOptions;
  interrupted: () => boolean;
}

async function takeDown(
  session: Session,
  { service, target, options, interrupted }: Descent,
): Promise<number> {
  const { engine, screen } = session;
  const edited = await engine.edit(target);
  const allowed = await update(session, "allow the deletion", (say, signal) =>
    engine.up({ message: `rollout: allow the deletion of ${service}`, say, signal, ...packs(options) }),
  );
  if (!allowed.ok) {
    const undone = allowed.begun.length === 0 && edited.undo();
    return stopped(
      session,
      allowed,
      undone ? "the edit of the config was undone" : "the cluster may already allow the deletion",
    );
  }
  // The first update may have ended well in spite of it.
  if (interrupted())
    return stopped(session, { ...allowed, cancelled: true }, "the cluster already allows the deletion");
  const destroyed = await update(session, "destroy", (say, signal) =>
    engine.destroy({ message: `rollout: destroy ${service}`, say, signal }),
  );
  if (!destroyed.ok) return stopped(session, destroyed, "some of the service's resources are deleted");
  // A waiver that stays would let the next service of this config be destroyed by anybody.
  await engine.edit(allowDestroy(await engine.values(), false));
  screen.good(
    `Service ${service} is destroyed. Its config and history are kept; to remove them too: pulumi stack rm`,
  );
  screen.result({ ok: true, service });
  return exit.done;
}

function allowedIn(values: Session["values"]): readonly unknown[] {
  const allowed = valueOf(values, "allow");
  return Array.isArray(allowed) ? allowed : [];
}

async function missingConsent(
  { screen }: Session,
  service: string,
  options: ChangeOptions & { service?: string },
): Promise<{ found: string; fix: string } | undefined> {
  const fix = command(`destroy --yes --service ${service}`);
  if (options.service !== undefined && options.service !== service) {
    return { found: `the service of this stack is ${service}, not ${options.service}`, fix };
  }
  if (options.yes === true) {
    if (options.service === service) return undefined;
    return { found: "--yes needs the service's name", fix };
  }
  if (!screen.interactive) return { found: "not a terminal", fix };
  const answer = await screen.ask(`Type the service's name to destroy it: `);
  return answer === service ? undefined : { found: `the name does not match: ${service}`, fix };
}

async function stopped(session: Session, result: UpdateResult, state: string): Promise<number> {
  const { screen } = session;
  screen.line();
  screen.bad(result.cancelled ? "Interrupted." : "The destroy failed.");
  for (const error of result.cancelled ? [] : result.errors) screen.line(error);
  screen.line(`Current state: ${state}.`);
  screen.line(`to continue  ${command("destroy")}`);
  screen.result({ ok: false, errors: result.cancelled ? ["interrupted"] : result.errors, state });
  return Promise.resolve(result.cancelled ? exit.interrupted : exit.refused);
}
