import { freePort } from "../processes/addresses";

/**
 * Below the kernel's own range (from 32768), so that no outgoing connection takes a port between our finding it
 * free and the program's listening on it.
 */
const first = 16_384;
const last = 32_000;

/** Ports that are free on every address and that this process gives out once. */
export class FreePorts {
  private readonly taken = new Set<number>();
  private next = first + Math.floor(Math.random() * (last - first));

  /** @throws Error when there is none left. */
  async take(): Promise<number> {
    for (let tries = first; tries < last; tries++) {
      const port = this.next++;
      if (this.next >= last) this.next = first;
      if (this.taken.has(port)) continue;
      this.taken.add(port);
      if ((await freePort("0.0.0.0", port)) === port) return port;
      this.taken.delete(port);
    }
    throw new Error(`no port between ${first} and ${last} is free on this machine`);
  }

  giveBack(port: number): void {
    this.taken.delete(port);
  }
}
