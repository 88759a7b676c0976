import { setTimeout as sleep } from "node:timers/promises";

/** Asks until there is an answer; undefined when time is up. Envoy takes most updates within 5 ms. */
export async function until<T>(ask: () => Promise<T | undefined>, timeoutMs: number): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const answer = await ask();
    if (answer !== undefined || Date.now() > deadline) return answer;
    await sleep(pause);
  }
}
