import * as net from "node:net";
import { accepts } from "../processes/addresses";
import { setTimeout as sleep } from "node:timers/promises";

/** The picker listens on all of the machine's addresses; two of them would collide on their usual ports. */
const target = "127.0.0.1";

const askMs = 50;

/**
 * Makes a port of this machine appear at `host:port`. The listener opens when the port itself does, so that a
 * probe of the pod's address never finds a listener with nobody behind it.
 */
export class Forwarder {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private closed = false;

  constructor(
    private readonly host: string,
    private readonly port: number,
    private readonly to: number,
    /** Told when the address cannot be listened on. */
    private readonly failed: (error: Error) => void,
  ) {
    this.server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.connect(socket));
    this.server.on("error", (error) => this.failed(error));
    void this.open();
  }

  /** Resolves when the address is free again; connections are cut. */
  async close(): Promise<void> {
    this.closed = true;
    for (const socket of this.sockets) socket.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private async open(): Promise<void> {
    while (!(await accepts(target, this.to))) {
      if (this.closed) return;
      await sleep(askMs);
    }
    if (!this.closed) this.server.listen({ host: this.host, port: this.port, exclusive: true });
  }

  private connect(client: net.Socket): void {
    const upstream = net.connect({ host: target, port: this.to, noDelay: true, allowHalfOpen: true });
    this.track(client, upstream);
    this.track(upstream, client);
    client.pipe(upstream);
    upstream.pipe(client);
  }

  private track(socket: net.Socket, other: net.Socket): void {
    this.sockets.add(socket);
    socket.once("error", () => other.destroy());
    socket.once("close", () => {
      this.sockets.delete(socket);
      // The end of one side lets the other finish what it still has to send.
      if (socket.errored !== null) other.destroy();
      else other.end();
    });
  }
}

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
