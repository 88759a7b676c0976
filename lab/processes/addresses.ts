import * as net from "node:net";

/**
 * The part of 127.0.0.0/8 that one lab has to itself: 127.<n>.0.0/16. Every address there is this machine, so
 * pods can have addresses of their own without root, and several labs run side by side.
 */
export class AddressRange {
  private constructor(
    readonly n: number,
    private readonly lease: net.Server,
  ) {}

  /** API server, controllers, Envoy's admin. */
  get control(): string {
    return `127.${this.n}.0.1`;
  }

  /** The n-th Gateway gets `<prefix>.<n>`. */
  get gatewayPrefix(): string {
    return `127.${this.n}.1`;
  }

  /** Address of the i-th Gateway, from 0. */
  gateway(i: number): string {
    return `${this.gatewayPrefix}.${i + 1}`;
  }

  /** CIDR of the i-th node, from 0: a /27, so that a thousand nodes have room. */
  nodeCidr(i: number): string {
    if (i < 0 || i >= maxNodes)
      throw new Error(`a lab has room for ${maxNodes} nodes; cannot add node ${i + 1}`);
    const host = 128 * 256 + i * 32;
    return `127.${this.n}.${Math.floor(host / 256)}.${host % 256}/27`;
  }

  /** All node CIDRs together. */
  get podCidr(): string {
    return `127.${this.n}.128.0/17`;
  }

  release(): void {
    this.lease.close();
  }

  /**
   * Leases a free range. The lease is a listening socket, so the kernel takes it back however the holder dies.
   * @throws Error when every range is taken.
   */
  static async lease(): Promise<AddressRange> {
    const first = 20 + (process.pid % 200);
    for (let i = 0; i < 200; i++) {
      const n = 20 + ((first - 20 + i) % 200);
      const server = await listen(`127.${n}.255.254`, leasePort);
      if (server !== undefined) return new AddressRange(n, server);
    }
    throw new Error("every address range from 127.20.0.0/16 to 127.219.0.0/16 is in use by a lab");
  }
}

const leasePort = 4127;
export const maxNodes = 1024;

function listen(host: string, port: number): Promise<net.Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.unref();
    server.once("error", () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

/** `preferred` where it is free on `host`, else a port that the kernel chooses. */
export async function freePort(host: string, preferred = 0): Promise<number> {
  const server = (await listen(host, preferred)) ?? (await listen(host, 0));
  if (server === undefined) throw new Error(`no free port on ${host}`);
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Below the kernel's own range (from 32768), so that no outgoing connection takes a port between our finding it
 * free and the program's listening on it.
 */
const firstPort = 16_384;

const lastPort = 32_000;

/** Ports that are free on every address and that this process gives out once. */
export class FreePorts {
  private readonly taken = new Set<number>();
  private next = firstPort + Math.floor(Math.random() * (lastPort - firstPort));

  /** @throws Error when there is none left. */
  async take(): Promise<number> {
    for (let tries = firstPort; tries < lastPort; tries++) {
      const port = this.next++;
      if (this.next >= lastPort) this.next = firstPort;
      if (this.taken.has(port)) continue;
      this.taken.add(port);
      if ((await freePort("0.0.0.0", port)) === port) return port;
      this.taken.delete(port);
    }
    throw new Error(`no port between ${firstPort} and ${lastPort} is free on this machine`);
  }

  giveBack(port: number): void {
    this.taken.delete(port);
  }
}

/** Whether something accepts connections there. */
export function accepts(host: string, port: number, timeoutMs = 500): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: timeoutMs });
    const finish = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("error", () => finish(false));
  });
}
