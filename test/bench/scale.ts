import { StackLab } from "../end-to-end/stack-lab";
import { gather, type Crowd } from "./crowd";
import { compare, type Compared, type Sample } from "./measure";
import { adaptersFor, deployService, moveWeight, type InLab } from "./services";

/*
 * What a weight move takes where a service is alone on its platform, and where it is one of many. Two labs stand side
 * by side, so that what the machine does meanwhile slows both alike.
 */

const crowd: Crowd = { services: 19, pools: 48, nodes: 1000 };
/** Of each service. */
const adapters = 10;

export async function scale(rounds: number, say: (text: string) => void): Promise<Compared[]> {
  const labs: StackLab[] = [];
  try {
    say("starting two labs");
    for (let i = 0; i < 2; i++) labs.push(await StackLab.start());
    const [small, large] = labs as [StackLab, StackLab];
    const services: Record<string, InLab> = {};
    for (const lab of labs) {
      const platform = await lab.platform({ hostname: "*.example.com", routesFrom: routesFrom() });
      await platform.up();
    }
    services["alone on its platform"] = await deployService(small, "bench", {
      adapters: adaptersFor(adapters),
    });
    const beside = await deployService(large, "bench", { adapters: adaptersFor(adapters) });
    say(`adding ${crowd.services} services with ${crowd.pools} pools, and ${crowd.nodes} nodes`);
    await gather(large, "bench", crowd);
    services[
      `one of ${crowd.services + 1}, with ${crowd.pools + 2} pools, ${(crowd.services + 1) * adapters} adapters, ${crowd.nodes} nodes`
    ] = beside;

    for (const one of Object.values(services)) await moveWeight(one, 12);
    const samples = Object.fromEntries(Object.keys(services).map((name) => [name, [] as Sample[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, one] of Object.entries(services))
        samples[name]?.push(await moveWeight(one, 20 + (round % 2) * 5));
      say(
        `round ${round + 1}: ${Object.values(samples)
          .map((own) => `${own.at(-1)?.wall.toFixed(2) ?? "?"} s`)
          .join(", ")}`,
      );
    }
    return compare(samples);
  } finally {
    for (const lab of labs) await lab.stop();
  }
}

const routesFrom = (): string[] => [
  "bench",
  ...Array.from({ length: crowd.services }, (_, i) => `other-${i}`),
];
