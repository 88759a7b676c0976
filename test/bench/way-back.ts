import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../rollout/traffic/client";
import { keepOutputs } from "../../stacks/state/kept-outputs";
import { Command } from "../end-to-end/command";
import { ServiceUnderLoad } from "../faults/service-under-load";
import { spread, type Delays } from "./measure";

/*
 * From Enter to the last request that began on the candidate, under load.
 */

interface Way {
  name: string;
  rounds: number;
  run: () => Command;
  /** Puts the traffic back onto the candidate. */
  again: () => Promise<void>;
}

export async function wayBack(rounds: number, say: (text: string) => void): Promise<Delays[]> {
  say("starting a lab");
  const service = await ServiceUnderLoad.start({ weight: 60 });
  try {
    const { stack, lab } = service;
    const typed = (words: readonly string[], env: NodeJS.ProcessEnv, folder?: string): Command =>
      new Command(npm(), ["run", "rollout", "--", ...words], env, folder);
    const environment = { ...process.env, ...stack.pulumi.environment };
    const rollout = async (...args: string[]): Promise<void> => {
      const { status, output } = await stack.rollout(...args, "--yes");
      if (status !== 0) throw new Error(output);
    };
    const forward = async (): Promise<void> => {
      await rollout("resume", "--reason", "measured");
      await rollout("next", "--to", "60");
    };
    const ways: Way[] = [
      {
        name: "`rollback --now`",
        rounds: Math.ceil(rounds / 2),
        run: () => typed(["rollback", "--now", "--kubeconfig", lab.lab.controlPlane.kubeconfig], process.env),
        again: async () => {
          await rollout("rollback");
          await forward();
        },
      },
      {
        name: "`rollback`",
        rounds,
        run: () => typed(["rollback", "--yes"], environment, stack.workspace.folder),
        again: forward,
      },
      {
        name: "`rollback`, nothing left by an update: it asks the backend first",
        rounds: Math.ceil(rounds / 2),
        run: () => {
          keepOutputs(stack.workspace.folder, "dev", {}, { env: environment });
          return typed(["rollback", "--yes"], environment, stack.workspace.folder);
        },
        again: forward,
      },
    ];
    const measured = new Map<Way, number[]>(ways.map((way) => [way, []]));
    // In turn: the machine is not the same all the time.
    for (let round = 0; round < rounds; round++) {
      for (const [way, seconds] of measured) {
        if (round >= way.rounds) continue;
        const from = now();
        const command = way.run();
        const status = await command.ended;
        if (status !== 0) throw new Error(command.output);
        await sleep(2000);
        seconds.push((await lastOnCandidate(service, from)) / 1000);
        await service.weights(0);
        say(`${way.name} ${round + 1}: ${seconds.at(-1)?.toFixed(2) ?? "?"} s`);
        await way.again();
        await service.weights(60);
      }
    }
    await service.nothingFailed(0);
    return [...measured].map(([{ name }, seconds]) => ({
      name,
      seconds: spread(seconds),
      samples: seconds.length,
    }));
  } finally {
    await service.stop();
  }
}

/** npm's own program, as it passes it on: what people type goes through it. */
function npm(): string {
  const program = process.env["npm_execpath"];
  if (program === undefined) throw new Error("start it with npm run bench");
  return program;
}

/** Milliseconds from then to the start of the last request that the candidate answered. */
async function lastOnCandidate(service: ServiceUnderLoad, from: number): Promise<number> {
  const to = now();
  await service.traffic.until(() => service.traffic.progress.settledUntil > to, "the answers", 60);
  return service.traffic
    .startedBetween(from)
    .filter(({ pool }) => pool === "llm-new")
    .reduce((latest, { startedAt }) => Math.max(latest, startedAt - from), 0);
}
