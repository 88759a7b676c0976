import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";
import { usesTls, type GatewayConfig } from "../../components/gateways/gateway";
import { anyHost, hostCovers, hostsOn } from "../../components/gateways/hostnames";
import { fix, remove, set, type Fix } from "./config-edits";
import type { Finding, Refusal } from "./model";
import { nameOf, type KnownRoute } from "./routes";

/*
 * A Gateway that this stack created, and what of it clients would lose with the next update. It is the rule
 * address-dropped (rules/route-rules.ts) for the Gateway itself, which other stacks' services may share.
 */

/** What clients and routes know of a Gateway. */
export interface LiveGateway {
  className: string;
  /** Names of reserved addresses. */
  addresses: readonly string[];
  listeners: readonly { port: number; protocol: string; hostname?: string }[];
}

export interface GatewayUse {
  live: LiveGateway;
  /** Routes that attach to it. */
  routes: readonly KnownRoute[];
  /** The service of this stack, where it has one: its route's hostname is another rule's to hold. */
  own?: string;
}

/** @param use absent: there is no such Gateway yet, or it was created outside this stack. */
export function gatewayRefusals(wanted: GatewayConfig, use: GatewayUse | undefined): Refusal[] {
  if (use === undefined || use.routes.length === 0) return [];
  const findings = [
    ...addressLost(wanted, use.live),
    ...listenersLost(wanted, use.live),
    ...hostnamesLost(wanted, use),
    ...namespacesLost(wanted, use.routes),
  ];
  return findings.map(({ found, fix: way }) => ({
    rule: "address-dropped",
    found: `${found}; routes on Gateway ${wanted.namespace}/${wanted.name}: ${use.routes.map(nameOf).join(", ")}`,
    fix: way,
    waiver: "address-dropped",
  }));
}

function addressLost({ exposure, address }: GatewayConfig, { className, addresses }: LiveGateway): Finding[] {
  const { classes } = defaultGatewayKind;
  const then = Object.entries(classes).find(([, name]) => name === className)?.[0];
  const isOther = addresses.some((name) => name !== address);
  return [
    ...(then === undefined || then === exposure
      ? []
      : [
          {
            found: `the Gateway is ${then}, but the config says ${exposure}: that creates another load balancer with another address`,
            fix: fix`${set("gateway.exposure", then)} (to change it, create another Gateway, and move the clients first)`,
          },
        ]),
    ...(isOther
      ? [
          {
            found: `clients reach the Gateway at address ${addresses.join(", ")}, but the config says ${address ?? "none"}`,
            fix: fix`${set("gateway.address", addresses[0] ?? "")}`,
          },
        ]
      : []),
  ];
}

function listenersLost(wanted: GatewayConfig, { listeners }: LiveGateway): Finding[] {
  const protocol = usesTls(wanted) ? "HTTPS" : "HTTP";
  return listeners
    .filter((listener) => listener.port !== wanted.port || listener.protocol !== protocol)
    .map((listener) => ({
      found: `clients reach the Gateway by ${listener.protocol} on port ${listener.port}, but the config says ${protocol} on port ${wanted.port}`,
      fix:
        listener.protocol === protocol ? fix`${set("gateway.port", listener.port)}` : otherProtocol(wanted),
    }));
}

function otherProtocol({ tlsSecret, certificate }: GatewayConfig): Fix {
  const set_ = [
    ...(tlsSecret === undefined ? [] : ["gateway.tlsSecret"]),
    ...(certificate === undefined ? [] : ["gateway.certificate"]),
  ];
  return set_.length > 0
    ? fix`${set_.map((key) => remove(key))}`
    : fix`restore gateway.tlsSecret or gateway.certificate`;
}

function hostnamesLost({ hostname }: GatewayConfig, { live, routes, own }: GatewayUse): Finding[] {
  const lost = live.listeners.flatMap((listener) =>
    routes
      .filter(({ service }) => service === undefined || service !== own)
      .flatMap((route) => {
        const then = hostsOn(hostname, route.hostnames);
        return hostsOn(listener.hostname, route.hostnames).filter(
          (host) => !then.some((left) => hostCovers(left, host)),
        );
      }),
  );
  const before = live.listeners[0]?.hostname;
  if (lost.length === 0) return [];
  const names = [...new Set(lost)].map((host) => (host === anyHost ? "any name" : host)).join(", ");
  return [
    {
      found: `clients reach the Gateway as ${names}, but the config says ${hostname ?? "any name"}`,
      fix:
        before === undefined ? fix`${remove("gateway.hostname")}` : fix`${set("gateway.hostname", before)}`,
    },
  ];
}

function namespacesLost({ routesFrom }: GatewayConfig, routes: readonly KnownRoute[]): Finding[] {
  const lost = [...new Set(routes.map(({ namespace }) => namespace))].filter(
    (one) => !routesFrom.includes(one),
  );
  return lost.map((namespace, i) => ({
    found: `the config lets no routes of namespace ${namespace} attach to the Gateway`,
    fix: fix`${set(["gateway", "routesFrom", routesFrom.length + i], namespace)}`,
  }));
}
