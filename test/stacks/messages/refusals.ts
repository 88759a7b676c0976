import type { Scenario } from "../plan/worlds";
import type { Refusal } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import { setCommand, fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import { after, cloud, serviceConfig, planFor, type Planned } from "../cases";
import { less, scenarios } from "../plan/scenarios";
import { chainsIn, runConfig } from "./cli-model";
import { type Situation, byHand, fills, moreScenarios, replaced } from "./refusal-cases";

export const allScenarios: readonly Scenario[] = [
  ...scenarios.filter(({ rule }) => !replaced.has(rule)),
  ...moreScenarios,
];

/** The refusals of a scenario's own rule. */
export const refusalsOf = ({ rule, config, world }: Scenario): Refusal[] =>
  planFor(serviceConfig(config), world()).refusals.filter((refusal) => refusal.rule === rule);

/** One way: chains of commands, with what happens between them. */
type Step = { commands: readonly string[] } | { effect: (at: Situation) => Situation };

/** The ways out that a refusal's text names: what follows a "then" goes on, everything else is an alternative. */
export function waysOf(rule: string, { fix, waiver }: Refusal): Step[][] {
  const text = Object.entries(fills[rule] ?? {}).reduce(
    (at, [word, value]) => at.replaceAll(word, value),
    fixText(fix),
  );
  const ways: Step[][] = [];
  let from = 0;
  for (const commands of chainsIn(text)) {
    const start = text.indexOf(commands[0] ?? "", from);
    const before = text.slice(from, start);
    from = start + commands.join(" && ").length;
    const way = /\bthen\b/.test(before) ? ways.at(-1) : undefined;
    if (way === undefined) ways.push([{ commands }]);
    else {
      if (/raise .*weight to 100 in steps/.test(before)) way.push({ effect: inSteps(before) });
      way.push({ commands });
    }
  }
  if (waiver !== undefined) ways.push([{ commands: [setCommand("allow[0]", waiver)] }]);
  return ways;
}

/** Up the ladder, as the words of the message say. */
function inSteps(piece: string): (at: Situation) => Situation {
  const [, adapter] = /raise (adapters\[\d+\]\.weight)/.exec(piece) ?? [];
  const key = adapter === undefined ? "weight" : `--path '${adapter}'`;
  return (at) =>
    [30, 60, 100].reduce<Situation>((now, weight) => {
      const next = runConfig(now.config, `pulumi config set ${key} ${weight}`);
      const share = adapter === undefined ? Number(now.config["weight"] ?? 0) : 0;
      return weight < share ? now : updated({ ...now, config: next });
    }, at);
}

/** `pulumi up`. @throws Error where the plan refuses. */
export function updated({ config, world }: Situation): Situation {
  const result = planned({ config, world });
  if (result.refusals.length > 0)
    throw new Error(`refused: ${result.refusals.map(({ rule, found }) => `${rule}: ${found}`).join("; ")}`);
  const next = after(serviceConfig(config), result, world);
  // Pools of others stay, and what was claimed is ours.
  return { config, world: { ...next, pools: [...next.pools, ...world.pools.filter(({ owned }) => !owned)] } };
}

/** The plan of a situation. @throws Error with the mistakes of a config that has some. */
export function planned({ config, world }: Situation): Planned {
  const { config: resolved, mistakes } = resolveConfig(config, cloud);
  if (resolved === undefined || resolved.role === "platform")
    throw new Error(
      `the config has mistakes: ${mistakes.map(({ key, found }) => `${key}: ${found}`).join("; ")}`,
    );
  return planFor(resolved.service, world);
}

/** What a way leads to. @throws Error where a command fails, or an update on the way is refused. */
export function follow(rule: string, start: Situation, way: readonly Step[]): Situation {
  return way.reduce<Situation>((at, step) => {
    if ("effect" in step) return step.effect(at);
    return step.commands.reduce<Situation>((now, command) => {
      const act = byHand[rule]?.find(({ does }) => does.test(command))?.act;
      if (act !== undefined) return act(now, updated);
      if (/^pulumi config set (service|route) /.test(command)) return elsewhere(now, command);
      if (command.startsWith("pulumi config ")) return { ...now, config: runConfig(now.config, command) };
      if (command === "pulumi up") return updated(now);
      throw new Error(
        `no effect is written down for "${command}": add it to byHand in test/stacks/messages/refusal-cases.ts`,
      );
    }, at);
  }, start);
}

/** Another service or route is looked at: a known one as its maker has it, else none. */
function elsewhere({ config, world }: Situation, command: string): Situation {
  const next = runConfig(config, command);
  const { others } = world;
  const rest = less(world, "route");
  const found = others?.routes.find(({ name }) => name === next["route"]);
  if (others === undefined || found === undefined) return { config: next, world: rest };
  const backends = [{ namespace: "default", pool: String(config["stable"]), weight: 1 }];
  const { routes, ...seen } = others;
  return {
    config: next,
    world: {
      ...rest,
      route: { backends, differences: { rules: [], attachment: [] } },
      others: { ...seen, customers: found, routes: routes.filter((route) => route !== found) },
    },
  };
}

/** Chains of config commands in the refusals of all scenarios, for the real CLI. */
export function refusalCommands(): { config: RawConfig; commands: readonly string[] }[] {
  return allScenarios.flatMap((scenario) =>
    refusalsOf(scenario).flatMap((refusal) =>
      waysOf(scenario.rule, refusal)
        .flatMap((way) => way.flatMap((step) => ("commands" in step ? [step.commands] : [])))
        .map((commands) => commands.filter((command) => command.startsWith("pulumi config ")))
        .filter((commands) => commands.length > 0)
        .map((commands) => ({ config: scenario.config, commands })),
    ),
  );
}
