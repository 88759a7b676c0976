import * as net from "node:net";
import { byAge } from "./objects/snapshot";
import { keyOf, type Gateway } from "./objects/types";
import { requestedAddress, type AddressProblem } from "./translate/addresses";

/** Added to a desired port that cannot be bound: 80 becomes 20080. */
export const movedPorts = 20_000;
const maxGateways = 254;

/** Tells whether a port can be bound on an address. */
export type CanBind = (address: string, port: number) => Promise<boolean>;

/** Where a Gateway is, or why it is nowhere. */
export type Placed = { address: string } | { problem: AddressProblem };

/**
 * Which address each Gateway has and which port is bound for each that it wants. Both stay as long as the
 * Gateway lives and asks for no other address: clients know them.
 */
export class Placement {
  private readonly addresses = new Map<string, string>();
  private readonly problems = new Map<string, AddressProblem>();
  private readonly ports = new Map<string, Map<number, number>>();
  private next = 1;

  constructor(
    private readonly prefix: string,
    private readonly canBind: CanBind = bindable,
  ) {}

  /** Gives the Gateways what they lack, in order of creation. */
  async place(gateways: readonly Gateway[]): Promise<void> {
    const present = new Set(gateways.map(idOf));
    for (const id of this.addresses.keys()) if (!present.has(id)) this.free(id);
    this.problems.clear();
    for (const gateway of [...gateways].sort(byAge)) {
      const id = idOf(gateway);
      const address = this.addressFor(gateway);
      if (typeof address !== "string") {
        this.free(id);
        this.problems.set(id, address);
        continue;
      }
      if (this.addresses.get(id) !== address) this.free(id);
      this.addresses.set(id, address);
      const bound = this.ports.get(id) ?? new Map<number, number>();
      this.ports.set(id, bound);
      for (const port of new Set(gateway.spec.listeners.map((listener) => listener.port))) {
        if (bound.has(port)) continue;
        const canHave = port + movedPorts > 65_535 || (await this.canBind(address, port));
        bound.set(port, canHave ? port : port + movedPorts);
      }
    }
  }

  placeOf(gateway: Gateway): Placed {
    const problem = this.problems.get(idOf(gateway));
    if (problem !== undefined) return { problem };
    const address = this.addresses.get(idOf(gateway));
    if (address === undefined) throw new Error(`Gateway ${keyOf(gateway)} has not been placed`);
    return { address };
  }

  boundPort(gateway: Gateway, port: number): number {
    return this.ports.get(idOf(gateway))?.get(port) ?? port;
  }

  private free(id: string): void {
    this.addresses.delete(id);
    this.ports.delete(id);
  }

  private addressFor(gateway: Gateway): string | AddressProblem {
    const desired = requestedAddress(gateway, this.prefix);
    const current = this.addresses.get(idOf(gateway));
    switch (desired.kind) {
      case "any":
        return current ?? this.newAddress(gateway);
      case "certain": {
        const { address } = desired;
        const taken = current !== address && [...this.addresses.values()].includes(address);
        return taken
          ? { kind: "unusable", message: `spec.addresses: another Gateway has ${address}` }
          : address;
      }
      default:
        return desired;
    }
  }

  /** What the Gateway had before a restart of ours, else the next one; a freed one only when all were used. */
  private newAddress(gateway: Gateway): string {
    const taken = new Set(this.addresses.values());
    const before = gateway.status?.addresses?.[0]?.value;
    if (before?.startsWith(`${this.prefix}.`) === true && !taken.has(before)) return before;
    for (let i = 0; i < maxGateways; i++) {
      const address = `${this.prefix}.${((this.next - 1) % maxGateways) + 1}`;
      this.next++;
      if (!taken.has(address)) return address;
    }
    throw new Error(`more than ${maxGateways} Gateways: no address left in ${this.prefix}.0/24`);
  }
}

function idOf(gateway: Gateway): string {
  return gateway.metadata.uid ?? keyOf(gateway);
}

function bindable(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
