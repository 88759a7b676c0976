import { defaultGatewayKind } from "../../components/gateways/gateway-kinds";
import { usesTls, type GatewayConfig } from "../../components/gateways/gateway";
import { anyHost, hostCovers, hostsOn } from "../../components/gateways/hostnames";
import { fix, remove, set, setList, type Fix } from "./config-edits";
import type { Finding, Refusal } from "./model";
import type { HeldObject } from "./standing";
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
  /** The IP address that it has. */
  ip?: string;
  listeners: readonly LiveListener[];
}

export interface LiveListener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  /** Namespaces whose routes it takes; undefined: not known, or any. */
  admits?: readonly string[];
}

export interface GatewayUse {
  live: LiveGateway;
  /** Routes that it serves. */
  routes: readonly KnownRoute[];
  /** The service of this stack, where it has one: its route's hostname is another rule's to hold. */
  own?: string;
}

/** A Gateway of this stack's that the update would delete. */
export interface DroppedGateway extends HeldObject {
  /** Routes that it serves. */
  routes: readonly KnownRoute[];
}

/**
 * Gateways that the config no longer has: every client of their routes would lose the address.
 * @param wanted absent: the stack is one of role service, which has none.
 * @param own the service of this stack, whose own route moves with the update: another finding is about that.
 */
export function droppedGatewayRefusals(
  wanted: GatewayConfig | undefined,
  dropped: readonly DroppedGateway[],
  own?: string,
): Refusal[] {
  return dropped.flatMap(({ name, namespace, routes }) => {
    const isNamed = name === wanted?.name && namespace === wanted.namespace;
    const users = routes.filter(({ service }) => isNamed || own === undefined || service !== own);
    if (users.length === 0) return [];
    const because =
      wanted === undefined
        ? "says role service"
        : isNamed
          ? "says that it was created outside this stack (gateway.existing)"
          : `has Gateway ${wanted.namespace}/${wanted.name}`;
    const edits = [
      ...(wanted === undefined ? [set("role", own === undefined ? "platform" : "all")] : []),
      ...(wanted?.existing === true ? [remove("gateway.existing")] : []),
      ...(isNamed ? [] : [set("gateway.name", name), set("gateway.namespace", namespace)]),
    ];
    return [
      {
        rule: "address-dropped",
        found: `this stack created Gateway ${namespace}/${name}, and the update would delete it, because the config ${because}; routes on it: ${users.map(nameOf).join(", ")}`,
        fix: fix`${edits}`,
        waiver: "address-dropped" as const,
      },
    ];
  });
}

/** What to run before an update can delete a Gateway: the engine protects it, whoever uses it. */
export const droppedGatewayNotes = (dropped: readonly DroppedGateway[]): string[] =>
  dropped.map(
    ({ namespace, name, urn }) =>
      `the config no longer has Gateway ${namespace}/${name}, which this stack created. It is protected, so the update fails when it comes to delete it, unless you run first: pulumi state unprotect '${urn}'`,
  );

/** @param use absent: there is no such Gateway yet, or it was created outside this stack. */
export function gatewayRefusals(wanted: GatewayConfig, use: GatewayUse | undefined): Refusal[] {
  if (use === undefined) return [];
  const listener = ownListener(wanted, use.live);
  const routes = use.routes.filter(({ namespace }) => listener?.admits?.includes(namespace) !== false);
  if (routes.length === 0) return [];
  const findings = [
    ...addressLost(wanted, use.live),
    ...(listener === undefined
      ? []
      : [
          ...listenerLost(wanted, listener),
          ...hostnamesLost(wanted, listener, { ...use, routes }),
          ...namespacesLost(wanted, listener, routes),
        ]),
  ];
  return findings.map(({ found, fix: way }) => ({
    rule: "address-dropped",
    found: `${found}; routes on Gateway ${wanted.namespace}/${wanted.name}: ${routes.map(nameOf).join(", ")}`,
    fix: way,
    waiver: "address-dropped",
  }));
}

/** A listener of this program's has one of two names; those of others stay, whatever this stack writes. */
function ownListener(wanted: GatewayConfig, { listeners }: LiveGateway): LiveListener | undefined {
  const name = usesTls(wanted) ? "https" : "http";
  return (
    listeners.find((listener) => listener.name === name) ??
    listeners.find((listener) => listener.name === "http" || listener.name === "https")
  );
}

function addressLost(
  { exposure, address }: GatewayConfig,
  { className, addresses, ip }: LiveGateway,
): Finding[] {
  const { classes } = defaultGatewayKind;
  const then = Object.entries(classes).find(([, name]) => name === className)?.[0];
  const isOther = addresses.some((name) => name !== address);
  const gets = addresses.length === 0 && address !== undefined && ip !== undefined;
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
    ...(gets
      ? [
          {
            found: `clients reach the Gateway at ${ip}, but the config says address ${address}`,
            fix: fix`${remove("gateway.address")} (if ${address} is that IP address, reserved since, use the waiver)`,
          },
        ]
      : []),
  ];
}

function listenerLost(wanted: GatewayConfig, listener: LiveListener): Finding[] {
  const protocol = usesTls(wanted) ? "HTTPS" : "HTTP";
  if (listener.port === wanted.port && listener.protocol === protocol) return [];
  return [
    {
      found: `clients reach the Gateway by ${listener.protocol} on port ${listener.port}, but the config says ${protocol} on port ${wanted.port}`,
      fix:
        listener.protocol === protocol ? fix`${set("gateway.port", listener.port)}` : otherProtocol(wanted),
    },
  ];
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

function hostnamesLost(
  { hostname }: GatewayConfig,
  listener: LiveListener,
  { routes, own }: GatewayUse,
): Finding[] {
  const lost = routes
    .filter(({ service }) => service === undefined || service !== own)
    .flatMap((route) => {
      const then = hostsOn(hostname, route.hostnames);
      return hostsOn(listener.hostname, route.hostnames).filter(
        (host) => !then.some((left) => hostCovers(left, host)),
      );
    });
  if (lost.length === 0) return [];
  const { hostname: before } = listener;
  const names = [...new Set(lost)].map((host) => (host === anyHost ? "any name" : host)).join(", ");
  return [
    {
      found: `clients reach the Gateway as ${names}, but the config says ${hostname ?? "any name"}`,
      fix:
        before === undefined ? fix`${remove("gateway.hostname")}` : fix`${set("gateway.hostname", before)}`,
    },
  ];
}

/** Only what the listener takes today can be lost. */
function namespacesLost(
  { routesFrom }: GatewayConfig,
  { admits }: LiveListener,
  routes: readonly KnownRoute[],
): Finding[] {
  if (admits === undefined) return [];
  const lost = [...new Set(routes.map(({ namespace }) => namespace))].filter(
    (one) => !routesFrom.includes(one),
  );
  return lost.length === 0
    ? []
    : [
        {
          found: `the config lets no routes of ${lost.length === 1 ? "namespace" : "namespaces"} ${lost.join(", ")} attach to the Gateway any more`,
          fix: fix`${setList("gateway.routesFrom", [...routesFrom, ...lost])}`,
        },
      ];
}
