/** Pod addresses in use: a new pod waits until what ran on its address before has really ended. */
export class HeldAddresses {
  private readonly held = new Map<string, Promise<void>>();

  async claim(address: string): Promise<() => void> {
    for (let other = this.held.get(address); other !== undefined; other = this.held.get(address)) await other;
    let free: () => void = () => undefined;
    this.held.set(
      address,
      new Promise((resolve) => {
        free = () => {
          this.held.delete(address);
          resolve();
        };
      }),
    );
    return free;
  }
}
