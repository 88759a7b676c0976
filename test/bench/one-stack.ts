import { StackLab } from "../end-to-end/stack-lab";
import { addNodes } from "./crowd";
import { growth, spread, type Growth, type Moves, type Sample, type Sized } from "./measure";
import { adaptersFor, deployService, moveWeight, twoPools, type InLab } from "./services";

/*
 * What a stack takes by what is in it: a service of two pools alone, and with more of each kind that a config can have
 * many of. All in turn; the services on one platform, and two stacks with a platform of their own beside them.
 */

const [pools, adapters, nodes] = [50, 200, 1000];
/** Priorities of requests: each is a resource of both pools, and nothing else makes that many. */
const [some, many] = [50, 200];

const objectivesFor = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ name: `priority-${i}`, priority: i }));

/** The service's two pools, and others that its config declares: a stack deploys two at a time. */
function declared(service: string): { pools: Record<string, object> } {
  const { pools: own } = twoPools(service);
  const [pool = {}] = Object.values(own);
  const more = Array.from({ length: pools - 2 }, (_, i) => [`${service}-more-${i}`, pool] as const);
  return { pools: { ...own, ...Object.fromEntries(more) } };
}

export async function oneStack(
  rounds: number,
  say: (text: string) => void,
): Promise<{ sized: Sized[]; growth: Growth }> {
  const labs: StackLab[] = [];
  try {
    say("starting three labs");
    for (let i = 0; i < 3; i++) labs.push(await StackLab.start());
    const [shared, own, full] = labs as [StackLab, StackLab, StackLab];
    const onPlatform = {
      small: {},
      declared: declared("declared"),
      adapters: { adapters: adaptersFor(adapters) },
      some: { objectives: objectivesFor(some) },
      many: { objectives: objectivesFor(many) },
    };
    const gateway = { hostname: "*.example.com", routesFrom: Object.keys(onPlatform) };
    await (await shared.platform(gateway)).up();
    const deployed = {} as Record<keyof typeof onPlatform, InLab>;
    for (const [name, changes] of Object.entries(onPlatform)) {
      say(`deploying service ${name}`);
      deployed[name as keyof typeof onPlatform] = await deployService(shared, name, changes);
    }
    say("deploying a stack with a platform of its own");
    const whole = await withPlatform(own, "whole", {});
    say(`deploying a stack with all of it, and ${nodes} nodes`);
    const all = await withPlatform(full, "all", {
      ...declared("all"),
      ...{ adapters: adaptersFor(adapters), objectives: objectivesFor(many) },
    });
    // Now: the scheduler would give them pods.
    await addNodes(full, nodes);
    const { small } = deployed;
    const stacks: readonly (readonly [name: string, stack: InLab])[] = [
      ["a service of two pools, on another stack's platform", small],
      ["with its platform in the same stack", whole],
      [`with ${pools} pools in its config`, deployed.declared],
      [`with ${adapters} adapters`, deployed.adapters],
      [`with ${some} objectives`, deployed.some],
      [`with ${many} objectives`, deployed.many],
      [
        `with all of it: platform, ${pools} pools, ${adapters} adapters, ${many} objectives, ${nodes} nodes`,
        all,
      ],
    ];
    const samples = stacks.map(() => ({ up: [] as Sample[], back: [] as Sample[] }));
    say("moving each once");
    for (const [, stack] of stacks) await moveWeight(stack, 20);
    for (let round = 0; round < rounds; round++) {
      for (const [i, [, stack]] of stacks.entries()) {
        samples[i]?.up.push(await moveWeight(stack, 25));
        samples[i]?.back.push(await moveWeight(stack, 20));
      }
      const last = samples.map(({ up, back }) =>
        [up, back].map((moves) => moves.at(-1)?.wall.toFixed(1) ?? "?").join(" and "),
      );
      say(`round ${round + 1}, up and back in seconds: ${last.join(", ")}`);
    }
    const resources = await Promise.all(
      stacks.map(async ([, { stack }]) => (await stack.resources()).length),
    );
    const movesBack = (of: InLab): Moves => {
      const i = stacks.findIndex(([, stack]) => stack === of);
      return { resources: resources[i] ?? NaN, samples: samples[i]?.back ?? [] };
    };
    return {
      sized: stacks.map(([name], i) => {
        const { up = [], back = [] } = samples[i] ?? {};
        return {
          ...{ name, resources: resources[i] ?? NaN },
          up: spread(up.map(({ wall }) => wall)),
          back: spread(back.map(({ wall }) => wall)),
          processor: spread(back.map(({ processor }) => processor)),
          memory: spread(back.map(({ memory }) => memory ?? NaN)),
        };
      }),
      growth: growth(movesBack(deployed.some), movesBack(deployed.many)),
    };
  } finally {
    for (const lab of labs) await lab.stop();
  }
}

async function withPlatform(lab: StackLab, name: string, changes: object): Promise<InLab> {
  const stack = await lab.stack(name, { ...twoPools(name), ...changes });
  await stack.up();
  return { lab, stack };
}
