import { setTimeout as sleep } from "node:timers/promises";
import { StackLab } from "../end-to-end/stack-lab";
import { spread, type Delays } from "./measure";

/*
 * From the API server's word that the route is written to the first answer at the new split: the gateway's part, with
 * the lab's gateway in the place of Google Cloud's load balancer, which takes longer.
 */

export async function splitDelay(rounds: number, say: (text: string) => void): Promise<Delays[]> {
  say("starting a lab");
  const lab = await StackLab.start();
  try {
    const stack = await lab.stack("dev", { weight: 100 });
    await stack.up();
    const address = String((await stack.pulumi.outputs())["address"]);
    const url = `http://${address}:${await lab.lab.boundPort(address)}/v1/completions`;
    const seconds: number[] = [];
    const route = await lab.route();
    const rule = route?.spec.rules[0];
    if (route === undefined || rule === undefined) throw new Error("there is no route");
    for (let round = 0; round < rounds; round++) {
      const to = round % 2 === 0 ? "llm" : "llm-new";
      const backendRefs = ["llm", "llm-new"].map((name) => ({
        group: "inference.networking.k8s.io",
        kind: "InferencePool",
        name,
        port: 8000,
        weight: name === to ? 100 : 0,
      }));
      await lab.edit({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: route.metadata.name, namespace: route.metadata.namespace },
        spec: { rules: [{ ...rule, backendRefs }] },
      });
      seconds.push((await firstAnswerOf(url, to)) / 1000);
      await sleep(200);
    }
    say(`${rounds} changes`);
    return [{ name: "the first answer at the new split", seconds: spread(seconds), samples: seconds.length }];
  } finally {
    await lab.stop();
  }
}

/** Milliseconds until a request that starts then is answered by a pool. */
async function firstAnswerOf(url: string, pool: string): Promise<number> {
  const began = performance.now();
  for (;;) {
    const started = performance.now() - began;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "Qwen/Qwen3-8B", prompt: "Hello", max_tokens: 1 }),
      signal: AbortSignal.timeout(10_000),
    });
    await response.text();
    if (!response.ok) throw new Error(`status ${response.status}`);
    if (response.headers.get("x-served-by-pool") === pool) return started;
    if (started > 30_000) throw new Error(`no answer of ${pool} within 30 s`);
  }
}
